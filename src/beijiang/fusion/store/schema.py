"""The metadata tables of libraries."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = [
    "fusion_claim",
    "fusion_decision",
    "fusion_dispute",
    "fusion_key",
    "fusion_library",
    "fusion_link",
    "fusion_pair",
    "fusion_run",
]

fusion_library = Table(
    "fusion_library",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_current", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("name", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("target", String(200), nullable=False),
    Column("prefix", String(8), nullable=False),
    Column("elements", JsonDocument, nullable=False),
    Column("key", JsonDocument, nullable=False),
    Column("matching", String(40), nullable=False),
    Column("certain", Float, nullable=False),
    Column("grey", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("owner", JsonDocument, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Index("ix_fusion_library_current", "is_current", "target"),
)

fusion_key = Table(
    "fusion_key",
    metadata,
    Column("library_id", String(40), primary_key=True),
    Column("sealed", Text, nullable=False),
)

fusion_link = Table(
    "fusion_link",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("library_id", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("key", JsonDocument, nullable=False),
    Column("seen", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_by", JsonDocument, nullable=False),
    Column("agreed_by", JsonDocument),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("library_id", "number", name="uq_fusion_link_number"),
    Index("ix_fusion_link_library", "library_id", "state"),
    Index("ix_fusion_link_table", "table_name"),
)

fusion_run = Table(
    "fusion_run",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("library_id", String(40), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("trigger", String(10), nullable=False),
    Column("by", String(60), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("version", Integer),
    Column("records", BigInteger, nullable=False),
    Column("subjects", BigInteger, nullable=False),
    Column("matched", BigInteger, nullable=False),
    Column("waiting", BigInteger, nullable=False),
    Column("sources", JsonDocument, nullable=False),
    Column("fields", JsonDocument, nullable=False),
    Column("matching", JsonDocument, nullable=False),
    Column("error", JsonDocument),
    Index("ix_fusion_run_library", "library_id", "at"),
)

fusion_pair = Table(
    "fusion_pair",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("library_id", String(40), nullable=False),
    Column("left", String(40), nullable=False),
    Column("right", String(40), nullable=False),
    Column("left_source", Integer, nullable=False),
    Column("right_source", Integer, nullable=False),
    Column("probability", Float, nullable=False),
    Column("levels", JsonDocument, nullable=False),
    Column("against", Boolean, nullable=False),
    Column("state", String(10), nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    UniqueConstraint("library_id", "left", "right", name="uq_fusion_pair"),
    Index("ix_fusion_pair_waiting", "library_id", "state", "probability"),
)

fusion_decision = Table(
    "fusion_decision",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("library_id", String(40), nullable=False),
    Column("left", String(40), nullable=False),
    Column("right", String(40), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("taken_out", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("revoked_by", String(60), nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("why_revoked", Text, nullable=False),
    Index("ix_fusion_decision_library", "library_id", "at"),
)

fusion_claim = Table(
    "fusion_claim",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("library_id", String(40), nullable=False),
    Column("element", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("basis", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("decided_by", String(60), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("why", Text, nullable=False),
    Index("ix_fusion_claim_library", "library_id", "state"),
)

fusion_dispute = Table(
    "fusion_dispute",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("claim_id", String(40), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("ruled_by", String(60), nullable=False),
    Column("ruled_at", UtcDateTime),
    Column("ruling", Text, nullable=False),
    Index("ix_fusion_dispute_claim", "claim_id", "state"),
)
