"""Watch over the links: who is late, which letters need not be kept any more, and what nodes below did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beijiang.access import Permission
from beijiang.evidence import before, clocks, spoken
from beijiang.federation.models import Bearing, Kept, LinkState
from beijiang.federation.models.travels import request_of
from beijiang.federation.service.telling import ENTRY, GONE
from beijiang.federation.service.travelling import BACK, DISPUTE, FILE, SUPPLY, TOLD
from beijiang.federation.store import LetterStore, NodeStore
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, Conflict, NotFound, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from beijiang.db import UnitOfWork
    from beijiang.evidence import Holds
    from beijiang.federation.models import Letter, Link
    from beijiang.federation.service.letters import Letters
    from beijiang.federation.service.parts import NodeParts
    from beijiang.ingest import Alert, Alerts
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["HERE", "LinkWatch", "NodeDeeds"]

HERE: Final = "node.here"
"""A letter that says nothing: whoever is asked nothing for long is asked whether it is there."""
_PIECE: Final = 2000
"""Letters that one transaction clears at most."""
_DAY: Final = timedelta(days=1)
_TROUBLES: Final = frozenset({AlertKind.NODE_FULL, AlertKind.NODE_LATE})
_TOLD: Final = (ENTRY, GONE)
_ASKED: Final = (FILE, SUPPLY, BACK, DISPUTE, TOLD, "parcel.want")
"""Kinds of letters behind which people stand: what nodes write by themselves is nothing done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDeeds:
    """What the people of a linked node below told or asked of this one in some days."""

    node_id: str
    name: str
    region_code: str
    entries: int
    """Letters that told of entries."""
    requests: int
    """Letters about requests."""
    last: datetime | None


