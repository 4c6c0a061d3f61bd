"""Counting how applications are used: in memory, and written now and then; who looked is kept nowhere."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beijiang.apps.models import Card, CardState, Usage
from beijiang.apps.store import UsageStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from beijiang.db import Database

__all__ = ["Asked", "Counting", "Served"]

VIEWERS_MOST: Final = 100_000


@dataclass(slots=True)
class Served:
    """One request to the server of an application, while it is answered."""

    began: float = field(default_factory=time.monotonic)
    failed: bool = False
    sent: int = 0

    def passing(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces of an answer, and count their bytes."""
        for piece in pieces:
            self.sent += len(piece)
            yield piece


@dataclass(slots=True)
class Asked:
    """One request to an end-point or one run of a job, while it is answered."""

    job: bool = False
    failed: bool = False
    denied: bool = False
    cost: tuple[float, int] | None = None
    """Seconds and rows of the run of the engine; None where the answer came from memory, or there is none."""


class Counting:
    """Count opens, different viewers of a day, calls of end-points, runs of jobs, what was not shown, what all that cost, and servers."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, int, date], Usage] = {}
        self._seen: set[bytes] = set()
        self._day: date | None = None
        self._salt = b""

    def note(self, whose: tuple[str, int], day: date, viewer: str | None, cards: Iterable[Card]) -> None:
        """Count a page of an application and version, or a late card of one (which has no viewer and is no opening)."""
        cards = list(cards)
        readings = {card.data.reading: card.data for card in cards if card.data is not None and not card.data.cached}
        states = [card.state for card in cards]
        app_id, version = whose
        with self._lock:
            one = Usage(
                app_id=app_id,
                version=version,
                day=day,
                opens=0 if viewer is None else 1,
                viewers=0 if viewer is None else self._is_new(day, app_id, viewer),
                failed=states.count(CardState.FAILED),
                denied=states.count(CardState.DENIED),
                slow=states.count(CardState.LOADING),
                readings=len(readings),
                seconds=sum(data.seconds for data in readings.values()),
                scanned=sum(data.scanned for data in readings.values()),
            )
            self._add(one)

    def note_asked(self, whose: tuple[str, int], day: date, asked: Asked) -> None:
        """Count a request to an end-point of an application and version, or a run of a job of it."""
        app_id, version = whose
        seconds, scanned = asked.cost or (0.0, 0)
        one = Usage(
            app_id=app_id,
            version=version,
            day=day,
            calls=int(not asked.job),
            runs=int(asked.job),
            failed=int(asked.failed and not asked.denied),
            denied=int(asked.denied),
            readings=int(asked.cost is not None),
            seconds=seconds,
            scanned=scanned,
        )
        with self._lock:
            self._add(one)

    def note_served(self, whose: tuple[str, int], day: date, answer: Served) -> None:
        """Count a request to the server of an application and version."""
        app_id, version = whose
        one = Usage(
            app_id=app_id,
            version=version,
            day=day,
            requests=1,
            errors=int(answer.failed),
            served_seconds=time.monotonic() - answer.began,
            sent=answer.sent,
        )
        with self._lock:
            self._add(one)

    def write(self) -> None:
        """Add what was counted to the tables; what cannot be written now is written the next time."""
        with self._lock:
            taken, self._counted = self._counted, {}
        if not taken:
            return
        try:
            with self._db.begin() as tx:
                for one in taken.values():
                    UsageStore(tx.connection).add(one)
        except BaseException:
            with self._lock:
                for one in taken.values():
                    self._add(one)
            raise

    def _add(self, one: Usage) -> None:
        key = one.app_id, one.version, one.day
        before = self._counted.get(key)
        self._counted[key] = one if before is None else before.plus(one)

    def _is_new(self, day: date, app_id: str, viewer: str) -> int:
        """Return 1 for a viewer whom this process has not seen that day; the salt of a day is forgotten with it."""
        if day != self._day:
            self._day, self._salt = day, secrets.token_bytes(16)
            self._seen.clear()
        mark = hashlib.blake2b(f"{app_id} {viewer}".encode(), key=self._salt, digest_size=16).digest()
        if mark in self._seen or len(self._seen) >= VIEWERS_MOST:
            return 0
        self._seen.add(mark)
        return 1
