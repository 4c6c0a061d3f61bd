"""Conditions of conditional openings, portals of cities; registrations of businesses know their credit code."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_opening",
        sa.Column("resource_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("purposes", JsonDocument, nullable=False),
        sa.Column("ways", JsonDocument, nullable=False),
        sa.Column("duties", sa.Text(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", "version", name=op.f("pk_exchange_opening")),
    )
    op.create_table(
        "portal_city",
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=100), nullable=False),
        sa.Column("header_mn", sa.String(length=60), nullable=False),
        sa.Column("region_code", sa.String(length=6), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=True),
        sa.Column("themes", JsonDocument, nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_kind", sa.String(length=4), nullable=False),
        sa.Column("logo_digest", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_portal_city")),
        sa.UniqueConstraint("host", name=op.f("uq_portal_city_host")),
    )
    with op.batch_alter_table("portal_registration", schema=None) as batch_op:
        batch_op.add_column(sa.Column("credit_code", sa.String(length=18), server_default="", nullable=False))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
