"""Streams of messages, their landed segments, keys of deliveries, and window tables."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_stream",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("key", JsonDocument, nullable=False),
        sa.Column("options", JsonDocument, nullable=False),
        sa.Column("secrets", JsonDocument, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("owner", JsonDocument, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("live", JsonDocument, nullable=False),
        sa.Column("trouble", JsonDocument, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("landed", sa.Integer(), nullable=False),
        sa.Column("lease_holder", sa.String(length=60), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_stream")),
        sa.UniqueConstraint("table_name", name=op.f("uq_ingest_stream_table_name")),
        sa.UniqueConstraint("org_id", "name", name=op.f("uq_ingest_stream_org_id_name")),
    )
    with op.batch_alter_table("ingest_stream", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ingest_stream_org_id"), ["org_id"], unique=False)

    op.create_table(
        "ingest_stream_segment",
        sa.Column("stream_id", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["ingest_stream.id"], name=op.f("fk_ingest_stream_segment_stream_id_ingest_stream")
        ),
        sa.PrimaryKeyConstraint("stream_id", "seq", name=op.f("pk_ingest_stream_segment")),
    )
    op.create_table(
        "ingest_stream_key",
        sa.Column("stream_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("delivery", JsonDocument, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["ingest_stream.id"], name=op.f("fk_ingest_stream_key_stream_id_ingest_stream")
        ),
        sa.PrimaryKeyConstraint("stream_id", "key", name=op.f("pk_ingest_stream_key")),
    )
    with op.batch_alter_table("ingest_stream_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ingest_stream_key_at"), ["at"], unique=False)

    op.create_table(
        "ingest_stream_window",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("stream_id", sa.String(length=40), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("spec", JsonDocument, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("owner", JsonDocument, nullable=False),
        sa.Column("note", JsonDocument, nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["ingest_stream.id"], name=op.f("fk_ingest_stream_window_stream_id_ingest_stream")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_stream_window")),
        sa.UniqueConstraint("table_name", name=op.f("uq_ingest_stream_window_table_name")),
    )
    with op.batch_alter_table("ingest_stream_window", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ingest_stream_window_stream_id"), ["stream_id"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
