"""Writes of tables with the edges that hold since, and lineage events of others."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lineage_write",
        sa.Column("target", sa.String(600), primary_key=True),
        sa.Column("declarer", sa.String(600), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("set_id", sa.String(40), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("mode", sa.String(20), nullable=False),
        sa.Column("run_id", sa.String(60), nullable=False),
        sa.Column("actor_id", sa.String(60), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("sources", JsonDocument, nullable=False),
    )
    op.create_table(
        "lineage_edge",
        sa.Column("set_id", sa.String(40), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("target", sa.String(600), nullable=False),
        sa.Column("target_column", sa.String(400), nullable=False),
        sa.Column("source", sa.String(600), nullable=False),
        sa.Column("source_column", sa.String(400), nullable=False),
        sa.Column("use", sa.String(20), nullable=False),
    )
    op.create_table(
        "lineage_event",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(60), nullable=False),
        sa.Column("event_type", sa.String(20), nullable=False),
        sa.Column("event_time", sa.String(60), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("job", sa.String(600), nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("body", JsonDocument, nullable=False),
        sa.UniqueConstraint(
            "org_id", "run_id", "event_type", "event_time", name="uq_lineage_event_org_id_run_id_event_type_event_time"
        ),
    )
    op.create_index("ix_lineage_write_at", "lineage_write", ["at"])
    op.create_index("ix_lineage_edge_source", "lineage_edge", ["source"])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
