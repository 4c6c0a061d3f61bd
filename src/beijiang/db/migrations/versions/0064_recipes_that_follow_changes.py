"""recipes that follow changes."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("recipe_run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("making", sa.String(length=10), server_default="whole", nullable=False))
        batch_op.add_column(sa.Column("why", JsonDocument, nullable=True))
        batch_op.add_column(sa.Column("worked", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
