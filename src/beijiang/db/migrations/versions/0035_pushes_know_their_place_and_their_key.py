"""Pushes know their place and their key."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("exchange_push", schema=None) as batch_op:
        batch_op.add_column(sa.Column("place", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("owner_key", sa.String(length=40), server_default="", nullable=False))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
