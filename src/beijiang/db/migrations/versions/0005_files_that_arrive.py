"""Files that keep arriving: how a sync takes them, and what was taken."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ingest_sync", schema=None) as batch_op:
        batch_op.add_column(sa.Column("files", JsonDocument, nullable=True))
    op.create_table(
        "ingest_arrival_run",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("sync_id", sa.String(length=40), nullable=False),
        sa.Column("told", JsonDocument, nullable=False),
        sa.Column("before", sa.String(length=40), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_ingest_arrival_run")),
    )
    with op.batch_alter_table("ingest_arrival_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ingest_arrival_run_sync_id"), ["sync_id"], unique=False)
    op.create_table(
        "ingest_arrival",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("sync_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=1000), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("mark", sa.String(length=300), nullable=False),
        sa.Column("modified", UtcDateTime(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("why", JsonDocument, nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_ingest_arrival")),
    )
    with op.batch_alter_table("ingest_arrival", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_arrival_sync", ["sync_id", "run_id"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
