"""The metadata tables of the registry."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["standards_code", "standards_profile", "standards_proposal", "standards_version"]

standards_version = Table(
    "standards_version",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(10), nullable=False),
    Column("entry_id", String(130), nullable=False),
    Column("version", Integer, nullable=False),
    Column("valid_from", Date),
    Column("retired", Boolean, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("form", JsonDocument, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("proposal_id", String(40), nullable=False),
    UniqueConstraint("kind", "entry_id", "version"),
)
"""Every version of every entry; rows are added and never changed."""

standards_code = Table(
    "standards_code",
    metadata,
    Column("seq", Integer, ForeignKey("standards_version.seq"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("code", String(60), nullable=False),
    Column("name_zh", String(300), nullable=False),
    Column("name_en", String(300), nullable=False),
    Column("parent", String(60)),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("replaced_by", JsonDocument, nullable=False),
)
"""The values of a version of a code set, in their order."""

standards_profile = Table(
    "standards_profile",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("org_id", String(60), nullable=False),
    Column("profile", String(40), nullable=False),
    Column("since", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_standards_profile_org_id", "org_id"),
)
"""Which profile of law counts since when, for a department or (without one) for all; rows are added and never changed."""

standards_proposal = Table(
    "standards_proposal",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60)),
    Column("changes", JsonDocument, nullable=False),
    Column("about", JsonDocument, nullable=False),
    Column("size", Integer, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("decided_by", String(60), nullable=False),
    Column("decided_name", String(200), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decision", Text, nullable=False),
    Index("ix_standards_proposal_state", "state", "at"),
)
