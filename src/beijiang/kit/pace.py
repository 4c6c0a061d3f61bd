"""How often visitors may call: so many times a minute from one place, counted from the first call of each; a restart forgets."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.kit.errors import Throttled

if TYPE_CHECKING:
    from beijiang.kit.actor import Actor
    from beijiang.kit.clock import Clock

__all__ = ["Pace"]

WINDOW: Final = timedelta(minutes=1)
_SOURCES: Final = 10_000


class Pace:
    """Count the calls of visitors; whoever has a key is counted by what the key opens."""

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    @property
    def most(self) -> int:
        """Return how many calls a minute are taken; 0 is without limit."""
        return self._most

    def admit(self, actor: Actor, source: str) -> int | None:
        """Return how many calls are left in this minute, None where they are not counted.

        Raises:
            Throttled: too many came from there within a minute; ``retry_after`` says when the next is in order.

        """
        if not self._most or not actor.is_anonymous:
            return None
        now = self._clock.now()
        with self._lock:
            began, calls = self._seen.get(source, (now, 0))
            if now - began >= WINDOW:
                began, calls = now, 0
            self._seen[source] = began, min(calls + 1, self._most)
            self._seen.move_to_end(source)
            while len(self._seen) > _SOURCES:
                self._seen.popitem(last=False)
        if calls < self._most:
            return self._most - calls - 1
        seconds = max(1, -int((now - WINDOW - began).total_seconds() // 1))
        raise Throttled(
            f"未带密钥的调用每分钟最多 {self._most} 次，请 {seconds} 秒后再试，或使用密钥。",
            f"Without a key {self._most} calls a minute are taken; try again in {seconds} seconds, or send a key.",
            detail={"retry_after": seconds},
        )
