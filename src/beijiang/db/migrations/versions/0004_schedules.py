"""Schedules and their moments, turns and limits of sources, promises of freshness and alerts."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_alert",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", JsonDocument, nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=True),
        sa.Column("answer", sa.String(length=1000), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_alert")),
    )
    with op.batch_alter_table("ingest_alert", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ingest_alert_org_id"), ["org_id"], unique=False)
        batch_op.create_index(
            "uq_ingest_alert_open",
            ["kind", "subject"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "ingest_promise",
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("grace_minutes", sa.Integer(), nullable=False),
        sa.Column("working_days", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_ingest_promise")),
    )
    op.create_table(
        "ingest_schedule",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("sync_id", sa.String(length=40), nullable=False),
        sa.Column("timing", JsonDocument, nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("backoff", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.String(length=100), nullable=False),
        sa.Column("owner_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("fired", sa.Integer(), nullable=False),
        sa.Column("fired_at", UtcDateTime(), nullable=True),
        sa.Column("seen", JsonDocument, nullable=False),
        sa.Column("paused", JsonDocument, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_schedule")),
    )
    with op.batch_alter_table("ingest_schedule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ingest_schedule_next_at"), ["next_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_ingest_schedule_sync_id"), ["sync_id"], unique=False)

    op.create_table(
        "ingest_slot",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("schedule_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=True),
        sa.Column("late_seconds", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("note", JsonDocument, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_slot")),
        sa.UniqueConstraint("schedule_id", "number", name=op.f("uq_ingest_slot_schedule_id_number")),
    )
    with op.batch_alter_table("ingest_slot", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_slot_state", ["state"], unique=False)

    op.create_table(
        "ingest_source_limit",
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("at_once", sa.Integer(), nullable=False),
        sa.Column("quiet", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_ingest_source_limit")),
    )
    op.create_table(
        "ingest_turn",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("sync_id", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_ingest_turn")),
    )
    with op.batch_alter_table("ingest_turn", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_turn_open", ["source_id", "ended_at"], unique=False)
        batch_op.create_index("ix_ingest_turn_sync", ["sync_id"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
