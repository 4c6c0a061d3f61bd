"""the work plan as tables."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan_table_set",
        sa.Column("org_id", sa.String(length=64), nullable=False),
        sa.Column("owner", JsonDocument, nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_plan_table_set")),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
