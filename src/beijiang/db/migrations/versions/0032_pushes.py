"""Subscriptions that are pushed to a consumer's own system, and their deliveries."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_push",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("grant_id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("provider_id", sa.String(length=60), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("resource_name", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=300), nullable=False),
        sa.Column("options", JsonDocument, nullable=False),
        sa.Column("secrets", JsonDocument, nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("timing", JsonDocument, nullable=True),
        sa.Column("owner_id", sa.String(length=60), nullable=False),
        sa.Column("owner_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("why", JsonDocument, nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("slow", sa.Boolean(), nullable=False),
        sa.Column("lease", sa.String(length=40), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_push")),
    )
    with op.batch_alter_table("exchange_push", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exchange_push_grant_id"), ["grant_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_exchange_push_org_id"), ["org_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_exchange_push_provider_id"), ["provider_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_exchange_push_state"), ["state"], unique=False)

    op.create_table(
        "exchange_push_delivery",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("push_id", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("before", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("error", JsonDocument, nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.String(length=60), nullable=False),
        sa.Column("proof", JsonDocument, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_push_delivery")),
        sa.UniqueConstraint("push_id", "sequence", name="uq_exchange_push_delivery"),
    )
    with op.batch_alter_table("exchange_push_delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exchange_push_delivery_state"), ["state"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
