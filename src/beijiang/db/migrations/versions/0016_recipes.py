"""Recipes that make derived tables, and their runs."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recipe",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("target", sa.String(200), nullable=False),
        sa.Column("sources", JsonDocument, nullable=False),
        sa.Column("steps", JsonDocument, nullable=False),
        sa.Column("sql", sa.Text, nullable=False),
        sa.Column("on_write", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("owner", JsonDocument, nullable=False),
        sa.Column("set_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_recipe_current", "recipe", ["is_current", "target"])
    op.create_table(
        "recipe_run",
        sa.Column("id", sa.String(60), primary_key=True),
        sa.Column("recipe_id", sa.String(40), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("trigger", sa.String(10), nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("aside", sa.BigInteger, nullable=False),
        sa.Column("sources", JsonDocument, nullable=False),
        sa.Column("counts", JsonDocument, nullable=False),
        sa.Column("error", JsonDocument),
    )
    op.create_index("ix_recipe_run_recipe", "recipe_run", ["recipe_id", "at"])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
