"""entries between nodes."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "federation_catalog",
        sa.Column("node_id", sa.String(length=40), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("divisions", JsonDocument, nullable=False),
        sa.Column("decided_by", sa.String(length=100), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("listed_at", UtcDateTime(), nullable=True),
        sa.Column("compared_at", UtcDateTime(), nullable=True),
        sa.Column("fresh", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_federation_catalog")),
    )
    op.create_table(
        "federation_entry",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("origin", sa.String(length=40), nullable=False),
        sa.Column("theirs", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("document_digest", sa.String(length=80), nullable=False),
        sa.Column("url", sa.String(length=400), nullable=False),
        sa.Column("items_left_off", sa.Integer(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_federation_entry")),
    )
    with op.batch_alter_table("federation_entry", schema=None) as batch_op:
        batch_op.create_index("ix_federation_entry_name", ["name"], unique=False)
        batch_op.create_index("ix_federation_entry_origin", ["origin", "theirs"], unique=True)

    op.create_table(
        "federation_told",
        sa.Column("node_id", sa.String(length=40), nullable=False),
        sa.Column("resource_id", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("node_id", "resource_id", name=op.f("pk_federation_told")),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
