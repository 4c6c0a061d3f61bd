"""keys of the log follow one another."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import UtcDateTime

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    old = sa.table("evidence_key", *(sa.column(name) for name in ("role", "public", "secret", "made_at")))
    kept = op.get_bind().execute(sa.select(old)).mappings().all()
    op.drop_table("evidence_key")
    op.create_table(
        "evidence_key",
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("public", sa.String(length=600), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("retires_at", UtcDateTime(), nullable=True),
        sa.Column("handover", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("role", "generation"),
    )
    if kept:
        op.bulk_insert(old, [dict(row) for row in kept])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
