"""What people asked in SQL, and the queries that they keep."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "query_run",
        sa.Column("id", sa.String(60), primary_key=True),
        sa.Column("person_id", sa.String(60), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60)),
        sa.Column("door", sa.String(20), nullable=False),
        sa.Column("exit", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("truncated", sa.Boolean, nullable=False),
        sa.Column("cached", sa.Boolean, nullable=False),
        sa.Column("grade", sa.String(4), nullable=False),
        sa.Column("receipt", sa.String(60), nullable=False),
        sa.Column("error", sa.String(60), nullable=False),
        sa.Column("tables", JsonDocument, nullable=False),
        sa.Column("process", sa.String(60), nullable=False),
        sa.Column("stop_asked", sa.Boolean, nullable=False),
    )
    op.create_index("ix_query_run_person", "query_run", ["person_id", "asked_at"])
    op.create_index("ix_query_run_state", "query_run", ["state", "asked_at"])
    op.create_table(
        "saved_query",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("folder", sa.String(100), nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("chart", JsonDocument),
        sa.Column("owner_id", sa.String(60), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60)),
        sa.Column("set_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_saved_query_owner", "saved_query", ["owner_id", "is_current"])
    op.create_index("ix_saved_query_org", "saved_query", ["org_id", "is_current"])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
