"""One thread that interrupts what runs too long; a timer per query would start a thread for each."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Watch"]


class Watch:
    """Call ``interrupt`` of whatever is still running at its deadline; never of something that has ended."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._deadlines: list[tuple[float, int]] = []
        self._running: dict[int, Callable[[], None]] = {}
        self._numbers = itertools.count()
        self._closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, seconds: float, interrupt: Callable[[], None]) -> Iterator[None]:
        """Watch over the block; it is interrupted once it has taken ``seconds``."""
        number, deadline = next(self._numbers), time.monotonic() + seconds
        with self._changed:
            self._running[number] = interrupt
            heapq.heappush(self._deadlines, (deadline, number))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engine-watch", daemon=True)
                self._thread.start()
            if self._deadlines[0][1] == number:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._running[number]

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                while self._deadlines and self._deadlines[0][1] not in self._running:
                    heapq.heappop(self._deadlines)
                wait = self._deadlines[0][0] - time.monotonic() if self._deadlines else None
                if wait is not None and wait <= 0:
                    # Under the lock, so that the block cannot end and its cursor be used again meanwhile.
                    self._running[heapq.heappop(self._deadlines)[1]]()
                    continue
                self._changed.wait(wait)
