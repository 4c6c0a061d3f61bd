"""Harvests of other catalogs."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_harvest",
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("trusted_by", sa.String(length=200), nullable=False),
        sa.Column("withdraw_after", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_ingest_harvest")),
    )
    op.create_table(
        "ingest_harvest_run",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("source_name", sa.String(length=100), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("position", JsonDocument, nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("accept_vanished", sa.Boolean(), nullable=False),
        sa.Column("counts", JsonDocument, nullable=False),
        sa.Column("warnings", JsonDocument, nullable=False),
        sa.Column("error", JsonDocument, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_harvest_run")),
    )
    with op.batch_alter_table("ingest_harvest_run", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_harvest_run_job", ["job_id"], unique=False)
        batch_op.create_index("ix_ingest_harvest_run_source", ["source_id", "id"], unique=False)
    op.create_table(
        "ingest_harvest_record",
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("guid", sa.String(length=500), nullable=False),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("resource_id", sa.String(length=32), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("told", JsonDocument, nullable=False),
        sa.Column("page", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("missed_in", sa.Integer(), nullable=False),
        sa.Column("reason", JsonDocument, nullable=True),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("to_release", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "guid", name=op.f("pk_ingest_harvest_record")),
    )
    with op.batch_alter_table("ingest_harvest_record", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_harvest_record_resource", ["resource_id"], unique=False)
        batch_op.create_index("ix_ingest_harvest_record_state", ["source_id", "state", "guid"], unique=False)
    op.create_table(
        "ingest_harvest_outcome",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("guid", sa.String(length=500), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("reason", JsonDocument, nullable=True),
        sa.PrimaryKeyConstraint("run_id", "guid", "kind", name=op.f("pk_ingest_harvest_outcome")),
    )
    op.create_table(
        "ingest_harvest_map",
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=400), nullable=False),
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "kind", "value", name=op.f("pk_ingest_harvest_map")),
    )
    op.create_table(
        "ingest_harvest_file",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("guid", sa.String(length=500), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("etag", sa.String(length=500), nullable=False),
        sa.Column("modified", sa.String(length=100), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.Column("error", JsonDocument, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_harvest_file")),
        sa.UniqueConstraint("table_name", name=op.f("uq_ingest_harvest_file_table_name")),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
