"""Who may be told next, so that a receiver that hangs holds up itself alone: each has few hands, and what hangs gives room to others. No input or output."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Final

__all__ = ["MAIL_LANE", "MOST", "PER_LANE", "Lanes"]

BRISK: Final = 16
"""Told at the same time, what hangs not counted."""
MOST: Final = 64
"""Told at the same time, what hangs counted."""
PER_LANE: Final = 2
"""Of one host, or of the mail server; one of a host that hung the last time, and none more while one hangs."""
SLOW_MOST: Final = 32
"""Of all hosts that hung the last time: who hangs again and again never takes every hand."""
HANGS: Final = 2.0
"""After how many seconds a receiver hangs."""
MAIL_LANE: Final = "mail"
_REMEMBERED: Final = 1000


@dataclass(slots=True)
class Lanes:
    """What is in hand; a lane is one receiving host, ``at`` a moment in seconds. Not for several threads at once."""

    _busy: dict[str, tuple[str, float]] = field(default_factory=dict)
    _slow: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def free(self, at: float) -> int:
        """Return how many more may be taken in hand."""
        brisk = sum(at - begun < HANGS for _, begun in self._busy.values())
        return min(BRISK - brisk, MOST - len(self._busy))

    def closed(self, at: float) -> frozenset[str]:
        """Return the lanes of which no other may be taken now."""
        numbers = Counter(lane for lane, _ in self._busy.values())
        hanging = {lane for lane, begun in self._busy.values() if at - begun >= HANGS}
        full = {lane for lane, number in numbers.items() if number >= PER_LANE or lane in self._slow}
        crowded = sum(numbers[lane] for lane in self._slow) >= SLOW_MOST
        return frozenset(hanging | full | (set(self._slow) if crowded else set()))

    def take(self, follow_id: str, lane: str, at: float) -> bool:
        """Take one of a lane in hand; False if it may not be now."""
        if follow_id in self._busy or self.free(at) <= 0 or lane in self.closed(at):
            return False
        self._busy[follow_id] = lane, at
        return True

    def give_back(self, follow_id: str) -> None:
        """Take one out of hand that nothing was done with."""
        del self._busy[follow_id]

    def done(self, follow_id: str, at: float) -> None:
        """Take one out of hand that came to its end, and remember whether its lane hung."""
        lane, begun = self._busy.pop(follow_id)
        self._slow.pop(lane, None)
        if at - begun >= HANGS:
            self._slow[lane] = None
            if len(self._slow) > _REMEMBERED:
                self._slow.popitem(last=False)
