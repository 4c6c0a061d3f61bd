"""Rows set aside are mended: where each stands, its corrections, what went back to suppliers."""

import sqlalchemy as sa
from alembic import op

from beijiang.db import JsonDocument, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_mending",
        sa.Column("run_id", sa.String(40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("sending", sa.String(40), nullable=True),
        sa.Column("replay", sa.String(40), nullable=True),
        sa.Column("line", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(20), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["ingest_run.id"], name=op.f("fk_ingest_mending_run_id_ingest_run")),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_ingest_mending")),
    )
    op.create_index("ix_ingest_mending_replay", "ingest_mending", ["replay", "line"])
    op.create_index("ix_ingest_mending_sending", "ingest_mending", ["sending"])
    op.create_table(
        "ingest_correction",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("fix_id", sa.String(40), nullable=True),
        sa.Column("column", sa.String(400), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["ingest_run.id"], name=op.f("fk_ingest_correction_run_id_ingest_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_correction")),
    )
    op.create_index("ix_ingest_correction_row", "ingest_correction", ["run_id", "seq"])
    op.create_index("ix_ingest_correction_fix", "ingest_correction", ["fix_id"])
    for name, column in (("ingest_fix", sa.Column("fix", JsonDocument, nullable=False)), ("ingest_sending", sa.Column("note", sa.Text(), nullable=False))):  # fmt: skip
        op.create_table(
            name,
            sa.Column("id", sa.String(40), nullable=False),
            sa.Column("table_name", sa.String(200), nullable=False),
            sa.Column("org_id", sa.String(60), nullable=False),
            column,
            sa.Column("rows", sa.Integer(), nullable=False),
            sa.Column("actor_name", sa.String(200), nullable=False),
            sa.Column("at", UtcDateTime(), nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        )
        op.create_index(op.f(f"ix_{name}_table_name"), name, ["table_name"])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
