"""Serving copies, encrypted packages, and the marks of files that were handed over."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_serving",
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("table_id", sa.String(length=60), nullable=False),
        sa.Column("provider_id", sa.String(length=60), nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_exchange_serving")),
    )
    op.create_table(
        "exchange_serving_copy",
        sa.Column("print", sa.String(length=64), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("indexes", JsonDocument, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("note_zh", sa.Text(), nullable=False),
        sa.Column("note_en", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("print", name=op.f("pk_exchange_serving_copy")),
    )
    with op.batch_alter_table("exchange_serving_copy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exchange_serving_copy_table_name"), ["table_name"], unique=False)
    op.create_table(
        "exchange_mark",
        sa.Column("receipt", sa.String(60), nullable=False),
        sa.Column("grant_id", sa.String(40), nullable=False),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.String(60)),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("receipt", name=op.f("pk_exchange_mark")),
    )
    with op.batch_alter_table("exchange_mark", schema=None) as batch_op:
        batch_op.create_index("ix_exchange_mark_table", ["table_name", "version"], unique=False)

    op.create_table(
        "exchange_package",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("obligations", sa.String(64), nullable=False),
        sa.Column("grant_id", sa.String(40), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("receipt", sa.String(60), nullable=False),
        sa.Column("file_name", sa.String(300), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sm3", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_package")),
    )
    with op.batch_alter_table("exchange_package", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exchange_package_by"), ["by"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
