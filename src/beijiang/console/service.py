"""What the console joins: the home page of a role, and the navigation that a role gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.console.finding import find
from beijiang.console.menu import (
    DEMANDS,
    DISPUTES,
    MENU,
    NOTICES,
    RECALLS,
    SHARING,
    TEMPLATES,
    TICKETS,
    VOICES,
    Link,
    Section,
)
from beijiang.console.tiles import TileKind, tiles
from beijiang.exchange import DemandQuery, DisputeQuery, RequestQuery
from beijiang.kit import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence, Sized
    from datetime import date

    from beijiang.build import Platform
    from beijiang.catalog import Task
    from beijiang.console.finding import Found
    from beijiang.console.tiles import Tile
    from beijiang.exchange import Request as ShareRequest
    from beijiang.ingest import Run, TableCount
    from beijiang.kit import Actor
    from beijiang.quality import Ticket

RUNS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Home:
    """What a person sees first: what waits, what went wrong, what changed."""

    today: date
    """The day by which what is due is counted."""
    tasks: Sequence[Task]
    runs: Sequence[Run]
    mending: Sequence[TableCount] = ()
    """Tables with rows that wait to be mended or to go in."""
    tickets: Sequence[Ticket] = ()
    """Tickets whose next step is the person's."""
    requests: Sequence[ShareRequest] = ()
    """Share requests whose stage the person decides."""
    tiles: Sequence[Tile] = ()
    """The counts on top, each with the list that it counts."""

    @property
    def groups(self) -> Sequence[tuple[TileKind, Sequence[Tile]]]:
        """Return the counts by what they are about."""
        kinds = ((kind, [tile for tile in self.tiles if tile.kind is kind]) for kind in TileKind)
        return [(kind, found) for kind, found in kinds if found]


class Console:
    """Join the domains for the pages of a signed-in person."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def menu(self, actor: Actor) -> tuple[Section, ...]:
        """Return the links to what the actor may do; a link that leads to a refusal is not shown."""
        sections, count, platform = [], Wanted(limit=0), self._platform
        exchange, demands, disputes = platform.exchange, platform.demands, platform.disputes
        counted: dict[str, Callable[[Actor], Sized]] = {
            SHARING: lambda who: range(exchange.request_part(who, RequestQuery(mine=True), count).found),
            DEMANDS: lambda who: range(demands.demand_part(who, DemandQuery(mine=True), count).found),
            RECALLS: self._platform.recalls.waiting,
            DISPUTES: lambda who: range(disputes.dispute_part(who, DisputeQuery(mine=True), count).found),
            TEMPLATES: self._platform.templates.waiting,
            VOICES: self._platform.voices.waiting,
            NOTICES: lambda who: range(self.unread(who) or 0),
        }
        for title, entries in MENU:
            links: dict[str, Link] = {}
            for permission, href, words in entries:
                if href == TICKETS and self._tickets_are_for(actor):
                    links[href] = Link(href, words, len(self._platform.tickets.waiting(actor)))
                elif href in counted and self._platform.access.allows(actor, permission):
                    links[href] = Link(href, words, len(counted[href](actor)))
                elif self._platform.access.allows(actor, permission, actor.org_id):
                    links.setdefault(href, Link(href, words))
            if links:
                sections.append(Section(title, tuple(links.values())))
        return tuple(sections)

    def _tickets_are_for(self, actor: Actor) -> bool:
        """Tell whether a person may see tickets: those of the own department, or what the person doubted."""
        return self._platform.access.allows(actor, Permission.QUALITY_TICKET_READ)

    def bell(self, actor: Actor) -> int:
        """Count the open alerts that the actor may see and nobody looks after yet."""
        if not self._platform.access.allows(actor, Permission.INGEST_RUN_READ, actor.org_id):
            return 0
        return self._platform.alerts.unattended(actor)

    def unread(self, actor: Actor) -> int | None:
        """Count the actor's unread notices; None for somebody who has no notices yet."""
        if not self._platform.access.allows(actor, Permission.NOTICES_OWN_READ):
            return None
        return sum(self._platform.notices.unread(actor).values())

    def home(self, actor: Actor) -> Home:
        """Gather what waits for the actor; what the actor may not see is not asked for, so no refusal is recorded."""
        platform, allows = self._platform, self._platform.access.allows
        tasks: Sequence[Task] = ()
        runs: Sequence[Run] = ()
        if allows(actor, Permission.CATALOG_TASK_READ):
            tasks = platform.catalog.tasks_for(actor)
        if allows(actor, Permission.INGEST_RUN_READ):
            runs = platform.ingest.runs(actor, limit=RUNS_SHOWN)
        mending = [c for c in self.mending(actor) if c.open or c.fixed]
        tickets = platform.tickets.waiting(actor) if self._tickets_are_for(actor) else ()
        requests = platform.exchange.waiting(actor) if allows(actor, Permission.EXCHANGE_REQUEST_READ) else ()
        return Home(
            today=platform.catalog.today(),
            tasks=tasks,
            runs=runs,
            mending=mending,
            tickets=tickets,
            requests=requests,
            tiles=tiles(platform, actor),
        )

    def find(self, actor: Actor, words: str) -> Sequence[Found]:
        """Return what fits the words among all that the actor may see, do and open."""
        return find(self._platform, actor, self.menu(actor), words)

    def mending(self, actor: Actor) -> Sequence[TableCount]:
        """Return how many rows of each table wait to be mended; nothing for those who may not see them."""
        if not self._platform.access.allows(actor, Permission.INGEST_QUARANTINE_READ, actor.org_id):
            return ()
        return self._platform.bench.counts(actor)
