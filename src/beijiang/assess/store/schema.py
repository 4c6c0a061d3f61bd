"""The metadata tables of assessment, statistical indicators and the work plan."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = [
    "assess_appeal",
    "assess_book",
    "assess_fact",
    "assess_figure",
    "assess_figure_target",
    "assess_figure_value",
    "assess_mark",
    "assess_sheet",
    "plan_progress",
    "plan_task",
]

assess_book = Table(
    "assess_book",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("weights", JsonDocument, nullable=False),
    Column("fewest", Integer, nullable=False),
    Column("since", Date, nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("decided_by", String(64), nullable=False),
    Column("decided_name", String(200), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decision", Text, nullable=False),
)

assess_sheet = Table(
    "assess_sheet",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("period", String(10), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),
    Column("first", Date, nullable=False),
    Column("computed_at", UtcDateTime, nullable=False),
    Column("by", String(200), nullable=False),
    Column("book", Integer, nullable=False),
    Column("missing", JsonDocument, nullable=False),
    Column("frozen_at", UtcDateTime),
    Column("frozen_by", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
)
"""One per period: until it is frozen, computing again takes its place."""

assess_mark = Table(
    "assess_mark",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("sheet_id", String(40), ForeignKey("assess_sheet.id"), nullable=False),
    Column("org_id", String(64), nullable=False),
    Column("indicator", String(40), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("a", Float, nullable=False),
    Column("b", Float, nullable=False),
    Column("facts", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("score", Float),
    Column("appeal", String(40), nullable=False),
    UniqueConstraint("sheet_id", "org_id", "indicator", "revision"),
)

assess_fact = Table(
    "assess_fact",
    metadata,
    Column("mark_id", String(40), ForeignKey("assess_mark.id"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("subject", String(12), nullable=False),
    Column("ref", String(400), nullable=False),
    Column("name", String(600), nullable=False),
    Column("a", Float, nullable=False),
    Column("b", Float, nullable=False),
    Column("why", JsonDocument, nullable=False),
    Column("counted", Boolean, nullable=False),
    Column("at", UtcDateTime),
)

assess_appeal = Table(
    "assess_appeal",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("period", String(10), nullable=False),
    Column("sheet_id", String(40), nullable=False),
    Column("org_id", String(64), nullable=False),
    Column("indicator", String(40), nullable=False),
    Column("mark_id", String(40), nullable=False),
    Column("words", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(12), nullable=False),
    Column("standing", String(120), unique=True),
    Column("decided_by", String(64), nullable=False),
    Column("decided_name", String(200), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decision", Text, nullable=False),
    Column("mark_after", String(40), nullable=False),
)
"""``standing`` is period, department and indicator while it is open: one at a time."""

assess_figure = Table(
    "assess_figure",
    metadata,
    Column("code", String(60), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("is_current", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("name_zh", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("definition", Text, nullable=False),
    Column("unit_zh", String(60), nullable=False),
    Column("unit_en", String(60), nullable=False),
    Column("period_kind", String(10), nullable=False),
    Column("value_kind", String(10), nullable=False),
    Column("better", String(10), nullable=False),
    Column("dimensions", JsonDocument, nullable=False),
    Column("formula", Text, nullable=False),
    Column("source", String(300), nullable=False),
    Column("org_id", String(64), nullable=False),
    Column("basis", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_assess_figure_current", "is_current"),
)

assess_figure_value = Table(
    "assess_figure_value",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("code", String(60), nullable=False),
    Column("region", String(12), nullable=False),
    Column("period", String(10), nullable=False),
    Column("dimension", String(100), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("stage", String(12), nullable=False),
    Column("value", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("decided_by", String(64), nullable=False),
    Column("decided_name", String(200), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decision", Text, nullable=False),
    UniqueConstraint("code", "region", "period", "dimension", "revision", name="uq_assess_figure_value_revision"),
)
"""Every revision is kept; the newest approved one is the value."""

assess_figure_target = Table(
    "assess_figure_target",
    metadata,
    Column("code", String(60), primary_key=True),
    Column("region", String(12), primary_key=True),
    Column("period", String(10), primary_key=True),
    Column("operator", String(2), nullable=False),
    Column("value", String(40), nullable=False),
    Column("basis", Text, nullable=False),
    Column("org_id", String(64), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

assess_figure_opening = Table(
    "assess_figure_opening",
    metadata,
    Column("code", String(60), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""The indicators that the public may read; the evidence keeps what was before."""

plan_task = Table(
    "plan_task",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("plan", String(40), nullable=False),
    Column("number", String(20), nullable=False),
    Column("place", Integer, nullable=False),
    Column("part", JsonDocument, nullable=False),
    Column("title_zh", String(300), nullable=False),
    Column("title_en", String(300), nullable=False),
    Column("summary", JsonDocument, nullable=False),
    Column("leads", JsonDocument, nullable=False),
    Column("joint", JsonDocument, nullable=False),
    Column("joint_words", String(300), nullable=False),
    Column("measures", String(60), nullable=False),
    Column("figures", JsonDocument, nullable=False),
    Column("since", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("reported_at", UtcDateTime),
    Column("state", String(10), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("plan", "number"),
)

plan_progress = Table(
    "plan_progress",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("task_id", String(40), ForeignKey("plan_task.id"), nullable=False, index=True),
    Column("act", String(12), nullable=False),
    Column("org_id", String(64)),
    Column("percent", Integer, nullable=False),
    Column("words", Text, nullable=False),
    Column("proofs", JsonDocument, nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

plan_table_set = Table(
    "plan_table_set",
    metadata,
    Column("org_id", String(64), primary_key=True),
    Column("owner", JsonDocument, nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("written_at", UtcDateTime),
    Column("moves", Integer, nullable=False, server_default="0"),
    Column("moved_at", UtcDateTime),
    Column("moves_written", Integer, nullable=False, server_default="0"),
    Column("tried_at", UtcDateTime),
    Column("trouble", JsonDocument),
)
"""Which department has the work plan written into tables of its own, under whose rights, and what they hold now."""
