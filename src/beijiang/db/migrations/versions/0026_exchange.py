"""Share requests with their stages and steps, grants with what is had under them, and who stands in for whom."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_request",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("draft", JsonDocument, nullable=False),
        sa.Column("resource_id", sa.String(40), nullable=False),
        sa.Column("resource_name", sa.String(200), nullable=False),
        sa.Column("resource_version", sa.Integer, nullable=False),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("provider_id", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("stages", JsonDocument, nullable=False),
        sa.Column("at_stage", sa.Integer, nullable=False),
        sa.Column("offered", JsonDocument, nullable=False),
        sa.Column("clock", JsonDocument),
        sa.Column("urged", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("submitted_at", UtcDateTime),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("grant_id", sa.String(40)),
    )
    op.create_table(
        "exchange_grant",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("request_id", sa.String(40)),
        sa.Column("resource_id", sa.String(40), nullable=False),
        sa.Column("resource_name", sa.String(200), nullable=False),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("provider_id", sa.String(60), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("grantee_kind", sa.String(20), nullable=False),
        sa.Column("grantee_id", sa.String(60), nullable=False),
        sa.Column("terms", JsonDocument, nullable=False),
        sa.Column("levels", JsonDocument, nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("use", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("agreement", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("made_at", UtcDateTime, nullable=False),
        sa.Column("until", sa.Date, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("reason", sa.Text, nullable=False),
    )
    for table, columns in (
        ("exchange_request", ("org_id", "provider_id")),
        ("exchange_grant", ("table_name", "provider_id", "org_id")),
    ):
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_table(
        "exchange_step",
        sa.Column("matter_id", sa.String(40), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60)),
        sa.Column("behalf", sa.String(200), nullable=False),
        sa.Column("move", sa.String(20), nullable=False),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("detail", JsonDocument, nullable=False),
    )
    op.create_table(
        "exchange_usage",
        sa.Column("grant_id", sa.String(40), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
    )
    op.create_table(
        "exchange_delegation",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("org_id", sa.String(60)),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("to", sa.String(60), nullable=False),
        sa.Column("to_name", sa.String(200), nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
    )
    op.create_index("ix_exchange_delegation_to", "exchange_delegation", ["to"])
    op.create_table(
        "exchange_demand",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("draft", JsonDocument, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("source_org", sa.String(60)),
        sa.Column("named_org", sa.String(60)),
        sa.Column("fulfilment", sa.String(30)),
        sa.Column("resource_id", sa.String(40)),
        sa.Column("supply_by", sa.Date),
        sa.Column("evaluation", sa.String(20)),
        sa.Column("clock", JsonDocument),
        sa.Column("urged", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
    )
    for column in ("org_id", "source_org"):
        op.create_index(f"ix_exchange_demand_{column}", "exchange_demand", [column])
    epoch = op.create_table(
        "exchange_epoch",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
    )
    op.bulk_insert(epoch, [{"id": 1, "value": 0}])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
