"""Work that is done again and again, beside everything else, for as long as a process lives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

__all__ = ["Rounds"]

log = logging.getLogger(__name__)


class Rounds:
    """Do one piece of work every so often in a thread of its own, and outlive whatever fails in it.

    ``every`` is the pause between two rounds in seconds; the first comes after one. ``name`` is the thread's, and the log's.
    """

    def __init__(self, name: str, work: Callable[[], object], every: float) -> None:
        self._name = name
        self._work = work
        self._every = every
        self._stopping = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def stopping(self) -> bool:
        """Whether the work should come to an end soon: a long round looks at it between its steps."""
        return self._stopping

    def start(self) -> None:
        """Begin. Again is a no-op."""
        if self._thread is None:
            self._stopping = False
            self._wake.clear()
            self._thread = threading.Thread(target=self._run, name=f"beijiang-{self._name}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Return when the round under way has ended; none follows. May be started again."""
        if self._thread is not None:
            self._stopping = True
            self._wake.set()
            self._thread.join()
            self._thread = None
            self._stopping = False

    def nudge(self) -> None:
        """Have the next round now."""
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(self._every)
            self._wake.clear()  # before the look at it, so that no stop is missed
            if self._stopping:
                return
            try:
                self._work()
            except Exception:  # the rounds outlive a failing database
                log.exception("a round of %s failed; it will be tried again", self._name)
