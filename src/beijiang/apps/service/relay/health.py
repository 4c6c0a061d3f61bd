"""Whether applications that run elsewhere answer: looked at by the clock, kept with its history, told to their departments."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from beijiang.access import Permission
from beijiang.apps.errors import no_client
from beijiang.apps.models import Client, Health, HealthState, HealthTurn
from beijiang.apps.models.ways import next_health
from beijiang.apps.store import ClientStore, WayStore
from beijiang.kit import SYSTEM, BeijiangError, Text, new_id

if TYPE_CHECKING:
    from beijiang.apps.service.relay.passing import Passing
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["HealthWatch"]

_One = TypeVar("_One", Health, HealthTurn)
_AT_ONCE: Final = 4
_SECONDS: Final = 5.0
_BYTES: Final = 1 << 20
_FAILED: Final = 500
_GONE: Final = frozenset({404, 410})
_UNTOLD: Final = Text("没有应答。", "It did not answer.")


class HealthWatch:
    """Looks after applications that run elsewhere; one that hangs takes one of a few hands and delays no other for long."""

    def __init__(self, relay: Passing) -> None:
        self._relay = relay
        self.clients = relay.clients
        self.access = relay.clients.access
        self._hands: ThreadPoolExecutor | None = None
        self._on_its_way: dict[str, Future[None]] = {}
        self._turn = threading.Lock()

    def health(self, actor: Actor, client_id: str) -> tuple[Health | None, Sequence[HealthTurn]]:
        """Return whether an application answers and its last turns: to its department, the authority, and whoever may open it.

        Why it does not is told to the first two alone: the words may name its inner address.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.access.require(actor, Permission.APPS_CLIENT_SIGN_ON)
        with self.clients.db.read() as connection:
            found = ClientStore(connection).get(client_id)
        if found is None or not (found.serves and found.facts.upstream):
            self.clients.client(actor, client_id)
        with self.clients.db.read() as connection:
            store = WayStore(connection)
            now, turns = store.health(client_id), store.turns(client_id)
        if self._looks_after(actor, client_id):
            return now, turns
        return None if now is None else _curt(now), [_curt(one) for one in turns]

    def states(self, actor: Actor) -> Mapping[str, Health]:
        """Return the state of every application that runs elsewhere and was looked at, without why."""
        self.access.require(actor, Permission.APPS_CLIENT_SIGN_ON)
        with self.clients.db.read() as connection:
            store = WayStore(connection)
            found = [store.health(one.id) for one in store.relayed()]
        return {one.client_id: _curt(one) for one in found if one is not None}

    def _looks_after(self, actor: Actor, client_id: str) -> bool:
        try:
            self.clients.client(actor, client_id)
        except BeijiangError:
            return False
        return True

    def check(self, actor: Actor, client_id: str) -> Health:
        """Look now, and wait for what comes.

        Raises:
            NotFound: unknown, not in force, or none of the actor's business.

        """
        client, _ = self.clients.client(actor, client_id)
        if not client.serves or not client.facts.upstream:
            raise no_client()
        return self._look(client)

    def watch(self) -> None:
        """Begin to look at what is due and wait for none of it; called by the dispatcher."""
        now, every = self.clients.clock.now(), timedelta(seconds=self.clients.settings.health_every)
        with self.clients.db.read() as connection:
            store = WayStore(connection)
            found = [(client, store.health(client.id)) for client in store.relayed()]
        for client, before in found:
            if before is None or now - before.checked_at >= every:
                self._begin(client)

    def settle(self) -> None:
        """Wait for the looks that are on their way."""
        with self._turn:
            waiting = list(self._on_its_way.values())
        for one in waiting:
            one.result()

    def stop(self) -> None:
        """Wait for what is on its way, which ends within seconds, and begin nothing more."""
        with self._turn:
            hands, self._hands = self._hands, None
        if hands is not None:
            hands.shutdown(wait=True, cancel_futures=True)

    def _begin(self, client: Client) -> None:
        with self._turn:
            if client.id in self._on_its_way:
                return
            if self._hands is None:
                self._hands = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="beijiang-health")
            self._on_its_way[client.id] = self._hands.submit(self._looked, client)

    def _looked(self, client: Client) -> None:
        try:
            self._look(client)
        finally:
            with self._turn:
                self._on_its_way.pop(client.id, None)

    def _look(self, client: Client) -> Health:
        began = time.monotonic()
        failure = self._failure(client)
        millis, now = int((time.monotonic() - began) * 1000), self.clients.clock.now()
        with self.clients.db.begin(counted=False) as tx:
            store = WayStore(tx.connection)
            before = store.health(client.id)
            made, turned = next_health(before, client.id, now, failure, millis)
            store.set_health(made)
            if turned and before is not None:
                turn = HealthTurn(
                    id=new_id("htn"),
                    client_id=client.id,
                    at=now,
                    state=made.state,
                    error=made.error,
                    lasted=now - before.since,
                )
                store.add_turn(turn)
                detail: dict[str, JsonValue] = {"org": client.org_id, "error": made.error.zh}
                what = "down" if made.state is HealthState.DOWN else "up"
                self.clients.evidence.record(tx, SYSTEM, f"apps.client_{what}", target=client.id, detail=detail)
        return made

    def _failure(self, client: Client) -> Text | None:
        """Ask once; return in words why it did not answer."""
        address = f"{client.facts.upstream}{client.facts.health_path}"
        heads = {"accept-encoding": "identity", "user-agent": "beijiang-health"}
        try:
            with (
                self._relay.reach(client, _SECONDS, _BYTES) as http,
                http.relay("GET", address, headers=heads, content=None) as stream,
            ):
                status = stream.status
        except BeijiangError as error:
            return error.text
        if status >= _FAILED or status in _GONE:
            return Text(f"应答状态 {status}。", f"It answered with status {status}.")
        return None


def _curt(one: _One) -> _One:
    """Return what everybody may know: that it did not answer, not why."""
    return replace(one, error=_UNTOLD if one.error.zh else one.error)
