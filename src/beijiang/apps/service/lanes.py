"""Lanes: cards are answered a few at a time, each reader in turn, so that nobody's long page holds up another's."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

from beijiang.apps.errors import not_now, used_up

__all__ = ["Lanes", "Meter"]

T = TypeVar("T")

AT_ONCE: Final = 6
EACH: Final = 3
"""Cards of one reader that are under way together; fewer than the gateway lets one person have open."""
WAITING_EACH: Final = 120
WAITING_ALL: Final = 1200
MINUTE: Final = 60.0
READER_PER_MINUTE: Final = 120
KEPT: Final = 20_000


class Lanes(Generic[T]):
    """Run work in a few threads, which end when there is none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, deque[tuple[Future[T], Callable[[], T]]]] = OrderedDict()
        self._running: defaultdict[str, int] = defaultdict(int)
        self._threads = 0

    def put(self, whose: str, work: Callable[[], T]) -> Future[T]:
        """Have work done in somebody's turn.

        Raises:
            Unavailable: too much waits already (``app_busy``).

        """
        with self._lock:
            lane = self._waiting.setdefault(whose, deque())
            if len(lane) >= WAITING_EACH or sum(map(len, self._waiting.values())) >= WAITING_ALL:
                raise not_now()
            future: Future[T] = Future()
            lane.append((future, work))
            start = self._threads < AT_ONCE
            self._threads += start
        if start:
            threading.Thread(target=self._work, name="app cards", daemon=True).start()
        return future

    def _work(self) -> None:
        while (taken := self._next()) is not None:
            whose, future, work = taken
            try:
                if future.set_running_or_notify_cancel():
                    future.set_result(work())
            except BaseException as error:  # noqa: BLE001  # whoever waits for it is told
                future.set_exception(error)
            finally:
                with self._lock:
                    self._running[whose] -= 1
                    if not self._running[whose]:
                        del self._running[whose]

    def _next(self) -> tuple[str, Future[T], Callable[[], T]] | None:
        """Take the oldest work of whoever has waited longest for a turn; the thread ends where there is none for it."""
        with self._lock:
            for whose, lane in self._waiting.items():
                if self._running.get(whose, 0) < EACH:
                    future, work = lane.popleft()
                    self._running[whose] += 1
                    self._waiting.move_to_end(whose)
                    if not lane:
                        del self._waiting[whose]
                    return whose, future, work
            self._threads -= 1
            return None


class Meter:
    """Count views within a minute: of one application by everybody, and by one reader of anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, app: str, most: int, reader: str) -> None:
        """Count one view.

        Raises:
            Throttled: the minute is used up (``app_quota``).

        """
        now = time.monotonic()
        with self._lock:
            asked = ((f"reader {reader}", READER_PER_MINUTE), (f"app {app}", most))
            for key, allowed in asked:
                since, count = self._window(key, now)
                if count >= allowed:
                    raise used_up(max(1, int(since + MINUTE - now) + 1))
            for key, _ in asked:
                since, count = self._window(key, now)
                self._seen[key] = (since, count + 1)
                self._seen.move_to_end(key)
            while len(self._seen) > KEPT:
                self._seen.popitem(last=False)

    def _window(self, key: str, now: float) -> tuple[float, int]:
        since, count = self._seen.get(key, (now, 0))
        return (now, 0) if now - since >= MINUTE else (since, count)
