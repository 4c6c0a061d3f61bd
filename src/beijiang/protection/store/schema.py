"""The metadata tables of protection."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, String, Table, Text, UniqueConstraint

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = [
    "column_grade",
    "column_role",
    "grade_floor",
    "grade_lowering",
    "graded_table",
    "mask_choice",
    "mask_key",
    "private_offer",
    "private_spend",
    "protection_secret",
    "release_report",
    "row_rule",
    "table_assessment",
]

graded_table = Table(
    "graded_table",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("org_id", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("origins", JsonDocument),
    Column("looked", JsonDocument),
    Column("graded_at", UtcDateTime, nullable=False),
    Column("elements_of", Integer, nullable=False, server_default="0"),
)
"""``elements_of`` is the number of the announcement of data elements that the floors of the table follow."""

column_grade = Table(
    "column_grade",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("table_name", String(200), nullable=False),
    Column("column_name", String(200), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("level", String(2), nullable=False),
    Column("kind", String(60), nullable=False),
    Column("personal", String(1), nullable=False),
    Column("mask", String(60), nullable=False),
    Column("source", String(20), nullable=False),
    Column("evidence", JsonDocument, nullable=False),
    Column("detected_level", String(2), nullable=False),
    Column("reason", Text, nullable=False),
    Column("table_version", Integer, nullable=False),
    Column("set_by", String(60), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    UniqueConstraint("table_name", "column_name", "revision"),
    Index("ix_column_grade_current", "table_name", "is_current"),
)

row_rule = Table(
    "row_rule",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False, index=True),
    Column("audience", String(20)),
    Column("filters", JsonDocument, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", String(60), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)

protection_secret = Table(
    "protection_secret",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", String(200), nullable=False),
)

mask_choice = Table(
    "mask_choice",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False, index=True),
    Column("column_name", String(200), nullable=False),
    Column("function", String(20), nullable=False),
    Column("parameters", JsonDocument, nullable=False),
    Column("weaker", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", String(60), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)

mask_key = Table(
    "mask_key",
    metadata,
    Column("org_id", String(60), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)

column_role = Table(
    "column_role",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("table_name", String(200), nullable=False),
    Column("roles", JsonDocument, nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", String(60), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Index("ix_column_role_current", "table_name", "is_current"),
)

release_report = Table(
    "release_report",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("audience", String(20), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("body", JsonDocument, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_release_report_table", "table_name", "version"),
)

private_offer = Table(
    "private_offer",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False, index=True),
    Column("org_id", String(60), nullable=False),
    Column("person_column", String(200), nullable=False),
    Column("rows_per_person", Integer, nullable=False),
    Column("domains", JsonDocument, nullable=False),
    Column("consumer_micro", BigInteger, nullable=False),
    Column("total_micro", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    Column("needs_approval", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", String(60), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("expires", Date, nullable=False),
    Column("approved_by", String(60)),
    Column("ended_at", UtcDateTime),
)

private_spend = Table(
    "private_spend",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("consumer", String(60), nullable=False),
    Column("period", Date, nullable=False),
    Column("micro", BigInteger, nullable=False),
    Column("question", JsonDocument, nullable=False),
    Column("answer", JsonDocument),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_private_spend_question", "table_name", "version", "digest"),
    Index("ix_private_spend_period", "table_name", "period"),
)

grade_floor = Table(
    "grade_floor",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False),
    Column("column_name", String(200), nullable=False),
    Column("source", String(20), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("level", String(2), nullable=False),
    Column("tier", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", String(60), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index("ix_grade_floor_table", "table_name", "ended_at"),
    Index("ix_grade_floor_subject", "subject"),
)

grade_lowering = Table(
    "grade_lowering",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("matter", String(20), nullable=False),
    Column("column_name", String(200), nullable=False),
    Column("level", String(2), nullable=False),
    Column("kind", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("words", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("decided_by", String(60), nullable=False),
    Column("decided_name", String(200), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decision", Text, nullable=False),
    Index("ix_grade_lowering_table", "table_name"),
    Index("ix_grade_lowering_state", "state"),
)

table_assessment = Table(
    "table_assessment",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("category", String(60), nullable=False),
    Column("harms", JsonDocument, nullable=False),
    Column("object", String(40), nullable=False),
    Column("harm", String(20), nullable=False),
    Column("tier", String(20), nullable=False),
    Column("level", String(2), nullable=False),
    Column("factors", JsonDocument, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("decided_by", String(60), nullable=False),
    Column("decided_at", UtcDateTime),
    UniqueConstraint("table_name", "revision"),
)
