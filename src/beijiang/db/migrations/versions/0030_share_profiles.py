"""Profiles of Delta Sharing."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import UtcDateTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_profile",
        sa.Column("key_id", sa.String(40), nullable=False),
        sa.Column("person_id", sa.String(60), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_exchange_profile")),
        sa.UniqueConstraint("digest", name=op.f("uq_exchange_profile_digest")),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
