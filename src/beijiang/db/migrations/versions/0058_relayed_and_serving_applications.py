"""relayed and serving applications."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_health",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", JsonDocument, nullable=False),
        sa.Column("millis", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_app_health")),
    )
    op.create_table(
        "app_health_turn",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("error", JsonDocument, nullable=False),
        sa.Column("lasted_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_health_turn")),
    )
    with op.batch_alter_table("app_health_turn", schema=None) as batch_op:
        batch_op.create_index("ix_app_health_turn_client_id", ["client_id", "at"], unique=False)

    op.create_table(
        "app_host",
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("label", name=op.f("pk_app_host")),
    )
    with op.batch_alter_table("app_host", schema=None) as batch_op:
        batch_op.create_index("ix_app_host_client_id", ["client_id"], unique=False)

    op.create_table(
        "hosted_server",
        sa.Column("app_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("walls", JsonDocument, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("restart_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_hosted_server")),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
