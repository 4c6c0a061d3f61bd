"""Telling applications that somebody signed out (OpenID Connect Back-Channel Logout 1.0), through the one way out.

What is to be told is written in the transaction that ends the sign-on, and outlives the process. It is told beside everything else:
nobody who signs out waits for an application that does not answer, and none of them keeps the others waiting.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from beijiang.apps.models import FAREWELL_PAUSES, FAREWELLS_MOST, Farewell, FarewellState
from beijiang.apps.store import ClientStore, FarewellStore
from beijiang.evidence import Decision
from beijiang.kit import SYSTEM, BeijiangError, Rounds, new_id
from beijiang.outbound import Use

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.apps.models import Client, SignOnFamily
    from beijiang.apps.service.clients.signing_keys import SigningKeys
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.kit import Clock
    from beijiang.outbound import Outbound

__all__ = ["Farewells"]

log = logging.getLogger(__name__)

_SECONDS: Final = 120
_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_GOOD: Final = (200, 204)
_TRY_SECONDS: Final = 10.0
_TRY_IDLE: Final = 5.0
"""What one try may take, and how long nothing may come."""
_LOOK_SECONDS: Final = 1.0
_HANDS: Final = 4
"""So many applications are told at the same time; of each one farewell."""
_IN_HAND: Final = timedelta(seconds=60)
"""A farewell whose teller died is told by another after that, under the same ``jti``."""
_LEAVE_SECONDS: Final = 0.5
_UNKNOWN: Final = "client_state"
_FULL: Final = "queue_full"


class Farewells:
    """The queue of farewells, and the hands that tell them."""

    def __init__(
        self, db: Database, keys: SigningKeys, evidence: Evidence, outbound: Outbound, clock: Clock, issuer: str
    ) -> None:
        self._db = db
        self._keys = keys
        self._evidence = evidence
        self._outbound = outbound
        self._clock = clock
        self._issuer = issuer
        self._rounds = Rounds("farewells", self.tell_due, _LOOK_SECONDS)
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Thread] = {}
        self._stopping = threading.Event()

    def queue(self, tx: UnitOfWork, ended: Sequence[SignOnFamily]) -> None:
        """Write down whom to tell, in the transaction that ends the sign-ons."""
        clients, store, now = ClientStore(tx.connection), FarewellStore(tx.connection), self._clock.now()
        for family in ended:
            client = clients.get(family.client_id)
            if client is None or not client.facts.logout_uri:
                continue
            full = store.waiting(client.id) >= FAREWELLS_MOST
            store.add(
                [
                    Farewell(
                        id=new_id("bye"),
                        client_id=client.id,
                        family_id=family.id,
                        person_id=family.person_id,
                        state=FarewellState.GIVEN_UP if full else FarewellState.WAITING,
                        attempts=0,
                        made_at=now,
                        next_at=now,
                        ended_at=now if full else None,
                        error=_FULL if full else "",
                    )
                ]
            )

    def start(self) -> None:
        """Begin to tell; what an earlier process left is told too. Again is a no-op."""
        self._stopping.clear()
        self._rounds.start()

    def nudge(self) -> None:
        """Have the next look now: something was written down and is committed."""
        self._rounds.nudge()

    def stop(self) -> None:
        """Stop within a second: a try that is under way is left, and made again after the next start."""
        self._stopping.set()
        self._rounds.stop()
        until = time.monotonic() + _LEAVE_SECONDS
        with self._lock:
            left, self._busy = [*self._busy.values()], {}
        for hand in left:
            hand.join(max(0.0, until - time.monotonic()))

    def tell_due(self) -> int:
        """Begin to tell what is due, as far as there are hands; return how many were begun."""
        now = self._clock.now()
        with self._lock:
            busy, free = [*self._busy], _HANDS - len(self._busy)
        if free <= 0:
            return 0
        with self._db.read() as connection:
            due = FarewellStore(connection).due(now, busy, free)
        begun = 0
        for one in due:
            with self._db.begin(counted=False) as tx:
                mine = FarewellStore(tx.connection).claim(one, now + _IN_HAND)
            if mine and not self._stopping.is_set():
                hand = threading.Thread(target=self._told, args=(one,), name="beijiang-farewell", daemon=True)
                with self._lock:
                    self._busy[one.client_id] = hand
                hand.start()
                begun += 1
        return begun

    def _told(self, one: Farewell) -> None:
        try:
            with self._db.read() as connection:
                client = ClientStore(connection).get(one.client_id)
            problem = _UNKNOWN if client is None or not client.facts.logout_uri else self._try(client, one)
            if not self._stopping.is_set():
                self._note(one, problem)
        except Exception:  # the claim ends by itself, and then it is tried again
            log.exception("farewell %s failed", one.id)
        finally:
            with self._lock:
                if self._busy.get(one.client_id) is threading.current_thread():
                    del self._busy[one.client_id]
            self._rounds.nudge()  # there is a hand free

    def _note(self, one: Farewell, problem: str) -> None:
        now = self._clock.now()
        over = not problem or problem == _UNKNOWN or one.attempts >= len(FAREWELL_PAUSES)
        with self._db.begin(counted=False) as tx:
            store = FarewellStore(tx.connection)
            if over:
                store.end(one.id, FarewellState.GIVEN_UP if problem else FarewellState.TOLD, now, problem)
            else:
                store.later(one.id, now + FAREWELL_PAUSES[one.attempts], problem)
        if over:
            self._evidence.note(
                SYSTEM,
                "apps.client_farewell",
                target=one.client_id,
                decision=Decision.DENY if problem else Decision.ALLOW,
                detail={"person": one.person_id, "problem": problem, "tries": one.attempts + 1},
            )

    def _try(self, client: Client, one: Farewell) -> str:
        from beijiang.outbound import Http, HttpLimits

        now = int(self._clock.now().timestamp())
        claims = {
            "iss": self._issuer,
            "sub": one.person_id,
            "aud": client.id,
            "iat": now,
            "exp": now + _SECONDS,
            "jti": one.id,
            "sid": one.family_id,
            "events": {_EVENT: {}},
        }
        content = urlencode({"logout_token": self._keys.sign(claims, "logout+jwt")}).encode()
        way = self._outbound.bound(Use.CALL, client.org_id)
        try:
            with Http(way, HttpLimits(body=65_536, seconds=_TRY_SECONDS, idle=_TRY_IDLE, redirects=0)) as http:
                answer = http.fetch(
                    "POST",
                    client.facts.logout_uri,
                    headers={"Content-Type": "application/x-www-form-urlencoded"},
                    content=content,
                )
        except BeijiangError as error:
            return error.reason
        return "" if answer.status in _GOOD else f"status {answer.status}"
