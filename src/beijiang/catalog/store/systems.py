"""All SQL on the inventory of systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, delete, exists, func, insert, select, update

from beijiang.catalog.models import GovernmentSystem, Network, SystemDraft, SystemQuery, SystemState
from beijiang.catalog.store import schema as s
from beijiang.db import Shelf, part_of
from beijiang.kit import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from beijiang.kit import Wanted

__all__ = ["SystemStore"]


class SystemStore:
    """Systems and their entries on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, found: GovernmentSystem) -> None:
        """Store a new system."""
        self._connection.execute(insert(s.system).values(id=found.id, org_id=found.org_id, **_values(found)))

    def change(self, found: GovernmentSystem) -> None:
        """Store what is said of a system now."""
        self._connection.execute(update(s.system).where(s.system.c.id == found.id).values(**_values(found)))

    def get(self, system_id: str) -> GovernmentSystem | None:
        """Return one system."""
        return next(iter(self._systems([s.system.c.id == system_id])), None)

    def named(self, org_id: str, name: str) -> GovernmentSystem | None:
        """Return a department's system of this name."""
        return next(iter(self._systems([s.system.c.org_id == org_id, s.system.c.name == name])), None)

    def of_entry(self, resource_id: str) -> list[GovernmentSystem]:
        """Return the systems whose data an entry describes."""
        linked = select(s.system_entry.c.system_id).where(s.system_entry.c.resource_id == resource_id)
        return self._systems([s.system.c.id.in_(linked)])

    def find(self, query: SystemQuery, limit: int, offset: int = 0) -> tuple[list[GovernmentSystem], int]:
        """Return a page of systems by department and name, and how many there are."""
        where = _where(query)
        count = self._connection.execute(select(func.count()).select_from(s.system).where(*where)).scalar_one()
        return self._systems(where, limit, offset), int(count)

    def part(self, query: SystemQuery, wanted: Wanted) -> Part[GovernmentSystem]:
        """Return a part of the systems that ``find`` finds, by department and name."""
        c, linked = s.system.c, exists().where(s.system_entry.c.system_id == s.system.c.id)
        entries = select(func.count()).where(s.system_entry.c.system_id == c.id).scalar_subquery()
        shelf = Shelf(
            rows=select(s.system).where(*_where(query)),
            columns={
                "name": c.name,
                "purpose": c.purpose,
                "org": c.org_id,
                "state": c.state,
                "network": c.network,
                "since": c.since,
                "entries": func.nullif(entries, 0),
                "covered": case((linked, "yes"), (c.state == SystemState.IN_USE.value, "no")),
                "database": c.database,
                "contact": c.contact,
                "changed": c.changed_at,
                "id": c.id,
            },
            counted=("org", "state", "network", "covered"),
            words=("name", "purpose", "database", "contact", "id"),
            order=(c.org_id, c.name),
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part(self._with_entries(rows), found, counts)

    def coverage(self, org_id: str | None) -> list[tuple[str, int, int]]:
        """Return per department how many systems in use have an entry, and how many are in use."""
        has = exists().where(s.system_entry.c.system_id == s.system.c.id)
        query = (
            select(s.system.c.org_id, func.count().filter(has), func.count())
            .where(s.system.c.state == SystemState.IN_USE.value)
            .group_by(s.system.c.org_id)
            .order_by(s.system.c.org_id)
        )
        if org_id is not None:
            query = query.where(s.system.c.org_id == org_id)
        return [(row[0], int(row[1]), int(row[2])) for row in self._connection.execute(query)]

    def link(self, system_id: str, resource_id: str) -> None:
        """Say that an entry describes data of a system."""
        values = {"system_id": system_id, "resource_id": resource_id}
        self._connection.execute(insert(s.system_entry).values(**values))

    def unlink(self, system_id: str, resource_id: str) -> None:
        """Take that back."""
        where = (s.system_entry.c.system_id == system_id, s.system_entry.c.resource_id == resource_id)
        self._connection.execute(delete(s.system_entry).where(*where))

    def _systems(
        self, where: Sequence[ColumnElement[bool]], limit: int | None = None, offset: int = 0
    ) -> list[GovernmentSystem]:
        query = select(s.system).where(*where).order_by(s.system.c.org_id, s.system.c.name).limit(limit).offset(offset)
        return self._with_entries(self._connection.execute(query).all())

    def _with_entries(self, rows: Sequence[Row[Any]]) -> list[GovernmentSystem]:
        links = select(s.system_entry).where(s.system_entry.c.system_id.in_([row.id for row in rows]))
        entries: dict[str, list[str]] = {}
        for link in self._connection.execute(links.order_by(s.system_entry.c.position)):
            entries.setdefault(link.system_id, []).append(link.resource_id)
        return [_read(row, entries.get(row.id, ())) for row in rows]


def _where(query: SystemQuery) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if query.words:
        where.append(s.system.c.name.contains(query.words, autoescape=True))
    if query.org_id is not None:
        where.append(s.system.c.org_id == query.org_id)
    if query.state is not None:
        where.append(s.system.c.state == query.state.value)
    if query.bare:
        where.append(~exists().where(s.system_entry.c.system_id == s.system.c.id))
    return where


def _values(found: GovernmentSystem) -> dict[str, object]:
    draft = found.draft
    return {
        "name": draft.name,
        "purpose": draft.purpose,
        "state": draft.state.value,
        "network": draft.network.value,
        "database": draft.database,
        "since": draft.since,
        "contact": draft.contact,
        "changed_at": found.changed_at,
    }


def _read(row: Row[tuple[object, ...]], entries: Sequence[str]) -> GovernmentSystem:
    draft = SystemDraft(
        name=row.name,
        purpose=row.purpose,
        state=SystemState(row.state),
        network=Network(row.network),
        database=row.database,
        since=row.since,
        contact=row.contact,
    )
    return GovernmentSystem(
        id=row.id, org_id=row.org_id, draft=draft, entries=tuple(entries), changed_at=row.changed_at
    )
