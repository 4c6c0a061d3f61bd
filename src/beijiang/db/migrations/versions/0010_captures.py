"""How far the logs of sources were followed."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_capture",
        sa.Column("sync_id", sa.String(40), primary_key=True),
        sa.Column("follows", sa.String(200), nullable=False),
        sa.Column("position", sa.String(200), nullable=False),
        sa.Column("seen_at", sa.String(40), nullable=False),
        sa.Column("lag_bytes", sa.BigInteger()),
        sa.Column("lag_seconds", sa.Float()),
        sa.Column("retained", sa.BigInteger()),
        sa.Column("measured_at", UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
