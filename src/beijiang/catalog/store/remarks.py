"""All SQL on what is said about entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, insert, select, update

from beijiang.catalog.models import Remark, Thread
from beijiang.catalog.store import schema as s

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["RemarkStore"]


class RemarkStore:
    """Threads and remarks on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, found: Thread) -> None:
        """Store a new thread, without its remarks."""
        self._connection.execute(
            insert(s.thread).values(
                id=found.id,
                resource_id=found.resource_id,
                column_name=found.column,
                subject=found.subject,
                revision=found.revision,
                version=found.version,
                seen=found.seen,
                opened_at=found.opened_at,
                resolved_name="",
            )
        )

    def say(self, thread_id: str, found: Remark) -> None:
        """Store one remark."""
        self._connection.execute(
            insert(s.remark).values(
                id=found.id,
                thread_id=thread_id,
                at=found.at,
                actor_id=found.actor_id,
                actor_name=found.actor_name,
                org_id=found.org_id,
                text=found.text,
            )
        )

    def of_resource(self, resource_id: str) -> list[Thread]:
        """Return the threads of an entry, oldest first."""
        return self._threads(select(s.thread).where(s.thread.c.resource_id == resource_id))

    def get(self, thread_id: str) -> Thread | None:
        """Return one thread."""
        return next(iter(self._threads(select(s.thread).where(s.thread.c.id == thread_id))), None)

    def resolve(self, thread_id: str, at: datetime | None, by: str | None, name: str) -> None:
        """Close a thread, or open it again with None."""
        values = {"resolved_at": at, "resolved_by": by, "resolved_name": name}
        self._connection.execute(update(s.thread).where(s.thread.c.id == thread_id).values(**values))

    def open_counts(self, org_id: str | None) -> dict[str, int]:
        """Count the open threads per entry, of one provider or of all."""
        query = select(s.thread.c.resource_id, func.count()).where(s.thread.c.resolved_at.is_(None))
        if org_id is not None:
            query = query.join(s.resource, s.resource.c.id == s.thread.c.resource_id)
            query = query.where(s.resource.c.provider_id == org_id)
        return {row[0]: int(row[1]) for row in self._connection.execute(query.group_by(s.thread.c.resource_id))}

    def _threads(self, query: Select[Any]) -> list[Thread]:
        rows = self._connection.execute(query.order_by(s.thread.c.opened_at, s.thread.c.id)).all()
        said = self._remarks([row.id for row in rows])
        return [
            Thread(
                id=row.id,
                resource_id=row.resource_id,
                column=row.column_name,
                subject=row.subject,
                revision=row.revision,
                version=row.version,
                seen=row.seen,
                opened_at=row.opened_at,
                remarks=tuple(said.get(row.id, ())),
                resolved_at=row.resolved_at,
                resolved_by=row.resolved_by,
                resolved_name=row.resolved_name,
            )
            for row in rows
        ]

    def _remarks(self, ids: Sequence[str]) -> dict[str, list[Remark]]:
        found: dict[str, list[Remark]] = {}
        query = select(s.remark).where(s.remark.c.thread_id.in_(ids)).order_by(s.remark.c.position)
        for row in self._connection.execute(query):
            remark = Remark(
                id=row.id, at=row.at, actor_id=row.actor_id, actor_name=row.actor_name, org_id=row.org_id, text=row.text
            )
            found.setdefault(row.thread_id, []).append(remark)
        return found
