"""Conditions of conditional openings; registrations of businesses know their credit code."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0044"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_opening",
        sa.Column("resource_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("purposes", JsonDocument, nullable=False),
        sa.Column("ways", JsonDocument, nullable=False),
        sa.Column("duties", sa.Text(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", "version", name=op.f("pk_exchange_opening")),
    )
    with op.batch_alter_table("portal_registration", schema=None) as batch_op:
        batch_op.add_column(sa.Column("credit_code", sa.String(length=18), server_default="", nullable=False))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
