"""The verbs on one's own notices, and the loop that makes them from the log.

The log is the outbox: every verb of the platform writes its record in the transaction of the change, in one gap-free order. The place
up to which it was looked at moves in the transaction that stores the notices, so none is lost and none is there twice.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import BeijiangError, NotFound, Part, Rounds
from beijiang.notices.models import NoticeKind, NoticeQuery, Shown, Way, actions, limit_on, words_of
from beijiang.notices.service.telling import Audience, Followers, followed_things, looked, things_of, wanted
from beijiang.notices.store import NoticeStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence, EvidenceRecord
    from beijiang.kit import Actor, Clock, Wanted
    from beijiang.notices.models import Look, Notice, Seen

__all__ = ["Notices"]

log = logging.getLogger(__name__)

BATCH: Final = 200
MOST: Final = 100
"""Notices of one page at most."""
_LOOK_SECONDS: Final = 1.0
_BACK: Final = timedelta(days=1)
"""How far the first look of an installation goes back: nobody wants the notices of years."""
_SWEEP: Final = timedelta(days=1)


class Notices:
    """What happened to what a person owns, asked for, follows or must decide."""

    def __init__(
        self,
        db: Database,
        access: Access,
        evidence: Evidence,
        clock: Clock,
        zone: ZoneInfo,
        following: list[Callable[[AbstractSet[str]], Mapping[str, Iterable[str]]]],
    ) -> None:
        self._db = db
        self._access = access
        self._evidence = evidence
        self._clock = clock
        self._zone = zone
        self.looks: Mapping[str, Look] = {}
        """How the things that notices are about are looked up; their domains stand above."""
        self.following = following
        """Who follows each of some data sets, by whichever way they said so."""
        self.heard: list[Callable[[Connection, Sequence[Notice]], None]] = []
        """Called in the transaction that stores new notices: whoever sends them on."""
        self._rounds = Rounds("notices", self._follow, _LOOK_SECONDS)

    # One's own

    def notices(self, actor: Actor, query: NoticeQuery | None = None) -> list[Shown]:
        """Return one's own notices, newest first, each with what its reader may see of it now."""
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        with self._db.read() as connection:
            found = NoticeStore(connection).find(actor.id, query or NoticeQuery())
        return [self._shown(actor, one) for one in found]

    def notice_part(self, actor: Actor, query: NoticeQuery, wanted: Wanted) -> Part[Shown]:
        """Return a part of the notices that ``notices`` lists, narrowed, counted and sorted; a thing of several is looked up once."""
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        with self._db.read() as connection:
            found = NoticeStore(connection).part(actor.id, query, wanted, self._clock.now())
        things: dict[tuple[str, str], Seen | None] = {}
        for one in found.rows:
            if (one.subject, one.thing) not in things:
                things[one.subject, one.thing] = looked(self.looks, actor, one.subject, one.thing)
        rows = [
            Shown(one, words_of(one.action, one.kind, one.subject), things[one.subject, one.thing])
            for one in found.rows
        ]
        return Part(rows, found.found, found.counts)

    def unread(self, actor: Actor) -> dict[NoticeKind, int]:
        """Count one's own unread notices by kind."""
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        with self._db.read() as connection:
            return NoticeStore(connection).unread(actor.id)

    def open(self, actor: Actor, notice_id: str) -> Shown:
        """Mark a notice as read and return it.

        Raises:
            NotFound: there is none, or it is another's; both look the same.

        """
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        with self._db.begin(counted=False) as tx:
            store = NoticeStore(tx.connection)
            store.read(actor.id, self._clock.now(), notice_id=notice_id)
            found = store.get(actor.id, notice_id)
        if found is None:
            raise _no_notice()
        return self._shown(actor, found)

    def peek(self, actor: Actor, notice_id: str) -> Shown:
        """Return one of one's own notices without marking it as read.

        Raises:
            NotFound: there is none, or it is another's; both look the same.

        """
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        with self._db.read() as connection:
            found = NoticeStore(connection).get(actor.id, notice_id)
        if found is None:
            raise _no_notice()
        return self._shown(actor, found)

    def read_all(self, actor: Actor, kind: NoticeKind | None = None) -> int:
        """Mark all one's notices, or those of a kind, as read; return how many were not yet."""
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        with self._db.begin(counted=False) as tx:
            return NoticeStore(tx.connection).read(actor.id, self._clock.now(), kind=kind)

    def choices(self, actor: Actor) -> dict[NoticeKind, Way]:
        """Return how one wants to hear of each kind; on the page where nothing was chosen."""
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        with self._db.read() as connection:
            chosen = NoticeStore(connection).choices([actor.id])
        return {kind: chosen.get((actor.id, kind), Way.PAGE) for kind in NoticeKind}

    def choose(self, actor: Actor, chosen: Mapping[NoticeKind, Way]) -> dict[NoticeKind, Way]:
        """Say how one wants to hear of some kinds from now on."""
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        with self._db.begin(counted=False) as tx:
            NoticeStore(tx.connection).choose(actor.id, chosen)
        return self.choices(actor)

    def _shown(self, actor: Actor, one: Notice) -> Shown:
        return Shown(
            one, words_of(one.action, one.kind, one.subject), looked(self.looks, actor, one.subject, one.thing)
        )

    def _followers(self, records: Sequence[EvidenceRecord]) -> Mapping[str, Followers]:
        """Return who hears of what happened to the data sets that some records are about, asked once for all."""
        things, gone = followed_things(records)
        found: dict[str, set[str]] = {}
        for ask in self.following if things else ():
            for thing, people in ask(things).items():
                found.setdefault(thing, set()).update(people)
        with self._db.read() as connection:
            told = NoticeStore(connection).told_of(gone)
        return {one: Followers(frozenset(found.get(one, ())), frozenset(told.get(one, ()))) for one in things}

    # The loop

    def pulse(self) -> str:
        """Return a word that changes whenever somebody's unread notices may have changed."""
        with self._db.read() as connection:
            return NoticeStore(connection).pulse()

    def start(self) -> None:
        """Begin to follow the log in a thread of its own. Again is a no-op."""
        self._rounds.start()

    def stop(self) -> None:
        """Stop following; the next start goes on from there."""
        self._rounds.stop()

    def _follow(self) -> None:
        try:
            while self.take() and not self._rounds.stopping:
                pass
        except BeijiangError as error:
            log.warning("the log could not be followed (%s); it will be tried again", error.reason)

    def take(self) -> bool:
        """Make notices of what the log says since the last look; tell whether there may be more to look at at once.

        Harmless at any time and from several processes: the first to move the place on stores its notices, the others none.
        """
        with self._db.read() as connection:
            place = NoticeStore(connection).place()
        begin = self._evidence.place_at(self._clock.now() - _BACK) if place is None else place
        records, upto = self._evidence.following(begin, actions(), BATCH)
        if upto == place:
            return False
        made: list[Notice] = []
        done: list[str] = []
        if records:
            audience = Audience(self._access, self._evidence, self.looks, self._followers(records))
            made = [notice for record in records for notice in audience.notices_of(record)]
            with self._db.read() as connection:
                waiting = NoticeStore(connection).tasks_of(things_of(records))
            done = [one.id for one in waiting if audience.is_done(one)]
        with self._db.begin(counted=False) as tx:
            store = NoticeStore(tx.connection)
            if not store.move(place, upto):
                return True
            chosen = store.choices(sorted({one.person_id for one in made}))
            new = store.add(wanted(made, chosen), {record.id: record.sequence for record in records})
            store.settle(done, self._clock.now())
            for hear in self.heard:
                hear(tx.connection, [one for one in new if chosen.get((one.person_id, one.kind)) is Way.MAIL])
        return len(records) == BATCH

    def watch(self) -> None:
        """Remove what is too old. Called by the dispatcher every minute."""
        self.sweep()

    def sweep(self) -> int:
        """Remove notices that are older than the rule in force keeps them, once a day; return how many."""
        now = self._clock.now()
        with self._db.read() as connection:
            last = NoticeStore(connection).swept_at()
        if last is not None and now - last < _SWEEP:
            return 0
        today = now.astimezone(self._zone).date()
        with self._db.begin(counted=False) as tx:
            until = now - timedelta(days=limit_on("kept", today))
            return NoticeStore(tx.connection).sweep(until, limit_on("most", today), now)


def _no_notice() -> NotFound:
    return NotFound(
        "没有这条通知，或者它不是发给您的。", "There is no such notice, or it is not yours.", code="notice_not_found"
    )
