"""Group commit: whoever comes first writes for all who wait, so that many threads share one durable transaction."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from beijiang.evidence.models import Entry

log = logging.getLogger(__name__)

GROUP = 500
"""Entries that one transaction takes at most."""

DEFERRED_LIMIT = 10_000
"""Entries that may wait without a waiter; more are counted as lost, so that a flood cannot fill the memory."""

NO_ROOM_SECONDS = 1.0
"""How long nothing is kept elsewhere after there was no room: to find out costs as much as to keep it."""


class _Ticket:
    """One entry on its way (or a barrier without one), and whether somebody waits for it."""

    __slots__ = ("done", "entry", "error", "safe", "wake")

    def __init__(self, entry: Entry | None, *, waited_for: bool) -> None:
        self.entry = entry
        self.wake = threading.Event() if waited_for else None
        self.done = False
        self.safe = False
        """Whether it is kept elsewhere."""
        self.error: BaseException | None = None


class GroupCommit:
    """Collect entries of all threads and hand them to ``write`` in groups, in order of arrival.

    ``spare`` keeps elsewhere what nobody waits for and ``write`` does not take, and tells whether it could.
    """

    def __init__(self, write: Callable[[Sequence[Entry]], None], spare: Callable[[Sequence[Entry]], bool]) -> None:
        self._write = write
        self._spare = spare
        self._lock = threading.Lock()
        self._rescuing = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._underway: Sequence[_Ticket] = ()
        self._no_room = 0.0
        self._leading = False
        self._deferred = 0
        self._lost = 0
        self.lost = 0
        """Entries that were lost since this process began."""

    def submit(self, entry: Entry | None, patience: float | None = None) -> None:
        """Return when the entry is durable; without one, when everything that waited before is.

        Raises:
            Exception: what ``write`` raised for the group that held this entry.
            TimeoutError: the group of somebody else took longer than ``patience``; the entry may be written yet.

        """
        ticket = _Ticket(entry, waited_for=True)
        with self._lock:
            self._waiting.append(ticket)
            lead = not self._leading
            self._leading = True
        if not lead and ticket.wake is not None and not ticket.wake.wait(patience):
            self._abandon(ticket)
        while not ticket.done:
            self._lead()
        if ticket.error is not None:
            raise ticket.error

    def _abandon(self, ticket: _Ticket) -> None:
        """Take back what waits for too long; who has been given the lead meanwhile stays."""
        with self._lock:
            if ticket.wake is not None and ticket.wake.is_set():
                return
            if ticket in self._waiting:
                self._waiting.remove(ticket)
        raise TimeoutError

    def defer(self, entry: Entry) -> bool:
        """Leave an entry to the next group and return at once; False when too many wait already and it is lost."""
        while not self._put(entry):
            if time.monotonic() < self._no_room or (not self.rescue() and self._is_full):
                with self._lock:
                    self._lost += 1
                    self.lost += 1
                return False
        return True

    @property
    def _is_full(self) -> bool:
        with self._lock:
            return self._deferred >= DEFERRED_LIMIT

    def _put(self, entry: Entry) -> bool:
        with self._lock:
            if self._deferred >= DEFERRED_LIMIT:
                return False
            self._deferred += 1
            self._waiting.append(_Ticket(entry, waited_for=False))
            return True

    def rescue(self) -> bool:
        """Have kept elsewhere what nobody waits for: ``write`` is stuck, and a kill would lose it. Tell whether any was.

        What ``write`` is at is kept too, so that it may come twice. All of it stays in line until it is kept: a barrier that
        comes meanwhile does not pass it by.
        """
        with self._rescuing:
            with self._lock:
                taken = [one for one in (*self._underway, *self._waiting) if one.wake is None and not one.safe]
            if taken and self._spare(_deferred(taken)):
                self._leave_out(taken)
                return True
        with self._lock:
            self._no_room = time.monotonic() + NO_ROOM_SECONDS
        return False

    def _leave_out(self, kept: Sequence[_Ticket]) -> None:
        """Take what is kept elsewhere out of the line; what ``write`` has begun with meanwhile stays with it."""
        with self._lock:
            for ticket in kept:
                ticket.safe = True
            before = len(self._waiting)
            self._waiting = deque(ticket for ticket in self._waiting if not ticket.safe)
            self._deferred -= before - len(self._waiting)

    def take_lost(self) -> int:
        """Return how many deferred entries were lost since the last call."""
        with self._lock:
            lost, self._lost = self._lost, 0
            return lost

    def _lead(self) -> None:
        """Write one group as its leader, then hand the lead to somebody who waits."""
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
            self._deferred -= sum(1 for ticket in group if ticket.wake is None)
            self._underway = group
        error: BaseException | None = None
        try:
            entries = [ticket.entry for ticket in group if ticket.entry is not None]
            if entries:
                self._write(entries)
        except BaseException as exc:  # noqa: BLE001 - every waiter is told, whatever it was, and the lead is handed on
            error = exc
        left = _deferred([ticket for ticket in group if not ticket.safe]) if error is not None else []
        waiters = self._settle(group, error, keep=bool(left) and not self._spare(left))
        for event in waiters:
            event.set()
        if error is not None and not isinstance(error, Exception):
            raise error

    def _settle(self, group: list[_Ticket], error: BaseException | None, *, keep: bool) -> list[threading.Event]:
        with self._lock:
            self._underway = ()
            kept = [ticket for ticket in group if ticket.wake is None and not ticket.safe] if keep else []
            self._waiting.extendleft(reversed(kept))
            self._deferred += len(kept)
            for ticket in group:
                ticket.done, ticket.error = ticket.wake is not None or error is None, error
            settled = [ticket.wake for ticket in group if ticket.wake is not None]
            next_leader = next((ticket.wake for ticket in self._waiting if ticket.wake is not None), None)
            self._leading = next_leader is not None
            if next_leader is not None:
                next_leader.set()  # here, so that who gives up waiting sees that it leads
        if kept:
            log.error("%d deferred evidence records could not be written and will be tried again", len(kept))
        return settled


def _deferred(tickets: Sequence[_Ticket]) -> list[Entry]:
    return [ticket.entry for ticket in tickets if ticket.wake is None and ticket.entry is not None]
