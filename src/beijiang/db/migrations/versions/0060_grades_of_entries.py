"""grades of entries."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("catalog_resource", schema=None) as batch_op:
        batch_op.add_column(sa.Column("level", sa.String(length=4), nullable=True))
    resource = sa.table("catalog_resource", sa.column("id"), sa.column("entry", sa.JSON), sa.column("level"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(resource.c.id, resource.c.entry)).all():
        entry = json.loads(row.entry) if isinstance(row.entry, str) else row.entry
        level = max((item["level"] for item in entry.get("items", ()) if item.get("level")), default=None)
        if level is not None:
            connection.execute(sa.update(resource).where(resource.c.id == row.id).values(level=level))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
