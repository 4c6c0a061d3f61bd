"""What of the grants is not shared any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, String, Table, insert, select, update

from beijiang.db import UtcDateTime, metadata
from beijiang.exchange.models.stops import Stop, StopReason

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = ["StopStore", "exchange_stop"]

exchange_stop = Table(
    "exchange_stop",
    metadata,
    Column("grant_id", String(40), primary_key=True),
    Column("item", String(200), primary_key=True),
    Column("since", UtcDateTime, primary_key=True),
    Column("reason", String(20), nullable=False),
    Column("ended_at", UtcDateTime),
)
_S = exchange_stop.c


class StopStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, stops: Collection[Stop]) -> None:
        """Note what stopped."""
        for one in stops:
            values = {"grant_id": one.grant_id, "item": one.column, "since": one.since, "reason": one.reason.value}
            self._connection.execute(insert(exchange_stop).values(**values))

    def end(self, grant_id: str, columns: Collection[str], at: datetime) -> None:
        """Note that these stops are over; what a narrowing took away stays away."""
        narrowed = _S.reason == StopReason.NARROWED.value
        same = (_S.grant_id == grant_id, _S.item.in_(columns), _S.ended_at.is_(None), ~narrowed)
        self._connection.execute(update(exchange_stop).where(*same).values(ended_at=at))

    def give_back(self, grant_id: str, columns: Collection[str], at: datetime) -> None:
        """Note that what a narrowing took away is shared again: a dispute about it ended so."""
        narrowed = _S.reason == StopReason.NARROWED.value
        same = (_S.grant_id == grant_id, _S.item.in_(columns), _S.ended_at.is_(None), narrowed)
        self._connection.execute(update(exchange_stop).where(*same).values(ended_at=at))

    def of(self, grant_id: str) -> list[Stop]:
        """Return what stopped of a grant, newest first."""
        rows = select(exchange_stop).where(_S.grant_id == grant_id).order_by(_S.since.desc(), _S.item)
        return [_stop(row) for row in self._connection.execute(rows)]

    def open(self) -> dict[str, dict[str, StopReason]]:
        """Return what is not shared now, by grant; what a narrowing took away is not among it, for no change of an entry brings it back."""
        rows = select(exchange_stop).where(_S.ended_at.is_(None), _S.reason != StopReason.NARROWED.value)
        found: dict[str, dict[str, StopReason]] = {}
        for row in self._connection.execute(rows):
            found.setdefault(row.grant_id, {})[row.item] = StopReason(row.reason)
        return found


def _stop(row: Row[Any]) -> Stop:
    return Stop(
        grant_id=row.grant_id, column=row.item, reason=StopReason(row.reason), since=row.since, ended_at=row.ended_at
    )
