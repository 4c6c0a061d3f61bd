"""What the console joins: the home page of a role, and the navigation that a role gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
from beijiang.kit import HOW_MANY, Wanted
from beijiang.quality import TicketQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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
TASKS_SHOWN = 20
_FIRST: Final = Wanted(limit=5, counted=False)
"""What the home page shows of what waits in each list; the rest is counted on top and stands in the list."""


@dataclass(frozen=True, slots=True)
class Home:
    """What a person sees first: what waits, what went wrong, what changed."""

    today: date
    """The day by which what is due is counted."""
    tasks: Sequence[Task]
    """The most urgent of what is to do in the catalog."""
    runs: Sequence[Run]
    mending: Sequence[TableCount] = ()
    """Tables with rows that wait to be mended or to go in."""
    tickets: Sequence[Ticket] = ()
    """The first tickets whose next step is the person's."""
    requests: Sequence[ShareRequest] = ()
    """The first share requests whose stage the person decides."""
    tiles: Sequence[Tile] = ()
    """The counts on top, each with the list that it counts."""

    @property
    def groups(self) -> Sequence[tuple[TileKind, Sequence[Tile]]]:
        """Return the counts by what they are about."""
        kinds = ((kind, [tile for tile in self.tiles if tile.kind is kind]) for kind in TileKind)
        return [(kind, found) for kind, found in kinds if found]

    @property
    def waits(self) -> bool:
        """Tell whether any of the counts says that something waits for the person."""
        return any(tile.count for tile in self.tiles if tile.kind is TileKind.WAITING)


class Console:
    """Join the domains for the pages of a signed-in person."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def menu(self, actor: Actor) -> tuple[Section, ...]:
        """Return the links to what the actor may do; a link that leads to a refusal is not shown."""
        sections, platform = [], self._platform
        exchange, demands, disputes = platform.exchange, platform.demands, platform.disputes
        counted: dict[str, Callable[[Actor], int]] = {
            SHARING: lambda who: exchange.request_part(who, RequestQuery(mine=True), HOW_MANY).found,
            DEMANDS: lambda who: demands.demand_part(who, DemandQuery(mine=True), HOW_MANY).found,
            RECALLS: platform.recalls.count_waiting,
            DISPUTES: lambda who: disputes.dispute_part(who, DisputeQuery(mine=True), HOW_MANY).found,
            TEMPLATES: platform.templates.count_waiting,
            VOICES: platform.voices.count_waiting,
            NOTICES: lambda who: self.unread(who) or 0,
        }
        for title, entries in MENU:
            links: dict[str, Link] = {}
            for permission, href, words in entries:
                if href == TICKETS and self._tickets_are_for(actor):
                    mine = platform.tickets.ticket_part(actor, TicketQuery(mine=True), HOW_MANY)
                    links[href] = Link(href, words, mine.found)
                elif href in counted and platform.access.allows(actor, permission):
                    links[href] = Link(href, words, counted[href](actor))
                elif platform.access.allows(actor, permission, actor.org_id):
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
            tasks = platform.catalog.tasks_for(actor)[:TASKS_SHOWN]
        if allows(actor, Permission.INGEST_RUN_READ):
            runs = platform.ingest.runs(actor, limit=RUNS_SHOWN)
        mending = [c for c in self.mending(actor) if c.open or c.fixed]
        tickets: Sequence[Ticket] = ()
        if self._tickets_are_for(actor):
            tickets = platform.tickets.ticket_part(actor, TicketQuery(mine=True), _FIRST).rows
        requests: Sequence[ShareRequest] = ()
        if allows(actor, Permission.EXCHANGE_REQUEST_READ):
            requests = platform.exchange.request_part(actor, RequestQuery(mine=True), _FIRST).rows
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
