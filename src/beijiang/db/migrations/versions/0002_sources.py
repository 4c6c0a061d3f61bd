"""sources."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_certificate",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("sync_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=True),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("body", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_certificate")),
        sa.UniqueConstraint("run_id", name=op.f("uq_ingest_certificate_run_id")),
    )
    with op.batch_alter_table("ingest_certificate", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_certificate_sync", ["sync_id", "id"], unique=False)

    op.create_table(
        "ingest_source",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("options", JsonDocument, nullable=False),
        sa.Column("secrets", JsonDocument, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_source")),
        sa.UniqueConstraint("org_id", "name", name=op.f("uq_ingest_source_org_id_name")),
    )
    with op.batch_alter_table("ingest_source", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ingest_source_org_id"), ["org_id"], unique=False)

    op.create_table(
        "ingest_target",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(length=60), nullable=False),
        sa.Column("folder", sa.String(length=1000), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("added_by", sa.String(length=200), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_target")),
    )
    op.create_table(
        "ingest_sync",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("feed", sa.String(length=300), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("key", JsonDocument, nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("cursor", sa.String(length=200), nullable=False),
        sa.Column("overlap", sa.String(length=40), nullable=False),
        sa.Column("deletes", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["ingest_source.id"], name=op.f("fk_ingest_sync_source_id_ingest_source")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_sync")),
        sa.UniqueConstraint("table_name", name=op.f("uq_ingest_sync_table_name")),
    )
    with op.batch_alter_table("ingest_sync", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ingest_sync_source_id"), ["source_id"], unique=False)

    with op.batch_alter_table("lake_version", schema=None) as batch_op:
        batch_op.add_column(sa.Column("position", JsonDocument, nullable=True))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
