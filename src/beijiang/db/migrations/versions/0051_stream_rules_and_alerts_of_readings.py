"""stream rules and alerts of readings."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reading_alert",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("rule_id", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("stream_id", sa.String(length=40), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("sensor", sa.String(length=200), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("figure", sa.Float(), nullable=True),
        sa.Column("peak", sa.Float(), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("assignee_id", sa.String(length=60), nullable=False),
        sa.Column("assignee", sa.String(length=200), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_alert")),
    )
    with op.batch_alter_table("reading_alert", schema=None) as batch_op:
        batch_op.create_index("ix_reading_alert_org", ["org_id", "state", "raised_at"], unique=False)
        batch_op.create_index("ix_reading_alert_sensor", ["stream_id", "sensor", "raised_at"], unique=False)
        batch_op.create_index(
            "uq_reading_alert_lasting",
            ["rule_id", "sensor"],
            unique=True,
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )

    op.create_table(
        "reading_alert_step",
        sa.Column("alert_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("to", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "number", name=op.f("pk_reading_alert_step")),
    )
    op.create_table(
        "stream_alert_copy",
        sa.Column("stream_id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("owner", JsonDocument, nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("digest", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_stream_alert_copy")),
        sa.UniqueConstraint("table_name", name=op.f("uq_stream_alert_copy_table_name")),
    )
    op.create_table(
        "stream_rule",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("stream_id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("draft", JsonDocument, nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", "revision", name=op.f("pk_stream_rule")),
    )
    with op.batch_alter_table("stream_rule", schema=None) as batch_op:
        batch_op.create_index("ix_stream_rule_org", ["org_id", "is_current"], unique=False)
        batch_op.create_index("ix_stream_rule_stream", ["stream_id", "is_current"], unique=False)

    op.create_table(
        "stream_rule_sensor",
        sa.Column("rule_id", sa.String(length=40), nullable=False),
        sa.Column("sensor", sa.String(length=200), nullable=False),
        sa.Column("heard", sa.Float(), nullable=False),
        sa.Column("up", sa.Boolean(), nullable=False),
        sa.Column("state", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "sensor", name=op.f("pk_stream_rule_sensor")),
    )
    with op.batch_alter_table("stream_rule_sensor", schema=None) as batch_op:
        batch_op.create_index("ix_stream_rule_sensor_heard", ["rule_id", "up", "heard"], unique=False)

    op.create_table(
        "stream_rule_standing",
        sa.Column("rule_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("trouble", JsonDocument, nullable=True),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("rule_id", name=op.f("pk_stream_rule_standing")),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
