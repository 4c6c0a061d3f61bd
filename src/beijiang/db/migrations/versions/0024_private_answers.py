"""Tables offered for noisy statistics, and the ledger of what was spent on answers."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "private_offer",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("person_column", sa.String(200), nullable=False),
        sa.Column("rows_per_person", sa.Integer, nullable=False),
        sa.Column("domains", JsonDocument, nullable=False),
        sa.Column("consumer_micro", sa.BigInteger, nullable=False),
        sa.Column("total_micro", sa.BigInteger, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("needs_approval", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("set_by", sa.String(60), nullable=False),
        sa.Column("set_at", UtcDateTime, nullable=False),
        sa.Column("expires", sa.Date, nullable=False),
        sa.Column("approved_by", sa.String(60)),
        sa.Column("ended_at", UtcDateTime),
    )
    op.create_index("ix_private_offer_table_name", "private_offer", ["table_name"])
    op.create_table(
        "private_spend",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("consumer", sa.String(60), nullable=False),
        sa.Column("period", sa.Date, nullable=False),
        sa.Column("micro", sa.BigInteger, nullable=False),
        sa.Column("question", JsonDocument, nullable=False),
        sa.Column("answer", JsonDocument),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_private_spend_question", "private_spend", ["table_name", "version", "digest"])
    op.create_index("ix_private_spend_period", "private_spend", ["table_name", "period"])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
