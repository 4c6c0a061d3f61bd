"""What was counted in the columns of a table, so that only new rows need a look."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("graded_table", sa.Column("looked", JsonDocument, nullable=True))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
