"""What was said of forecasts, and decided."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from beijiang.mining.models import CardEntry, CardState
from beijiang.mining.store.forecast_tables import forecast_card

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["ForecastCardStore"]

_C = forecast_card.c
_NAMES = tuple(one.name for one in fields(CardEntry))


class ForecastCardStore:
    """Read and write them on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, forecast_id: str) -> list[CardEntry]:
        """Return what was said of a forecast, oldest first."""
        rows = self._connection.execute(select(forecast_card).where(_C.forecast_id == forecast_id).order_by(_C.number))
        return [
            CardEntry(**{name: getattr(row, name) for name in _NAMES if name != "state"}, state=CardState(row.state))
            for row in rows
        ]

    def waiting(self) -> dict[str, str]:
        """Return the forecasts whose card waits for review, and who described each."""
        query = select(_C.forecast_id, _C.by_id).where(_C.state == CardState.WAITING.value)
        return {row.forecast_id: row.by_id for row in self._connection.execute(query)}

    def add(self, new: CardEntry) -> None:
        """Add one."""
        values = {name: getattr(new, name) for name in _NAMES}
        self._connection.execute(insert(forecast_card).values(**{**values, "state": new.state.value}))

    def decide(self, done: CardEntry) -> bool:
        """Keep a decision; tell whether it waited for one."""
        waits = (_C.id == done.id, _C.state == CardState.WAITING.value)
        values = {
            "state": done.state.value,
            "revision": done.revision,
            "decided_by": done.decided_by,
            "decided_at": done.decided_at,
            "note": done.note,
        }
        return self._connection.execute(update(forecast_card).where(*waits).values(**values)).rowcount == 1
