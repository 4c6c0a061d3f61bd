"""How applications are used, by day and version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select, update

from beijiang.apps.models import Usage
from beijiang.apps.store.schema import hosted_usage

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["UsageStore"]

_U = hosted_usage.c
_COUNTS: Final = (
    *("opens", "viewers", "failed", "denied", "slow", "readings", "seconds", "scanned"),
    *("requests", "errors", "served_seconds", "sent", "calls", "runs"),
)


class UsageStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: Usage) -> None:
        """Add what was counted to what stands there."""
        same = (_U.app_id == one.app_id, _U.version == one.version, _U.day == one.day.isoformat())
        more = {name: _U[name] + getattr(one, name) for name in _COUNTS}
        if not self._connection.execute(update(hosted_usage).where(*same).values(**more)).rowcount:
            counts = {name: getattr(one, name) for name in _COUNTS}
            row = {"app_id": one.app_id, "version": one.version, "day": one.day.isoformat(), **counts}
            self._connection.execute(insert(hosted_usage).values(**row))

    def since(self, day: date, app_id: str | None = None) -> Sequence[Usage]:
        """Return the days from one on, newest first, of one application or of all."""
        query = select(hosted_usage).where(_U.day >= day.isoformat()).order_by(_U.day.desc(), _U.version.desc())
        if app_id is not None:
            query = query.where(_U.app_id == app_id)
        return [
            Usage(
                app_id=row.app_id,
                version=row.version,
                day=date.fromisoformat(row.day),
                **{name: getattr(row, name) for name in _COUNTS},
            )
            for row in self._connection.execute(query)
        ]
