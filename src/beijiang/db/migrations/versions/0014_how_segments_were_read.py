"""How the segments of a stream were read, so that they can be read so again when its table is verified."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ingest_stream_segment", sa.Column("reading", JsonDocument, nullable=True))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
