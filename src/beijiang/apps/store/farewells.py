"""The farewells that applications are to hear: written where sign-ons end, and kept until they are told or given up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from beijiang.apps.models import Farewell, FarewellState
from beijiang.apps.store.client_schema import app_farewell

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["FarewellStore"]

_F = app_farewell.c
_WAITING = FarewellState.WAITING.value


class FarewellStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: Sequence[Farewell]) -> None:
        """Add farewells."""
        rows = [{name: getattr(one, name) for name in one.__slots__} | {"state": one.state.value} for one in new]
        if rows:
            self._connection.execute(insert(app_farewell), rows)

    def waiting(self, client_id: str) -> int:
        """Count those that wait for an application."""
        here = (_F.client_id == client_id, _F.state == _WAITING)
        return int(self._connection.execute(select(func.count()).where(*here)).scalar_one())

    def due(self, now: datetime, but: Collection[str], limit: int) -> Sequence[Farewell]:
        """Return the oldest that is due of each application, those ``but`` left out."""
        ready = (_F.state == _WAITING, _F.next_at <= now, _F.client_id.not_in(sorted(but)))
        firsts = select(func.min(_F.id)).where(*ready).group_by(_F.client_id).limit(limit)
        rows = self._connection.execute(select(app_farewell).where(_F.id.in_(firsts)).order_by(_F.next_at, _F.id))
        return [_farewell(row) for row in rows]

    def claim(self, one: Farewell, until: datetime) -> bool:
        """Take one in hand until then; False if somebody else did."""
        mine = (_F.id == one.id, _F.state == _WAITING, _F.attempts == one.attempts)
        taken = update(app_farewell).where(*mine).values(attempts=one.attempts + 1, next_at=until)
        return bool(self._connection.execute(taken).rowcount)

    def later(self, farewell_id: str, at: datetime, error: str) -> None:
        """Note that one is tried again at a moment, and why it failed."""
        self._connection.execute(update(app_farewell).where(_F.id == farewell_id).values(next_at=at, error=error[:60]))

    def end(self, farewell_id: str, state: FarewellState, at: datetime, error: str) -> None:
        """Note that one was told, or is given up, and why."""
        values = {"state": state.value, "ended_at": at, "error": error[:60]}
        self._connection.execute(update(app_farewell).where(_F.id == farewell_id).values(**values))

    def newest(self, client_id: str, limit: int) -> Sequence[Farewell]:
        """Return the newest of an application."""
        query = select(app_farewell).where(_F.client_id == client_id).order_by(_F.made_at.desc(), _F.id.desc())
        return [_farewell(row) for row in self._connection.execute(query.limit(limit))]

    def counts(self, client_id: str) -> dict[FarewellState, int]:
        """Count those of an application by state."""
        query = select(_F.state, func.count().label("number")).where(_F.client_id == client_id).group_by(_F.state)
        return {FarewellState(row.state): int(row.number) for row in self._connection.execute(query)}

    def sweep(self, before: datetime) -> int:
        """Forget those that ended long before; return how many."""
        return self._connection.execute(delete(app_farewell).where(_F.ended_at < before)).rowcount


def _farewell(row: Row[Any]) -> Farewell:
    return Farewell(**{**row._mapping, "state": FarewellState(row.state)})  # noqa: SLF001 - its documented name
