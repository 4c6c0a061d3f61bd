"""Recalled versions and what receivers confirmed, disputes, and ratings of what was shared."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_dispute",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("against", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(20)),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("clock", JsonDocument),
        sa.Column("urged", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_dispute")),
    )
    with op.batch_alter_table("exchange_dispute", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exchange_dispute_against"), ["against"], unique=False)
        batch_op.create_index(batch_op.f("ix_exchange_dispute_org_id"), ["org_id"], unique=False)

    op.create_table(
        "exchange_rating",
        sa.Column("resource_id", sa.String(40), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.String(200), nullable=False),
        sa.Column("answered_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("resource_id", "org_id", name=op.f("pk_exchange_rating")),
    )
    op.create_table(
        "exchange_recall",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("resource_id", sa.String(40), nullable=False),
        sa.Column("resource_name", sa.String(200), nullable=False),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("provider_id", sa.String(60), nullable=False),
        sa.Column("versions", JsonDocument, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remedy", sa.String(20), nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("served", sa.Integer()),
        sa.Column("outside", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_recall")),
    )
    with op.batch_alter_table("exchange_recall", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exchange_recall_provider_id"), ["provider_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_exchange_recall_table_name"), ["table_name"], unique=False)

    op.create_table(
        "exchange_recall_duty",
        sa.Column("recall_id", sa.String(40), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("kept", sa.String(20)),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime()),
        sa.Column("clock", JsonDocument),
        sa.Column("urged", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("recall_id", "org_id", name=op.f("pk_exchange_recall_duty")),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
