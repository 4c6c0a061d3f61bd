"""SQL on the counts of use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, String, Table, func, insert, select, update

from beijiang.db import metadata
from beijiang.opendata.usage import UseKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

__all__ = ["UsageStore", "portal_use"]

portal_use = Table(
    "portal_use",
    metadata,
    Column("dataset_id", String(40), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("count", BigInteger, nullable=False),
)
_C = portal_use.c


class UsageStore:
    """Add to the counts and sum them up."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, counts: Mapping[tuple[str, str, UseKind], int]) -> None:
        """Add counts by data set, month and kind."""
        for (dataset_id, month, kind), count in sorted(counts.items()):
            here = (_C.dataset_id == dataset_id, _C.month == month, _C.kind == kind.value)
            done = self._connection.execute(update(portal_use).where(*here).values(count=_C.count + count))
            if not done.rowcount:
                self._connection.execute(
                    insert(portal_use).values(dataset_id=dataset_id, month=month, kind=kind.value, count=count)
                )

    def months(self, months: Sequence[str], dataset_id: str = "") -> dict[tuple[str, UseKind], int]:
        """Return the counts of some months by month and kind, of all sets or of one."""
        query = select(_C.month, _C.kind, func.sum(_C.count)).where(_C.month.in_(months))
        if dataset_id:
            query = query.where(_C.dataset_id == dataset_id)
        rows = self._connection.execute(query.group_by(_C.month, _C.kind))
        return {(month, UseKind(kind)): int(count) for month, kind, count in rows}

    def sets(self, months: Sequence[str]) -> dict[str, dict[UseKind, int]]:
        """Return the counts of some months by data set and kind."""
        query = select(_C.dataset_id, _C.kind, func.sum(_C.count)).where(_C.month.in_(months))
        found: dict[str, dict[UseKind, int]] = {}
        for dataset_id, kind, count in self._connection.execute(query.group_by(_C.dataset_id, _C.kind)):
            found.setdefault(dataset_id, {})[UseKind(kind)] = int(count)
        return found
