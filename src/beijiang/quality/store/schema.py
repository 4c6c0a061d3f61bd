"""The metadata tables of quality."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = [
    "quality_conformity",
    "quality_fact",
    "quality_mapping",
    "quality_release",
    "quality_rule",
    "quality_run",
    "quality_scorecard",
]

quality_rule = Table(
    "quality_rule",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_current", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("params", JsonDocument, nullable=False),
    Column("name", String(200), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("threshold", Float, nullable=False),
    Column("indicator", String(4), nullable=False),
    Column("condition", Text, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("limit_words", String(60), nullable=False),
    Column("contract", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", String(60), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Index("ix_quality_rule_current", "table_name", "is_current"),
)

quality_run = Table(
    "quality_run",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("trigger", String(10), nullable=False),
    Column("by", String(60), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("is_newest", Boolean, nullable=False),
    Index("ix_quality_run_table", "table_name", "version"),
    Index("ix_quality_run_newest", "is_newest"),
)

quality_fact = Table(
    "quality_fact",
    metadata,
    Column("run_id", String(40), ForeignKey("quality_run.id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("indicator", String(4), nullable=False),
    Column("rule_id", String(40)),
    Column("revision", Integer, nullable=False),
    Column("name", String(200), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("threshold", Float, nullable=False),
    Column("a", BigInteger, nullable=False),
    Column("b", BigInteger, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("error", JsonDocument),
)

quality_release = Table(
    "quality_release",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("run_id", String(40), nullable=False),
    Column("rules", JsonDocument, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

quality_scorecard = Table(
    "quality_scorecard",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("body", JsonDocument, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

quality_mapping = Table(
    "quality_mapping",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("column_name", String(400), primary_key=True),
    Column("element_id", String(130), primary_key=True),
    Column("confirmed", Boolean, nullable=False),
    Column("score", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_quality_mapping_element", "element_id"),
)

quality_conformity = Table(
    "quality_conformity",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("column_name", String(400), primary_key=True),
    Column("element_id", String(130), nullable=False),
    Column("element_version", Integer, nullable=False),
    Column("a", BigInteger, nullable=False),
    Column("b", BigInteger, nullable=False),
    Column("error", JsonDocument),
    Column("at", UtcDateTime, nullable=False),
)
