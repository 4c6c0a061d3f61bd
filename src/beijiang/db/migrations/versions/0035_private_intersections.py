"""private intersections."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_intersection",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("grant_id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("actor", JsonDocument, nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("exit", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("obligations", sa.String(length=64), nullable=False),
        sa.Column("mine", sa.Integer(), nullable=False),
        sa.Column("theirs", sa.Integer(), nullable=False),
        sa.Column("least", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("told", sa.Integer(), nullable=True),
        sa.Column("receipt", sa.String(length=60), nullable=False),
        sa.Column("error", JsonDocument, nullable=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_intersection")),
    )
    with op.batch_alter_table("exchange_intersection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exchange_intersection_by"), ["by"], unique=False)
        batch_op.create_index(batch_op.f("ix_exchange_intersection_grant_id"), ["grant_id"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
