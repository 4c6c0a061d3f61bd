"""Timing: how long each version takes to answer and how often something fails, in memory, and written now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.apps.models import Card, CardState
from beijiang.apps.models.canary import Answered, bound_of
from beijiang.apps.store import AnswerStore
from beijiang.kit import BeijiangError, Denied, NotFound, Throttled

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.db import Database
    from beijiang.kit import Clock

__all__ = ["Timing", "hour_of"]

KEPT: Final = timedelta(days=90)


class Timing:
    """Count answers by version, hour and how long they took; of nobody in particular."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, int, str, int], tuple[int, int]] = {}

    @contextmanager
    def measured(self, app_id: str, version: int) -> Iterator[list[Card]]:
        """Count one answer, whose cards are put into what is given; what whoever asked did wrong is not counted."""
        began, cards = time.monotonic(), list[Card]()
        try:
            yield cards
        except (Denied, NotFound, Throttled):
            raise
        except BaseException as error:
            if not isinstance(error, BeijiangError) or error.reason != "app_parameter":
                self._note(app_id, version, time.monotonic() - began, failed=True)
            raise
        failed = any(card.state is CardState.FAILED for card in cards)
        self._note(app_id, version, time.monotonic() - began, failed=failed)

    def write(self) -> None:
        """Add what was counted to the table, and forget what is old; what cannot be written now is written the next time."""
        with self._lock:
            taken, self._counted = self._counted, {}
        if not taken:
            return
        try:
            with self._db.begin() as tx:
                store = AnswerStore(tx.connection)
                store.forget(hour_of(self._clock.now() - KEPT))
                for (app_id, version, hour, bound), (answers, errors) in taken.items():
                    store.add(
                        Answered(app_id=app_id, version=version, hour=hour, bound=bound, answers=answers, errors=errors)
                    )
        except BaseException:
            with self._lock:
                for key, (answers, errors) in taken.items():
                    self._add(key, answers, errors)
            raise

    def _note(self, app_id: str, version: int, seconds: float, *, failed: bool) -> None:
        key = app_id, version, hour_of(self._clock.now()), bound_of(seconds)
        with self._lock:
            self._add(key, 1, int(failed))

    def _add(self, key: tuple[str, int, str, int], answers: int, errors: int) -> None:
        before = self._counted.get(key, (0, 0))
        self._counted[key] = before[0] + answers, before[1] + errors


def hour_of(moment: datetime) -> str:
    """Return the hour of a moment, such as 2026-11-27T11."""
    return moment.isoformat()[:13]
