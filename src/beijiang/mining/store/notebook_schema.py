"""The metadata table of notebooks: every revision whole, so that any can be looked at and come back."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["notebook"]

notebook = Table(
    "notebook",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_current", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("name", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("sharing", String(10), nullable=False),
    Column("parameters", JsonDocument, nullable=False),
    Column("cells", JsonDocument, nullable=False),
    Column("owner_id", String(60), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("org_id", String(60)),
    Column("note", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_notebook_owner", "owner_id", "is_current"),
    Index("ix_notebook_org", "org_id", "is_current"),
)
