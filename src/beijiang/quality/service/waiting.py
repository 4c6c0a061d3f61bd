"""The time that somebody waits for an answer of many counts."""

from __future__ import annotations

import time

__all__ = ["Patience"]


class Patience:
    """So many seconds for all that is counted, and whether they were too few for some of it."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.lost = False
        """Whether something was left out."""

    def left(self) -> float:
        """Return the seconds that are left, 0 where none are."""
        return max(self._until - time.monotonic(), 0.0)

    def over(self) -> bool:
        """Tell whether no time is left for what comes next, and remember that it is left out."""
        done = not self.left()
        self.lost = self.lost or done
        return done
