"""inventory of systems."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import UtcDateTime

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_system",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("network", sa.String(length=32), nullable=False),
        sa.Column("database", sa.String(length=400), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("contact", sa.String(length=400), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_system")),
        sa.UniqueConstraint("org_id", "name", name=op.f("uq_catalog_system_org_id_name")),
    )
    op.create_table(
        "catalog_system_entry",
        sa.Column("position", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("system_id", sa.String(length=40), nullable=False),
        sa.Column("resource_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["catalog_resource.id"], name=op.f("fk_catalog_system_entry_resource_id_catalog_resource")
        ),
        sa.ForeignKeyConstraint(
            ["system_id"], ["catalog_system.id"], name=op.f("fk_catalog_system_entry_system_id_catalog_system")
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_catalog_system_entry")),
        sa.UniqueConstraint("system_id", "resource_id", name=op.f("uq_catalog_system_entry_system_id_resource_id")),
    )
    with op.batch_alter_table("catalog_system_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_system_entry_resource_id"), ["resource_id"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
