"""The quiet check before a form of the public is taken: made here, without a third party, a picture or JavaScript.

A visitor's form carries a ticket that this process sealed when it was shown: it is good once, not sooner than a person needs to
write a line and not later than two hours. A field that nobody sees must stay empty. How many forms come from one source, and
from all together, is counted in a sliding window, in bounded memory; a restart forgets the tickets and the counts.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.kit import Invalid, Throttled

if TYPE_CHECKING:
    from beijiang.kit import Actor, Clock

__all__ = ["Doorman"]

SOONEST: Final = timedelta(seconds=3)
LATEST: Final = timedelta(hours=2)
WINDOW: Final = timedelta(hours=1)
VISITOR_MOST: Final = 6
PERSON_MOST: Final = 30
TOGETHER_MOST: Final = 600
_SOURCES: Final = 10_000
_USED: Final = 20_000


class Doorman:
    """Let people pass, and programs that send forms for nobody stand outside."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._used: OrderedDict[str, None] = OrderedDict()
        self._seen: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._all: deque[datetime] = deque()

    def ticket(self) -> str:
        """Return a ticket for a form that is being shown."""
        made = f"{int(self._clock.now().timestamp())}.{secrets.token_hex(8)}"
        return f"{made}.{self._seal(made)}"

    def admit(self, actor: Actor, source: str, ticket: str, trap: str) -> None:
        """Return if the form may be taken; a visitor's ticket is used up.

        Raises:
            Invalid: the ticket is not ours, was used, or came too soon or too late (``form_stale``).
            Throttled: too many forms from here, or from everybody together.

        """
        now = self._clock.now()
        key, most = (source, VISITOR_MOST) if actor.is_anonymous else (actor.id, PERSON_MOST)
        with self._lock:
            if trap.strip() or (actor.is_anonymous and not self._good(ticket, now)):
                raise Invalid(
                    "表单已过期、已提交过，或填写得过快。请稍等几秒，重新打开本页再提交。",
                    "The form is out of date, was sent before, or came too fast. Wait a few seconds, open the page again and send it.",
                    code="form_stale",
                )
            self._count(key, most, now)
            if actor.is_anonymous:
                self._used[ticket] = None
                while len(self._used) > _USED:
                    self._used.popitem(last=False)

    def _good(self, ticket: str, now: datetime) -> bool:
        made, _, seal = ticket.rpartition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(made).encode()) or ticket in self._used:
            return False
        age = now.timestamp() - int(made.partition(".")[0])
        return SOONEST.total_seconds() <= age <= LATEST.total_seconds()

    def _count(self, key: str, most: int, now: datetime) -> None:
        mine = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while len(self._seen) > _SOURCES:
            self._seen.popitem(last=False)
        for times, limit in ((mine, most), (self._all, TOGETHER_MOST)):
            while times and times[0] <= now - WINDOW:
                times.popleft()
            if len(times) >= limit:
                raise Throttled(
                    "提交得太频繁，请一小时后再试；急事请直接联系提供部门。",
                    "Too many forms were sent; try again in an hour, or ask the department itself if it is urgent.",
                    detail={"minutes": 60},
                )
        mine.append(now)
        self._all.append(now)

    def _seal(self, made: str) -> str:
        return hmac.new(self._key, made.encode(), hashlib.sha256).hexdigest()[:32]
