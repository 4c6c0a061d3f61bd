"""All SQL on the metadata table of desks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, String, Table, Text, UniqueConstraint, delete, insert, select

from beijiang.db import UtcDateTime, metadata
from beijiang.desk.models import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

__all__ = ["DeskStore", "desk_view"]

desk_view = Table(
    "desk_view",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("person_id", String(60), nullable=False),
    Column("list", String(40), nullable=False),
    Column("name", String(60), nullable=False),
    Column("query", Text, nullable=False),
    Column("kept_at", UtcDateTime, nullable=False),
    UniqueConstraint("person_id", "list", "name"),
)

_V = desk_view.c


class DeskStore:
    """Read and write views on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def views(self, person_id: str, list_key: str | None = None) -> Sequence[View]:
        """Return the views of a person, those of one list or all, by name."""
        query = select(desk_view).where(_V.person_id == person_id)
        if list_key is not None:
            query = query.where(_V.list == list_key)
        rows = self._connection.execute(query.order_by(_V.list, _V.name, _V.id))
        return [
            View(id=r.id, person_id=r.person_id, list=r.list, name=r.name, query=r.query, kept_at=r.kept_at)
            for r in rows
        ]

    def put(self, view: View) -> None:
        """Keep a view; one of the same name is replaced."""
        same = (_V.person_id == view.person_id, _V.list == view.list, _V.name == view.name)
        self._connection.execute(delete(desk_view).where(*same))
        self._connection.execute(
            insert(desk_view).values(
                id=view.id,
                person_id=view.person_id,
                list=view.list,
                name=view.name,
                query=view.query,
                kept_at=view.kept_at,
            )
        )

    def remove(self, person_id: str, view_id: str) -> bool:
        """Remove a view of a person; tell whether there was one."""
        gone = self._connection.execute(delete(desk_view).where(_V.person_id == person_id, _V.id == view_id))
        return bool(gone.rowcount)
