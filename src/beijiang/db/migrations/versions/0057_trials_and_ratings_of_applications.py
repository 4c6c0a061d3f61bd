"""trials and ratings of applications."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hosted_answer",
        sa.Column("app_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hour", sa.String(length=13), nullable=False),
        sa.Column("bound", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", "version", "hour", "bound", name=op.f("pk_hosted_answer")),
    )
    op.create_table(
        "hosted_canary",
        sa.Column("app_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("names", JsonDocument, nullable=False),
        sa.Column("people", JsonDocument, nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_hosted_canary")),
    )
    op.create_table(
        "hosted_rating",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("app_id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=60), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("hidden", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hosted_rating")),
        sa.UniqueConstraint("app_id", "person_id", name=op.f("uq_hosted_rating_app_id_person_id")),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
