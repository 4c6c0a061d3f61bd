"""The governor of one machine: who may ask now, whose turn it is, who has had enough (security.md 3.3 and 10.1).

A query is admitted before its text is read, waits for one of few places, and leaves. Nobody has more than his share of
places and of the queue; classes get turns by their weights, and inside a class whoever has least running goes first.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.engine import Stop
from beijiang.engine.failures import failure
from beijiang.kit import ActorKind, Conflict, Throttled, Unavailable, new_id
from beijiang.protection.models.governing import QueryClass, QueryOrder, QueryState, Queued, places

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.kit import Actor, Clock
    from beijiang.settings import Settings

__all__ = ["Governor", "Ticket"]

FAILURES: Final = 20
HOUR: Final = 3600.0
WAITING_EACH: Final = 8
"""Queries that one person may have waiting behind those that run."""
USUAL: Final = 2.0
"""Seconds that a query is taken to last before any has been seen."""


class Ticket:
    """One admitted query."""

    def __init__(self, governor: Governor, actor: Actor, order: QueryOrder, at: datetime, number: int) -> None:
        self._governor = governor
        self.id = order.id or new_id("query")
        self.actor = actor
        self.whose = order.whose or actor.id
        self.door = order.door
        self.waits = order.waits
        self.at = at
        self.number = number
        self.stop = Stop()
        self.state = QueryState.CHECKING
        self.since = time.monotonic()
        self.called = threading.Event()
        self.took = 0.0
        """Seconds in which it held a place before it last rested."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place and hold it.

        Raises:
            Unavailable: the wait took too long (``query_busy``).
            Conflict: the query was stopped while it waited (``query_cancelled``).

        """
        if self.waits is not None:
            self.waits()
        self._governor.wait(self)
        try:
            yield
        finally:
            self._governor.leave(self)

    @contextmanager
    def rest(self) -> Iterator[None]:
        """Give the place to others while the reader is busy with a part of the answer, and wait for one anew after it.

        Raises:
            Unavailable, Conflict: as ``turn`` does.

        """
        self._governor.rest(self)
        yield
        self._governor.wait(self)

    def note_failure(self) -> None:
        """Remember that the query failed on its rows: whether it fails is an answer of one bit."""
        self._governor.note_failure(self)

    def move(self, state: QueryState) -> None:
        """Enter a state."""
        self.state, self.since = state, time.monotonic()


class Governor:
    """Admit queries and call them to their places."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.places = places(settings)
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._tickets: dict[str, Ticket] = {}
        self._waiting: list[Ticket] = []
        self._running: defaultdict[str, int] = defaultdict(int)
        self._passed: defaultdict[QueryClass, float] = defaultdict(float)
        self._failed: defaultdict[str, deque[float]] = defaultdict(deque)
        self._used: defaultdict[str, deque[tuple[float, float]]] = defaultdict(deque)
        self._lasting = USUAL

    @contextmanager
    def admit(self, actor: Actor, order: QueryOrder) -> Iterator[Ticket]:
        """Count a query from now until it has been answered.

        Raises:
            Throttled: too many of the person's or of all queries are open, too many failed within the hour
                (``sql_failures``), or the person's hour is used up (``sql_quota``).
            Conflict: a query of this id is open (``query_id_taken``).

        """
        if order.account:
            actor = replace(actor, id=f"{actor.id} {order.account}")
        with self._lock:
            self._check(actor, order.whose or actor.id)
            ticket = Ticket(self, actor, order, self._clock.now(), next(self._numbers))
            if ticket.id in self._tickets:
                raise Conflict("这个查询编号正在使用。", "This id of a query is in use.", code="query_id_taken")
            self._tickets[ticket.id] = ticket
        try:
            yield ticket
        finally:
            with self._lock:
                del self._tickets[ticket.id]

    def open(self) -> Sequence[Queued]:
        """Return the queries that have not ended, oldest first."""
        with self._lock:
            tickets = sorted(self._tickets.values(), key=lambda one: one.number)
        now = time.monotonic()
        return [
            Queued(
                id=one.id,
                person_id=one.actor.id,
                person=one.actor.name,
                org_id=one.actor.org_id,
                door=one.door,
                state=one.state,
                since=one.at,
                seconds=now - one.since,
            )
            for one in tickets
        ]

    def stop(self, query_id: str) -> bool:
        """End a query, whether it waits or runs; False if there is none."""
        with self._lock:
            ticket = self._tickets.get(query_id)
        if ticket is None:
            return False
        ticket.stop.ask()
        return True

    def wait(self, ticket: Ticket) -> None:
        """Return when the ticket has a place; see ``Ticket.turn``."""
        patience = self._settings.query_wait_seconds
        with self._lock:
            ticket.move(QueryState.WAITING)
            if all(one.door is not ticket.door for one in self._waiting):  # a class that was away gets no arrears
                others = [self._passed[one.door] for one in self._waiting]
                self._passed[ticket.door] = max(self._passed[ticket.door], min(others, default=0.0))
            self._waiting.append(ticket)
            self._call()
        with ticket.stop.over(ticket.called.set):
            ticket.called.wait(patience)
        with self._lock:
            if ticket.state is QueryState.RUNNING and not ticket.stop.asked:
                return
            if ticket.state is QueryState.RUNNING:
                self._free(ticket)
            else:
                self._waiting.remove(ticket)
            again = self._again()
        if ticket.stop.asked:
            raise failure("query_cancelled")
        raise Unavailable(
            f"等待运行超过 {patience:g} 秒，当前查询较多，请约 {again} 秒后再试。",
            f"It waited over {patience:g} seconds for its turn; many queries run now. Try again in about {again} seconds.",
            code="query_busy",
            detail={"retry_after": again},
        )

    def rest(self, ticket: Ticket) -> None:
        """Give a place back for a while; what it was held for is counted when the query leaves."""
        with self._lock:
            ticket.took += time.monotonic() - ticket.since
            ticket.called.clear()
            self._free(ticket)
            ticket.move(QueryState.READING)

    def leave(self, ticket: Ticket) -> None:
        """Give a place back, unless it rests, and call whoever is next."""
        with self._lock:
            if ticket.state is QueryState.RUNNING:
                ticket.took += time.monotonic() - ticket.since
                self._free(ticket)
            self._lasting += 0.2 * (ticket.took - self._lasting)
            self._used[ticket.whose].append((time.monotonic(), ticket.took))

    def note_failure(self, ticket: Ticket) -> None:
        """Remember a query that failed inside the engine."""
        with self._lock:
            self._failed[ticket.whose].append(time.monotonic())

    def _free(self, ticket: Ticket) -> None:
        ticket.move(QueryState.CHECKING)
        self._running[ticket.whose] -= 1
        if not self._running[ticket.whose]:
            del self._running[ticket.whose]
        self._call()

    def _call(self) -> None:
        while sum(self._running.values()) < self.places:
            ticket = self._next()
            if ticket is None:
                return
            self._waiting.remove(ticket)
            self._passed[ticket.door] += 1 / ticket.door.weight
            self._running[ticket.whose] += 1
            ticket.move(QueryState.RUNNING)
            ticket.called.set()

    def _next(self) -> Ticket | None:
        most = self._settings.query_person_at_once
        able = [one for one in self._waiting if self._running.get(one.whose, 0) < most]
        return min(
            able,
            key=lambda one: (self._passed[one.door], -one.door.weight, self._running.get(one.whose, 0), one.number),
            default=None,
        )

    def _check(self, actor: Actor, whose: str) -> None:
        now = time.monotonic()
        failed, used = self._failed[whose], self._used[whose]
        while failed and failed[0] < now - HOUR:
            failed.popleft()
        while used and used[0][0] < now - HOUR:
            used.popleft()
        if len(failed) >= FAILURES:
            raise Throttled(
                "一小时内失败的查询太多，请稍后再试。",
                "Too many queries failed within the hour; try again later.",
                code="sql_failures",
                detail={"retry_after": int(failed[0] + HOUR - now) + 1},
            )
        quota = self._settings.query_person_seconds
        if quota and actor.kind is not ActorKind.SYSTEM and sum(took for _, took in used) >= quota:
            raise Throttled(
                f"您一小时内的查询用时已达 {quota:g} 秒的限额，请稍后再试。",
                f"Your queries have run for the {quota:g} seconds that an hour allows; try again later.",
                code="sql_quota",
                detail={"retry_after": int(used[0][0] + HOUR - now) + 1},
            )
        open_ = [one for one in self._tickets.values() if one.state is not QueryState.READING]
        mine = sum(1 for one in open_ if one.whose == whose)
        if mine >= self._settings.query_person_at_once + WAITING_EACH:
            raise Throttled(
                "您未完成的查询太多，请等前面的查询完成。",
                "Too many of your queries are open; wait for the others to end.",
                code="sql_concurrency",
                detail={"retry_after": self._again()},
            )
        if len(open_) >= self.places + self._settings.query_queue:
            raise Throttled(
                f"排队的查询已满，请约 {self._again()} 秒后再试。",
                f"The queue of queries is full; try again in about {self._again()} seconds.",
                code="query_queue_full",
                detail={"retry_after": self._again()},
            )

    def _again(self) -> int:
        """Return in how many seconds a query that came now would get its turn, as queries have lasted lately."""
        return 1 + int(self._lasting * (len(self._waiting) + 1) / self.places)
