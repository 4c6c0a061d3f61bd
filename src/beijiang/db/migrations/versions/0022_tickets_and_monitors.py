"""Tickets of quality with their steps, what monitors observed and found, and policies of both."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quality_ticket",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("origin", sa.String(10), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("standing", sa.String(40)),
        sa.Column("title", sa.String(400), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("rows", JsonDocument, nullable=False),
        sa.Column("rule_id", sa.String(40)),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("indicator", sa.String(4), nullable=False),
        sa.Column("run_id", sa.String(40)),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("failing", sa.BigInteger, nullable=False),
        sa.Column("assessed", sa.BigInteger, nullable=False),
        sa.Column("resource_id", sa.String(60)),
        sa.Column("opened_by", sa.String(60), nullable=False),
        sa.Column("opened_name", sa.String(200), nullable=False),
        sa.Column("opened_org", sa.String(60)),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("started_on", sa.Date, nullable=False),
        sa.Column("limit_rule", sa.String(100), nullable=False),
        sa.Column("limit_days", sa.Integer, nullable=False),
        sa.Column("limit_basis", sa.String(400), nullable=False),
        sa.Column("limit_verified", sa.Boolean, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("provisional", sa.Boolean, nullable=False),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("answer", sa.String(20)),
        sa.Column("answered_at", UtcDateTime),
        sa.Column("closed_at", UtcDateTime),
        sa.Column("reopened", sa.Integer, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("standing", name="uq_quality_ticket_standing"),
    )
    op.create_table(
        "quality_ticket_step",
        sa.Column("ticket_id", sa.String(40), sa.ForeignKey("quality_ticket.id"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60)),
        sa.Column("move", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("words", JsonDocument, nullable=False),
        sa.Column("detail", JsonDocument, nullable=False),
    )
    op.create_table(
        "quality_ticket_policy",
        sa.Column("scope", sa.String(200), primary_key=True),
        sa.Column("severities", JsonDocument, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "quality_observation",
        sa.Column("table_name", sa.String(200), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("mode", sa.String(20), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("moved", sa.BigInteger, nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("looks", JsonDocument),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("expected", sa.Boolean, nullable=False),
    )
    op.create_table(
        "quality_finding",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("open_key", sa.String(700)),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("monitor", sa.String(20), nullable=False),
        sa.Column("aspect", sa.String(20), nullable=False),
        sa.Column("column_name", sa.String(400), nullable=False),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("low", sa.Float),
        sa.Column("high", sa.Float),
        sa.Column("came", sa.Float),
        sa.Column("words", JsonDocument, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("decided_by", sa.String(200)),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("reason", sa.Text),
        sa.Column("over_at", UtcDateTime),
        sa.UniqueConstraint("open_key", name="uq_quality_finding_open"),
    )
    op.create_table(
        "quality_monitor",
        sa.Column("table_name", sa.String(200), primary_key=True),
        sa.Column("monitor", sa.String(20), primary_key=True),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("limits", JsonDocument, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ix_quality_ticket_org", "quality_ticket", ["org_id", "state"])
    op.create_index("ix_quality_ticket_table", "quality_ticket", ["table_name"])
    op.create_index("ix_quality_ticket_rule", "quality_ticket", ["rule_id"])
    op.create_index("ix_quality_finding_table", "quality_finding", ["table_name", "state"])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
