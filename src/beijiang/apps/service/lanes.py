"""Lanes: pages are answered a few at a time, applications and readers in turn, so that nobody's long page holds up another's."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from beijiang.apps.errors import not_now, used_up

__all__ = ["Lanes", "Meter"]

AT_ONCE: Final = 6
EACH: Final = 3
"""Pages and late cards of one reader that are under way together; fewer than the gateway lets one person have open."""
EACH_APP: Final = 4
"""Those of one application, so that a slow one leaves room for the others."""
WAITING_EACH: Final = 120
WAITING_ALL: Final = 1200
MINUTE: Final = 60.0
READER_PER_MINUTE: Final = 120
KEPT: Final = 20_000


class Lanes:
    """Run work in a few threads, which end when there is none; the applications take turns, and in each its readers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: OrderedDict[tuple[str, str], deque[tuple[Future[None], Callable[[], None]]]] = OrderedDict()
        self._running: defaultdict[str, int] = defaultdict(int)
        self._threads = 0

    def put(self, app: str, reader: str, work: Callable[[], None]) -> Future[None]:
        """Have work done in somebody's turn.

        Raises:
            Unavailable: too much waits already (``app_busy``).

        """
        with self._lock:
            lane = self._waiting.setdefault((app, reader), deque())
            mine = sum(len(one) for (_, who), one in self._waiting.items() if who == reader)
            if mine >= WAITING_EACH or sum(map(len, self._waiting.values())) >= WAITING_ALL:
                if not lane:
                    del self._waiting[app, reader]
                raise not_now()
            future: Future[None] = Future()
            lane.append((future, work))
            start = self._threads < AT_ONCE
            self._threads += start
        if start:
            threading.Thread(target=self._work, name="app cards", daemon=True).start()
        return future

    def _work(self) -> None:
        while (taken := self._next()) is not None:
            names, future, work = taken
            try:
                if future.set_running_or_notify_cancel():
                    work()
                    future.set_result(None)
            except BaseException as error:  # noqa: BLE001  # whoever waits for it is told
                future.set_exception(error)
            finally:
                with self._lock:
                    for name in names:
                        self._running[name] -= 1
                        if not self._running[name]:
                            del self._running[name]

    def _next(self) -> tuple[tuple[str, str], Future[None], Callable[[], None]] | None:
        """Take work of the application that has least running, of whoever waited longest there; None ends the thread."""
        with self._lock:
            able = [
                (app, reader)
                for app, reader in self._waiting
                if self._running.get(_reader(reader), 0) < EACH and self._running.get(_app(app), 0) < EACH_APP
            ]
            if not able:
                self._threads -= 1
                return None
            whose = min(able, key=lambda one: self._running.get(_app(one[0]), 0))  # the first of them waited longest
            lane = self._waiting[whose]
            future, work = lane.popleft()
            names = _app(whose[0]), _reader(whose[1])
            for name in names:
                self._running[name] += 1
            self._waiting.move_to_end(whose)
            if not lane:
                del self._waiting[whose]
            return names, future, work


def _app(app_id: str) -> str:
    return f"app {app_id}"


def _reader(reader: str) -> str:
    return f"reader {reader}"


class Meter:
    """Count views within a minute: of one application by everybody, and by one reader of anything.

    The cards of a page that come late belong to the view of that page; any other card is a view of its own.
    """

    def __init__(self, reader_per_minute: int = READER_PER_MINUTE) -> None:
        self.reader_per_minute = reader_per_minute
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._late: OrderedDict[tuple[str, str, str], tuple[float, int]] = OrderedDict()

    def take(self, app: str, most: int, reader: str) -> None:
        """Count one view.

        Raises:
            Throttled: the minute is used up (``app_quota``).

        """
        now = time.monotonic()
        with self._lock:
            asked = ((f"reader {reader}", self.reader_per_minute), (f"app {app}", most))
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

    def owe(self, app: str, page: str, reader: str, cards: int) -> None:
        """Note how many cards of a page that was counted are still to be fetched."""
        key, now = (app, page, reader), time.monotonic()
        with self._lock:
            since, left = self._late.get(key, (now, 0))
            left = left if now - since < MINUTE else 0
            if cards or key in self._late:
                self._late[key] = (now, left + cards)
                self._late.move_to_end(key)
            while len(self._late) > KEPT:
                self._late.popitem(last=False)

    def take_card(self, app: str, page: str, most: int, reader: str) -> None:
        """Take one of the cards that are owed of a page; count a view where none is.

        Raises:
            Throttled: the minute is used up (``app_quota``).

        """
        key = app, page, reader
        with self._lock:
            since, left = self._late.get(key, (0.0, 0))
            if left > 0 and time.monotonic() - since < MINUTE:
                self._late[key] = (since, left - 1)
                return
            self._late.pop(key, None)
        self.take(app, most, reader)

    def _window(self, key: str, now: float) -> tuple[float, int]:
        since, count = self._seen.get(key, (now, 0))
        return (now, 0) if now - since >= MINUTE else (since, count)
