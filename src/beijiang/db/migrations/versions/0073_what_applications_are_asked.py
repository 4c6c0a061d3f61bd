"""what applications are asked."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import UtcDateTime

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_subscription_wish",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("api", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("plan", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_subscription_wish")),
        sa.UniqueConstraint("client_id", "api", name=op.f("uq_app_subscription_wish_client_id_api")),
    )
    with op.batch_alter_table("hosted_server", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("held_reason", sa.Text(), server_default="", nullable=False))

    with op.batch_alter_table("hosted_usage", schema=None) as batch_op:
        batch_op.add_column(sa.Column("calls", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("runs", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
