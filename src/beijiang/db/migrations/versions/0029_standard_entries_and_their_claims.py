"""Standard entries and their claims."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_claim",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("resource_id", sa.String(length=40), nullable=False),
        sa.Column("named", sa.String(length=60), nullable=False),
        sa.Column("clock", JsonDocument, nullable=True),
        sa.Column("urged", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_claim")),
        sa.UniqueConstraint(
            "template_id",
            "template_version",
            "org_id",
            name=op.f("uq_exchange_claim_template_id_template_version_org_id"),
        ),
    )
    with op.batch_alter_table("exchange_claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exchange_claim_org_id"), ["org_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_exchange_claim_resource_id"), ["resource_id"], unique=False)

    op.create_table(
        "exchange_template",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("resource_id", sa.String(length=40), nullable=False),
        sa.Column("entry", JsonDocument, nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_template")),
        sa.UniqueConstraint("resource_id", name=op.f("uq_exchange_template_resource_id")),
    )
    with op.batch_alter_table("exchange_template", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exchange_template_org_id"), ["org_id"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
