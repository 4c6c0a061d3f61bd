"""What an open page is told while it stays open: how many notices are unread, and that open work moved on."""

from __future__ import annotations

import hashlib
import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Throttled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.access import Access
    from beijiang.jobs import Jobs
    from beijiang.kit import Actor
    from beijiang.notices.service.notices import Notices

__all__ = ["Line", "Live", "State"]

PERSON_MOST: Final = 6
"""Open pages of one person that are told; further ones ask from time to time."""
MOST: Final = 500
_OPEN_JOBS: Final = 50


class Line:
    """One open page; it counts for as long as somebody holds it."""

    def __init__(self, person_id: str) -> None:
        self.person_id = person_id


@dataclass(frozen=True, slots=True)
class State:
    """What a page shows now: events by name, and an id that is the same for as long as they are."""

    id: str
    events: Mapping[str, Mapping[str, Any]]


class Live:
    """Tell open pages what moved; every answer is asked for anew with the rights and the session of that moment."""

    def __init__(self, notices: Notices, jobs: Jobs, access: Access) -> None:
        self._notices = notices
        self._jobs = jobs
        self._access = access
        self._lines: weakref.WeakSet[Line] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.ending = False
        """Set when the server is about to stop: open pages are let go and ask again later."""

    def enter(self, actor: Actor) -> Line:
        """Begin to tell a page of the actor.

        Raises:
            Throttled: too many pages of this person, or of all together, are open.

        """
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        with self._lock:
            mine = sum(line.person_id == actor.id for line in self._lines)
            if mine >= PERSON_MOST or len(self._lines) >= MOST or self.ending:
                raise Throttled(
                    "打开的页面太多，本页改为定时查询。",
                    "Too many pages are open; this one asks from time to time instead.",
                    code="live_full",
                )
            line = Line(actor.id)
            self._lines.add(line)
        return line

    def leave(self, line: Line) -> None:
        """Tell a page no more."""
        with self._lock:
            self._lines.discard(line)

    def pulse(self) -> str:
        """Return a word that changes when anything that pages are told of may have changed; cheap."""
        return f"{self._notices.pulse()}/{self._jobs.pulse()}"

    def state(self, actor: Actor, token: str | None) -> State | None:
        """Return what the actor's page shows now; None once the session or key is no longer good.

        A page that is merely open does not keep a session alive.
        """
        try:
            if token is not None and self._access.session(token) is None:
                return None
            now = self._access.current(actor)
            if not self._access.allows(now, Permission.NOTICES_OWN_READ):
                return None
            events: dict[str, Mapping[str, Any]] = {"notices": {"unread": sum(self._notices.unread(now).values())}}
            if now.org_id and self._access.allows(now, "jobs:job:read", now.org_id):
                events["jobs"] = self._work(now)
        except BeijiangError:
            return None
        return State(hashlib.sha256(repr(events).encode()).hexdigest()[:16], events)

    def end(self) -> None:
        """Let every page go, because the server stops."""
        self.ending = True

    def _work(self, actor: Actor) -> Mapping[str, Any]:
        """Return how many jobs are open, and a word that changes when one of them moves."""
        newest = self._jobs.jobs(actor, limit=_OPEN_JOBS)
        moved = [(job.id, job.state.value, job.progress.done, job.progress.total) for job in newest]
        return {
            "open": sum(not job.ended for job in newest),
            "moved": hashlib.sha256(repr(moved).encode()).hexdigest()[:12],
        }
