"""How applications are used, by day and version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from beijiang.apps.models import Usage
from beijiang.apps.store.schema import hosted_usage
from beijiang.db import upsert

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
        """Add what was counted to what stands there; in one statement, as other processes count too."""
        key = {"app_id": one.app_id, "version": one.version, "day": one.day.isoformat()}
        counts = {name: getattr(one, name) for name in _COUNTS}
        put = upsert(self._connection, hosted_usage).values(**key, **counts)
        more = {name: _U[name] + count for name, count in counts.items()}
        self._connection.execute(put.on_conflict_do_update(index_elements=[*key], set_=more))

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
