"""effects of disputes."""

import sqlalchemy as sa
from alembic import op

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("exchange_dispute", schema=None) as batch_op:
        batch_op.add_column(sa.Column("effect", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("barred", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
