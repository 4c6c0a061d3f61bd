"""Record some of very many: strangers may be refused as often as they like, and must not fill the log with it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

__all__ = ["Sparingly"]

MOST: Final = 20
"""Records of one kind about one thing in a minute."""
_MINUTE: Final = timedelta(minutes=1)
_KNOWN: Final = 1000


class Sparingly:
    """Tell which of many like events are recorded: the first of each minute, and how many before them were not."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], tuple[datetime, int]] = OrderedDict()
        self._lock = threading.Lock()

    def passes(self, kind: str, about: str, now: datetime) -> int | None:
        """Return how many were left out before this one, which is recorded; None if this one is left out too."""
        with self._lock:
            since, count = self._seen.pop((kind, about), (now, 0))
            fresh = not timedelta() <= now - since < _MINUTE
            left_out = max(0, count - MOST) if fresh else 0
            since, count = (now, 1) if fresh else (since, count + 1)
            self._seen[kind, about] = since, count
            if len(self._seen) > _KNOWN:
                self._seen.popitem(last=False)
        return left_out if count <= MOST else None
