"""The count of a search row may be left out, where a rule keeps rows back."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("catalog_search", schema=None) as batch_op:
        batch_op.alter_column("rows", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
