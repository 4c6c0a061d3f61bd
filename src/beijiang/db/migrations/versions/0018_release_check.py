"""Masks that stewards chose, the keys of pseudonyms, declared quasi-identifiers, and reports of release checks."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mask_choice",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("column_name", sa.String(200), nullable=False),
        sa.Column("function", sa.String(20), nullable=False),
        sa.Column("parameters", JsonDocument, nullable=False),
        sa.Column("weaker", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("set_by", sa.String(60), nullable=False),
        sa.Column("set_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
    )
    op.create_index("ix_mask_choice_table_name", "mask_choice", ["table_name"])
    op.create_table(
        "mask_key",
        sa.Column("org_id", sa.String(60), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("made_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "column_role",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("roles", JsonDocument, nullable=False),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("set_by", sa.String(60), nullable=False),
        sa.Column("set_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_column_role_current", "column_role", ["table_name", "is_current"])
    op.create_table(
        "release_report",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("audience", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("body", JsonDocument, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_release_report_table", "release_report", ["table_name", "version"])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