class LinkWatch:
    """What the platform looks after by itself on links to other nodes."""

    def __init__(self, parts: NodeParts, letters: Letters, alerts: Alerts, holds: Holds) -> None:
        self._parts = parts
        self._db = parts.db
        self._letters = letters
        self._alerts = alerts
        self._holds = holds
        self._cleared_at: datetime | None = None
        letters.reads(HERE, _nothing)

    def watch(self) -> None:
        """Ask silent nodes whether they are there, say who is late, and once a day clear letters. Called every minute."""
        self._knock()
        self._say_late()
        now = self._parts.clock.now()
        if self._cleared_at is None or now - self._cleared_at >= _DAY:
            self.clear()
            self._cleared_at = now

    def troubles(self, actor: Actor) -> list[Alert]:
        """Return the open alerts about linked nodes: those that are late, and those of which no more entries are taken."""
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        found = [one for (kind, _), one in self._alerts.open().items() if kind in _TROUBLES]
        return sorted(found, key=lambda one: (one.opened_at, one.id))

    def deeds(self, since: datetime, until: datetime) -> Sequence[NodeDeeds]:
        """Return what each linked node below did from a moment on and before another; an ended link counts while it did."""
        with self._db.read() as connection:
            links = [one for one in NodeStore(connection).links() if one.bearing is Bearing.BELOW]
            read = LetterStore(connection).read((*_TOLD, *_ASKED), since, until)
        found = []
        for link in links:
            kinds = read.get(link.node_id, {})
            if link.is_open or kinds:
                found.append(
                    NodeDeeds(
                        node_id=link.node_id,
                        name=link.card.name_zh,
                        region_code=link.card.region_code,
                        entries=sum(kinds[kind][0] for kind in _TOLD if kind in kinds),
                        requests=sum(kinds[kind][0] for kind in _ASKED if kind in kinds),
                        last=max((last for _, last in kinds.values()), default=None),
                    )
                )
        return found

    # Who is late

    def _knock(self) -> None:
        """Write to every linked node of which nothing was heard for half the time, unless a letter to it waits."""
        quiet_since = self._parts.clock.now() - self._patience / 2
        with self._db.read() as connection:
            waiting = LetterStore(connection).waiting()
            links = NodeStore(connection).links()
        for link in links:
            if link.state is LinkState.LINKED and link.spoke_at <= quiet_since and link.node_id not in waiting:
                try:
                    with self._db.begin() as tx:
                        self._letters.send(tx, link.node_id, HERE, {})
                except (NotFound, Conflict):
                    continue  # the link ended this moment

    def _say_late(self) -> None:
        """Open an alert for each node that is late, once, and close those of nodes that are not any more."""
        with self._db.read() as connection:
            late = self._late(connection)
        for kind, node_id in self._alerts.open():
            if kind is AlertKind.NODE_LATE and node_id not in late:
                self._alerts.clear(kind, node_id)
        for node_id, words in late.items():
            self._alerts.say(AlertKind.NODE_LATE, node_id, "", words)

    def _late(self, connection: Connection) -> dict[str, Text]:
        """Return each node to which letters wait for too long, or that is silent for too long, with what is to be said.

        Silence counts when a letter went unanswered meanwhile: a node that nobody wrote to has not failed to answer, nor has one
        to which this platform, away itself, could not write.
        """
        now, waiting = self._parts.clock.now(), LetterStore(connection).waiting()
        found = {}
        for link in NodeStore(connection).links():
            count, oldest = waiting.get(link.node_id, (0, now))
            if link.state is not LinkState.LINKED or not count:
                continue
            waits = now - max(oldest, link.since)
            silent = now - link.spoke_at
            if waits > self._patience or (silent > self._patience and waits >= self._patience / 2):
                found[link.node_id] = self._words(link, count, oldest)
        return found

    @property
    def _patience(self) -> timedelta:
        return timedelta(hours=self._parts.settings.linkage_late_hours)

    def _words(self, link: Link, count: int, oldest: datetime) -> Text:
        zone = ZoneInfo(self._parts.settings.time_zone)
        heard, written = (f"{one.astimezone(zone):%Y-%m-%d %H:%M}" for one in (link.spoke_at, oldest))
        why = link.trouble or Text("对方尚未答复", "it has not answered")
        return Text(
            f"{link.card.name_zh}（{link.node_id}）：{count} 封信件待送达，最早写于 {written}；最近一次有音讯是 {heard}。{why.zh[:200]}",
            f"{link.card.name_en} ({link.node_id}): {count} letters wait, the oldest since {written}; it was last heard of {heard}. {why.en[:200]}",
        )

    # How long letters are kept

    def kept(self, actor: Actor) -> list[Kept]:
        """Return how long letters are kept, by which law, and how many are past it: what the next daily round clears."""
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        with self._db.read() as connection:
            store = LetterStore(connection)
            return [replace(one, due=store.old(one)) for one in self._clocks(connection)]

    def clear(self) -> int:
        """Clear the settled letters whose time to be kept is over; return how many. Those that wait, or that a hold names, stay."""
        now = self._parts.clock.now()
        with self._db.read() as connection:
            found = self._clocks(connection)
        return sum(self._clear(one, now) for one in found)

    def _clear(self, kept: Kept, now: datetime) -> int:
        cleared = 0
        while True:
            with self._db.begin() as tx:
                count = LetterStore(tx.connection).clear(kept, now, _PIECE)
                if not count:
                    return cleared
                detail: dict[str, JsonValue] = {
                    "letters": kept.text.zh,
                    "count": count,
                    "until": kept.until.isoformat(),
                    "basis": kept.basis,
                }
                self._parts.evidence.record(tx, SYSTEM, "federation.letters_clear", target=kept.rule, detail=detail)
            cleared += count

    def _clocks(self, connection: Connection) -> list[Kept]:
        """Return the clocks of letters by the law in force; where a rule was taken away nothing is cleared by it."""
        held = self._holds.held()
        nodes = held.targets | {one.removeprefix("node:") for one in held.people if one.startswith("node:")}
        subjects = {f"{what}:{one}" for what in ("request", "parcel") for one in held.targets}
        if held.targets:  # a request has another id at the node that decides it
            for node_id, subject in LetterStore(connection).subjects("request:"):
                if request_of(node_id, subject.removeprefix("request:")) in held.targets:
                    subjects.add(subject)
        found: list[Kept] = []
        others: tuple[str, ...] = ()
        for clock in clocks("federation"):
            try:
                rule = self._parts.standards.rule(clock.rule)
            except NotFound:
                others += clock.actions
                continue
            found.append(
                Kept(
                    text=clock.text,
                    rule=clock.rule,
                    limit=spoken(rule),
                    basis=rule.basis,
                    until=before(self._parts.clock.now(), rule),
                    kinds=clock.actions,
                    others=others,
                    held=held.targets,
                    held_nodes=nodes,
                    held_subjects=frozenset(subjects),
                )
            )
            others += clock.actions
        return found


def _nothing(_: UnitOfWork, __: Letter) -> None:
    """Read a letter that says nothing: that it came is noted already."""
