"""changes of the plan that its tables do not hold yet; cards of forecasts."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("plan_table_set", schema=None) as batch_op:
        batch_op.add_column(sa.Column("moves", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("moved_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("moves_written", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("tried_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("trouble", JsonDocument, nullable=True))

    # A change may still wait as an event that nobody takes any more: the tables are looked through once.
    now = sa.bindparam("now", datetime.now(UTC), UtcDateTime())
    op.get_bind().execute(sa.text("UPDATE plan_table_set SET moves = 1, moved_at = :now").bindparams(now))

    op.create_table(
        "forecast_card",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("forecast_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.Column("by_id", sa.String(length=64), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forecast_card")),
        sa.UniqueConstraint("forecast_id", "number", name=op.f("uq_forecast_card_forecast_id_number")),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
