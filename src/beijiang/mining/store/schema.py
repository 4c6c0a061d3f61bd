"""The metadata tables of the work-bench."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["query_run", "saved_query"]

query_run = Table(
    "query_run",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("person_id", String(60), nullable=False),
    Column("person", String(200), nullable=False),
    Column("org_id", String(60)),
    Column("door", String(20), nullable=False),
    Column("exit", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("truncated", Boolean, nullable=False),
    Column("cached", Boolean, nullable=False),
    Column("grade", String(4), nullable=False),
    Column("receipt", String(60), nullable=False),
    Column("error", String(60), nullable=False),
    Column("tables", JsonDocument, nullable=False),
    Column("process", String(60), nullable=False),
    Column("stop_asked", Boolean, nullable=False),
    Index("ix_query_run_person", "person_id", "asked_at"),
    Index("ix_query_run_state", "state", "asked_at"),
)

saved_query = Table(
    "saved_query",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_current", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("name", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("folder", String(100), nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("chart", JsonDocument),
    Column("owner_id", String(60), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("org_id", String(60)),
    Column("set_at", UtcDateTime, nullable=False),
    Index("ix_saved_query_owner", "owner_id", "is_current"),
    Index("ix_saved_query_org", "org_id", "is_current"),
)
