"""The metadata tables of lineage."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["lineage_edge", "lineage_event", "lineage_write"]

lineage_write = Table(
    "lineage_write",
    metadata,
    Column("target", String(600), primary_key=True),
    Column("declarer", String(600), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("set_id", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("run_id", String(60), nullable=False),
    Column("actor_id", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("sources", JsonDocument, nullable=False),
    Index("ix_lineage_write_at", "at"),
)
"""What was written when, and which set of edges holds since then; ``declarer`` is empty for the platform's own tables."""

lineage_edge = Table(
    "lineage_edge",
    metadata,
    Column("set_id", String(40), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("target", String(600), nullable=False),
    Column("target_column", String(400), nullable=False),
    Column("source", String(600), nullable=False),
    Column("source_column", String(400), nullable=False),
    Column("use", String(20), nullable=False),
    Index("ix_lineage_edge_source", "source"),
)

lineage_event = Table(
    "lineage_event",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(60), nullable=False),
    Column("event_type", String(20), nullable=False),
    Column("event_time", String(60), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("job", String(600), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("body", JsonDocument, nullable=False),
    UniqueConstraint("org_id", "run_id", "event_type", "event_time"),
)
"""OpenLineage events of others, as they came."""
