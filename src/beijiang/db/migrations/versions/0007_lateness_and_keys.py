"""How late rows came; which keys left, and how often they are compared."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_lateness",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("sync_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("worst", sa.Float(), nullable=False),
        sa.Column("middle", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_lateness")),
    )
    with op.batch_alter_table("ingest_lateness", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_lateness_sync", ["sync_id", "at"], unique=False)

    op.create_table(
        "ingest_key_comparison",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("sync_id", sa.String(length=40), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("keys", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_ingest_key_comparison")),
    )
    with op.batch_alter_table("ingest_key_comparison", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_key_comparison_sync", ["sync_id", "run_id"], unique=False)

    with op.batch_alter_table("ingest_sync", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deletes_every", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
