"""Search rows tell the public moments, the tags and the licence of their entries."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_PART = 1_000


def upgrade() -> None:
    with op.batch_alter_table("catalog_search", schema=None) as batch_op:
        batch_op.add_column(sa.Column("first_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("changed_at", UtcDateTime(), nullable=True))
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """Take the moments from versions and releases, tags and licence from the entry behind each row."""
    search = sa.table(
        "catalog_search",
        sa.column("position", sa.Integer),
        sa.column("resource_id", sa.String),
        sa.column("is_public", sa.Boolean),
        sa.column("slot", sa.String),
        sa.column("seq", sa.Integer),
        sa.column("facets", JsonDocument),
        sa.column("first_at", UtcDateTime()),
        sa.column("changed_at", UtcDateTime()),
    )
    resource = sa.table(
        "catalog_resource",
        sa.column("id", sa.String),
        sa.column("entry", JsonDocument),
        sa.column("version", sa.Integer),
    )
    version = sa.table(
        "catalog_version",
        sa.column("resource_id", sa.String),
        sa.column("number", sa.Integer),
        sa.column("document", sa.Text),
        sa.column("published_at", UtcDateTime()),
    )
    release = sa.table("catalog_release", sa.column("resource_id", sa.String), sa.column("at", UtcDateTime()))
    first = (
        sa.select(sa.func.min(version.c.published_at))
        .where(version.c.resource_id == search.c.resource_id)
        .scalar_subquery()
    )
    last = sa.select(sa.func.max(release.c.at)).where(release.c.resource_id == search.c.resource_id).scalar_subquery()
    connection.execute(sa.update(search).where(search.c.is_public).values(first_at=first, changed_at=last))
    serves = (version.c.resource_id == resource.c.id) & (version.c.number == resource.c.version)
    query = (
        sa.select(search.c.position, search.c.slot, search.c.facets, resource.c.entry, version.c.document)
        .select_from(search.join(resource, resource.c.id == search.c.resource_id).outerjoin(version, serves))
        .order_by(search.c.position)
        .limit(_PART)
    )
    change = sa.update(search).where(search.c.position == sa.bindparam("at")).values(facets=sa.bindparam("with_marks"))
    after = 0
    while rows := connection.execute(query.where(search.c.position > after)).all():
        connection.execute(change, [{"at": row.position, "with_marks": row.facets | _marks(row)} for row in rows])
        after = rows[-1].position


def _marks(row: Any) -> dict[str, list[str]]:
    published = json.loads(row.document)["entry"] if row.slot == "p" and row.document else None
    entry = published or row.entry
    licence = entry.get("licence")
    return {"tag": list(entry.get("keywords") or ()), "licence": [licence] if licence else []}


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
