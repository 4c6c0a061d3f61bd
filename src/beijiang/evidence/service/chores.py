"""A background thread for what need not hold up a request: flushing deferred records, sealing, noting the head."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)


class Chores:
    """Run named work soon, once, however often it was asked for meanwhile; the thread starts with the first request."""

    def __init__(self, work: Mapping[str, Callable[[], object]]) -> None:
        self._work = work
        self._due: dict[str, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def soon(self, name: str, delay: float) -> None:
        """Have the work of this name done within ``delay`` seconds."""
        at = time.monotonic() + delay
        with self._changed:
            if self._stopped or self._due.get(name, at) < at:
                return
            self._due[name] = at
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="evidence", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """End the thread; work that is due but not begun is left to the caller."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(timeout=10)

    def _run(self) -> None:
        while (name := self._next()) is not None:
            try:
                self._work[name]()
            except Exception:  # the thread must outlive a locked database; the work is asked for again
                log.exception("evidence chore %s failed; it will be tried again", name)
                self.soon(name, 5.0)

    def _next(self) -> str | None:
        """Wait until some work is due and take it; None when stopped."""
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                name = min(self._due, key=self._due.__getitem__, default=None)
                if name is not None and self._due[name] <= now:
                    del self._due[name]
                    return name
                self._changed.wait(None if name is None else self._due[name] - now)
        return None
