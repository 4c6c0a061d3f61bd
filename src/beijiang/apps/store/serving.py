"""How the processes of bundles' servers stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from beijiang.apps.models import ServerStanding, ServerState
from beijiang.apps.store.schema import hosted_server

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["ServerStore"]

_S = hosted_server.c


class ServerStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, app_id: str) -> ServerStanding | None:
        """Return how a server stands; None: it never ran."""
        row = self._connection.execute(select(hosted_server).where(_S.app_id == app_id)).one_or_none()
        if row is None:
            return None
        return ServerStanding(
            app_id=row.app_id,
            version=row.version,
            state=ServerState(row.state) if row.held_at is None else ServerState.HELD,
            since=row.since,
            starts=row.starts,
            walls=tuple(row.walls),
            error=row.error,
            restart_at=row.restart_at,
            held_at=row.held_at,
            held_reason=row.held_reason,
        )

    def set(self, standing: ServerStanding) -> None:
        """Write how a server stands; when somebody wants it begun anew, or stopped it, stays as it is."""
        values: dict[str, Any] = {
            "version": standing.version,
            "state": standing.state.value,
            "since": standing.since,
            "starts": standing.starts,
            "walls": list(standing.walls),
            "error": standing.error,
        }
        here = _S.app_id == standing.app_id
        if not self._connection.execute(update(hosted_server).where(here).values(**values)).rowcount:
            self._connection.execute(insert(hosted_server).values(app_id=standing.app_id, restart_at=None, **values))

    def hold(self, app_id: str, at: datetime | None, reason: str = "") -> None:
        """Note that somebody stopped it, or that it may run again (None)."""
        values = {"held_at": at, "held_reason": reason}
        self._connection.execute(update(hosted_server).where(_S.app_id == app_id).values(**values))

    def want_restart(self, app_id: str, at: datetime) -> bool:
        """Note that somebody wants it begun anew; False if it never ran."""
        return (
            self._connection.execute(update(hosted_server).where(_S.app_id == app_id).values(restart_at=at)).rowcount
            == 1
        )
