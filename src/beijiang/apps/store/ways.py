"""The names of relayed applications' hosts, and whether the applications answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from beijiang.apps.models import Client, ClientState, Health, HealthState, HealthTurn
from beijiang.apps.store.client_schema import app_client
from beijiang.apps.store.clients import client_of
from beijiang.apps.store.way_schema import app_health, app_health_turn, app_host
from beijiang.kit import Text

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["WayStore"]

TURNS_KEPT: Final = 200
_H = app_health.c
_T = app_health_turn.c


class WayStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_label(self, label: str) -> Client | None:
        """Return the active application that has a name, if that name is in force."""
        query = (
            select(app_client)
            .join(app_host, app_host.c.client_id == app_client.c.id)
            .where(app_host.c.label == label, app_client.c.state == ClientState.ACTIVE.value)
        )
        row = self._connection.execute(query).one_or_none()
        found = None if row is None else client_of(row)
        return found if found is not None and found.facts.label == label and found.facts.upstream else None

    def holder(self, label: str) -> str | None:
        """Return which application a name belongs to, in force or proposed."""
        return self._connection.execute(select(app_host.c.client_id).where(app_host.c.label == label)).scalar()

    def hold(self, client_id: str, labels: frozenset[str]) -> None:
        """Have an application hold these names and no others; a name that another holds breaks the constraint."""
        mine = app_host.c.client_id == client_id
        held = frozenset(self._connection.execute(select(app_host.c.label).where(mine)).scalars())
        for label in held - labels:
            self._connection.execute(delete(app_host).where(mine, app_host.c.label == label))
        for label in sorted(labels - held):
            self._connection.execute(insert(app_host).values(label=label, client_id=client_id))

    def relayed(self) -> Sequence[Client]:
        """Return the active applications that run somewhere."""
        query = select(app_client).where(app_client.c.state == ClientState.ACTIVE.value).order_by(app_client.c.id)
        found = [client_of(row) for row in self._connection.execute(query)]
        return [one for one in found if one.facts.upstream]

    def health(self, client_id: str) -> Health | None:
        """Return what is known of an application's answering."""
        row = self._connection.execute(select(app_health).where(_H.client_id == client_id)).one_or_none()
        if row is None:
            return None
        return Health(
            client_id=row.client_id,
            state=HealthState(row.state),
            since=row.since,
            checked_at=row.checked_at,
            failures=row.failures,
            error=Text(**row.error),
            millis=row.millis,
        )

    def set_health(self, health: Health) -> None:
        """Write what is known of an application's answering."""
        values: dict[str, Any] = {
            "state": health.state.value,
            "since": health.since,
            "checked_at": health.checked_at,
            "failures": health.failures,
            "error": _both(health.error),
            "millis": health.millis,
        }
        here = _H.client_id == health.client_id
        if not self._connection.execute(update(app_health).where(here).values(**values)).rowcount:
            self._connection.execute(insert(app_health).values(client_id=health.client_id, **values))

    def add_turn(self, turn: HealthTurn) -> None:
        """Keep a turn; the oldest beyond what is kept are forgotten."""
        self._connection.execute(
            insert(app_health_turn).values(
                id=turn.id,
                client_id=turn.client_id,
                at=turn.at,
                state=turn.state.value,
                error=_both(turn.error),
                lasted_seconds=int(turn.lasted.total_seconds()),
            )
        )
        mine = select(_T.id).where(_T.client_id == turn.client_id).order_by(_T.at.desc(), _T.id.desc())
        old = list(self._connection.execute(mine.offset(TURNS_KEPT)).scalars())
        if old:
            self._connection.execute(delete(app_health_turn).where(_T.id.in_(old)))

    def turns(self, client_id: str, most: int = 20) -> Sequence[HealthTurn]:
        """Return the last turns, the newest first."""
        query = (
            select(app_health_turn).where(_T.client_id == client_id).order_by(_T.at.desc(), _T.id.desc()).limit(most)
        )
        return [
            HealthTurn(
                id=row.id,
                client_id=row.client_id,
                at=row.at,
                state=HealthState(row.state),
                error=Text(**row.error),
                lasted=timedelta(seconds=row.lasted_seconds),
            )
            for row in self._connection.execute(query)
        ]


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
