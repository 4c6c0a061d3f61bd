"""The metadata tables of quality."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
    "quality_aged",
    "quality_conformity",
    "quality_declined",
    "quality_fact",
    "quality_finding",
    "quality_mapping",
    "quality_mapping_said",
    "quality_monitor",
    "quality_observation",
    "quality_release",
    "quality_rule",
    "quality_run",
    "quality_scorecard",
    "quality_ticket",
    "quality_ticket_policy",
    "quality_ticket_step",
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

quality_aged = Table(
    "quality_aged",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("day", Date, nullable=False),
)
"""The day on which the rules of a table that time alone can break were last held against its newest version."""

quality_declined = Table(
    "quality_declined",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("subject", String(16), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""Suggested rules that are not meant, by what they are about (kind and columns), whatever their limits."""

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

quality_mapping_said = Table(
    "quality_mapping_said",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("number", Integer, nullable=False),
)
"""How often it was announced what the columns of a table hold."""

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

quality_ticket = Table(
    "quality_ticket",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("origin", String(10), nullable=False),
    Column("state", String(20), nullable=False),
    Column("standing", String(40)),
    # The rule, while the ticket is open: one standing problem has one open ticket.
    Column("title", String(400), nullable=False),
    Column("words", Text, nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("rows", JsonDocument, nullable=False),
    Column("rule_id", String(40)),
    Column("revision", Integer, nullable=False),
    Column("severity", String(10), nullable=False),
    Column("indicator", String(4), nullable=False),
    Column("run_id", String(40)),
    Column("version", Integer, nullable=False),
    Column("failing", BigInteger, nullable=False),
    Column("assessed", BigInteger, nullable=False),
    Column("resource_id", String(60)),
    Column("opened_by", String(60), nullable=False),
    Column("opened_name", String(200), nullable=False),
    Column("opened_org", String(60)),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("started_on", Date, nullable=False),
    Column("limit_rule", String(100), nullable=False),
    Column("limit_days", Integer, nullable=False),
    Column("limit_basis", String(400), nullable=False),
    Column("limit_verified", Boolean, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("answer", String(20)),
    Column("answered_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("reopened", Integer, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("standing", name="uq_quality_ticket_standing"),
    Index("ix_quality_ticket_org", "org_id", "state"),
    Index("ix_quality_ticket_table", "table_name"),
    Index("ix_quality_ticket_rule", "rule_id"),
)

quality_ticket_step = Table(
    "quality_ticket_step",
    metadata,
    Column("ticket_id", String(40), ForeignKey("quality_ticket.id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(60), nullable=False),
    Column("name", String(200), nullable=False),
    Column("org_id", String(60)),
    Column("move", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("words", JsonDocument, nullable=False),
    Column("detail", JsonDocument, nullable=False),
)

quality_ticket_policy = Table(
    "quality_ticket_policy",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("severities", JsonDocument, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
)

quality_observation = Table(
    "quality_observation",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("org_id", String(60), nullable=False),
    Column("day", Date, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("mode", String(20), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("moved", BigInteger, nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("looks", JsonDocument),
    # What was measured of each column; None where this version was not looked into.
    Column("seconds", Float, nullable=False),
    Column("expected", Boolean, nullable=False),
    # False: it was out of its band and nobody said that this is as it should be, so bands do not learn from it.
)

quality_finding = Table(
    "quality_finding",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("open_key", String(700)),
    # Table, monitor and column, while it is open: what stands is said once.
    Column("table_name", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("monitor", String(20), nullable=False),
    Column("aspect", String(20), nullable=False),
    Column("column_name", String(400), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("low", Float),
    Column("high", Float),
    Column("came", Float),
    Column("words", JsonDocument, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("until", Date),
    Column("decided_by", String(200)),
    Column("decided_at", UtcDateTime),
    Column("reason", Text),
    Column("over_at", UtcDateTime),
    UniqueConstraint("open_key", name="uq_quality_finding_open"),
    Index("ix_quality_finding_table", "table_name", "state"),
)

quality_monitor = Table(
    "quality_monitor",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("monitor", String(20), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("limits", JsonDocument, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
)
