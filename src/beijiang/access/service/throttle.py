"""Count attempts per source in a sliding window, in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from beijiang.kit import Throttled

_SOURCES = 10_000


class Throttle:
    """Refuse a source, and everybody together, after too many failures in one window."""

    def __init__(self, per_source: int, together: int, window: timedelta) -> None:
        self._per_source = per_source
        self._together = together
        self._window = window
        self._lock = threading.Lock()
        self._all: deque[datetime] = deque()
        self._by_source: OrderedDict[str, deque[datetime]] = OrderedDict()

    def check(self, source: str, now: datetime) -> None:
        """Return if another attempt is acceptable.

        Raises:
            Throttled: too many failures came from this source, or from all together.

        """
        with self._lock:
            mine = self._by_source.get(source, deque())
            if self._count(mine, now) >= self._per_source or self._count(self._all, now) >= self._together:
                minutes = int(self._window.total_seconds() // 60)
                raise Throttled(
                    f"登录失败次数过多，请 {minutes} 分钟后再试。",
                    f"Too many failed sign-ins; try again in {minutes} minutes.",
                    detail={"minutes": minutes},
                )

    def fail(self, source: str, now: datetime) -> None:
        """Count one failure."""
        with self._lock:
            self._by_source.setdefault(source, deque()).append(now)
            self._by_source.move_to_end(source)
            self._all.append(now)
            while len(self._by_source) > _SOURCES:
                self._by_source.popitem(last=False)

    def _count(self, times: deque[datetime], now: datetime) -> int:
        while times and times[0] <= now - self._window:
            times.popleft()
        return len(times)
