"""What the columns of a table were made from."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("graded_table", sa.Column("origins", JsonDocument, nullable=True))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
