"""Remarks on entries."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import UtcDateTime

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_thread",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("resource_id", sa.String(length=32), nullable=False),
        sa.Column("column_name", sa.String(length=400), nullable=True),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_by", sa.String(length=64), nullable=True),
        sa.Column("resolved_name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["catalog_resource.id"], name=op.f("fk_catalog_thread_resource_id_catalog_resource")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_thread")),
    )
    with op.batch_alter_table("catalog_thread", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_thread_resource_id"), ["resource_id"], unique=False)

    op.create_table(
        "catalog_remark",
        sa.Column("position", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("thread_id", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("org_id", sa.String(length=64), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["catalog_thread.id"], name=op.f("fk_catalog_remark_thread_id_catalog_thread")
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_catalog_remark")),
        sa.UniqueConstraint("id", name=op.f("uq_catalog_remark_id")),
    )
    with op.batch_alter_table("catalog_remark", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_remark_thread_id"), ["thread_id"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
