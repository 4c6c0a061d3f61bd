"""What the verbs of graphs share: their parts, declarations, and a reader's network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beijiang.access import Permission
from beijiang.kit import NotFound, new_id
from beijiang.mining.errors import draft_unfit, no_graph
from beijiang.mining.models import GraphDraft, RelationGraph
from beijiang.mining.service.graphs.keeping import Kept, Shelf
from beijiang.mining.service.graphs.loading import Loading
from beijiang.mining.store import GraphStore
from beijiang.tables import VALID_TO, Exit

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.mining.models import Summary
    from beijiang.protection import Gate, Governed, Protection
    from beijiang.settings import Settings

__all__ = ["Base", "Opened"]

EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Opened:
    """A graph as one reader may have it now, with the receipts of this access."""

    graph: RelationGraph
    kept: Kept
    at: date
    receipts: tuple[str, ...]

    @property
    def day(self) -> int:
        """Return the day that is asked for, in days since 1970."""
        return self.at.toordinal() - EPOCH


class Base:
    """Declarations, and the way from a declaration to a network."""

    def __init__(
        self,
        db: Database,
        gate: Gate,
        protection: Protection,
        access: Access,
        evidence: Evidence,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self.db = db
        self.gate = gate
        self.access = access
        self.evidence = evidence
        self.clock = clock
        self.settings = settings
        self.protection = protection
        self.shelf = Shelf(settings.graph_memory_mb << 20)

    def graphs(self, actor: Actor) -> Sequence[RelationGraph]:
        """Return the graphs that the actor may use: those of the own organisation, and shared ones whose tables he may see."""
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        with self.db.read() as connection:
            found = GraphStore(connection).all()
        return [one for one in found if self._may_use(actor, one)]

    def graph(self, actor: Actor, graph_id: str) -> RelationGraph:
        """Return one graph.

        Raises:
            NotFound: unknown, or not for the actor, which look the same (``graph_not_found``).

        """
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        with self.db.read() as connection:
            found = GraphStore(connection).get(graph_id)
        if found is None or not self._may_use(actor, found):
            raise no_graph()
        return found

    def try_out(self, actor: Actor, draft: GraphDraft) -> Summary:
        """Return what a graph would be made of for the actor: counts, rows set aside, columns that join nothing; nothing is kept.

        Raises:
            Invalid: it cannot be declared (``graph_unfit``).
            NotFound: a table is unknown or hidden (``table_not_found``).
            Refused: a key is masked for the actor (``graph_key_masked``).

        """
        self.access.require(actor, Permission.MINING_GRAPH_MANAGE, actor.org_id)
        made = self._revised(actor, draft, new_id("graph"), 1)
        governed = self._governed(actor, made)
        kept = self.shelf.aside(lambda: self._load(made, governed))
        for one in governed:
            one.confirm()
        return kept.summary

    def declare(self, actor: Actor, draft: GraphDraft) -> RelationGraph:
        """Declare a graph for the actor's organisation.

        Raises:
            Invalid: it cannot be kept, or a column is not there (``graph_unfit``).
            NotFound: a table is unknown or hidden (``table_not_found``).

        """
        self.access.require(actor, Permission.MINING_GRAPH_MANAGE, actor.org_id)
        return self._put(actor, self._revised(actor, draft, new_id("graph"), 1), "mining.graph_declare")

    def change(self, actor: Actor, graph_id: str, draft: GraphDraft) -> RelationGraph:
        """Declare a graph of the own organisation anew.

        Raises:
            NotFound: unknown, or another organisation's.

        """
        before = self._own(actor, graph_id)
        return self._put(actor, self._revised(actor, draft, before.id, before.revision + 1), "mining.graph_change")

    def remove(self, actor: Actor, graph_id: str) -> None:
        """Take a graph of the own organisation out of use; its revisions stay on record.

        Raises:
            NotFound: unknown, or another organisation's.

        """
        before = self._own(actor, graph_id)
        made = RelationGraph(
            id=before.id,
            revision=before.revision + 1,
            org_id=before.org_id,
            draft=before.draft,
            by=actor.name,
            at=self.clock.now(),
        )
        self._put(actor, made, "mining.graph_remove", retired=True)

    def _own(self, actor: Actor, graph_id: str) -> RelationGraph:
        found = self.graph(actor, graph_id)
        if not self.access.allows(actor, Permission.MINING_GRAPH_MANAGE, found.org_id):
            raise no_graph()
        return found

    def _may_use(self, actor: Actor, graph: RelationGraph) -> bool:
        if not graph.draft.shared and not self.access.allows(actor, Permission.MINING_GRAPH_MANAGE, graph.org_id):
            return False
        tables = (graph.draft.subjects.table, graph.draft.holdings.table)
        return all(self.gate.seen(actor, table, Exit.GRAPH) is not None for table in tables)

    def _revised(self, actor: Actor, draft: GraphDraft, graph_id: str, revision: int) -> RelationGraph:
        draft = draft.checked()
        for table, columns in (
            (draft.subjects.table, draft.subjects.columns),
            (draft.holdings.table, draft.holdings.columns),
        ):
            seen = self.gate.seen(actor, table, Exit.GRAPH)
            if seen is None:
                raise NotFound(
                    f"没有名为“{table[:60]}”的表，或者您无权查看它。",
                    f'There is no table "{table[:60]}", or you may not see it.',
                    code="table_not_found",
                )
            there = {*(one.name for one in seen.columns), *seen.withheld}
            missing = [one for one in columns if one not in there]
            if missing:
                raise draft_unfit(
                    f"表“{table}”没有列“{missing[0][:60]}”。请从该表的列中另选一列。",
                    f'The table {table} has no column "{missing[0][:60]}". Choose another one of that table.',
                )
        return RelationGraph(
            id=graph_id,
            revision=revision,
            org_id=actor.org_id or "",
            draft=draft,
            by=actor.name,
            at=self.clock.now(),
        )

    def _put(self, actor: Actor, made: RelationGraph, what: str, *, retired: bool = False) -> RelationGraph:
        with self.db.begin() as tx:
            GraphStore(tx.connection).add(made, retired=retired)
            tables = [made.draft.subjects.table, made.draft.holdings.table]
            self.evidence.record(
                tx, actor, what, target=made.id, detail={"revision": made.revision, "tables": [*tables]}
            )
        return made

    def _open(self, actor: Actor, graph_id: str, at: date | None) -> Opened:
        """Decide anew on both tables, and return the network of exactly these versions under exactly these obligations."""
        graph = self.graph(actor, graph_id)
        governed = self._governed(actor, graph)
        key = (graph.id, graph.revision, *((one.table, one.version, one.obligations) for one in governed))
        kept, fresh = self.shelf.get(key, lambda: self._load(graph, governed))
        for one in governed:
            one.confirm()
            if not fresh:
                one.take_ahead()
        on = at or self.clock.now().astimezone(ZoneInfo(self.settings.time_zone)).date()
        return Opened(graph, kept, on, tuple(one.receipt for one in governed))

    def _governed(self, actor: Actor, graph: RelationGraph) -> tuple[Governed, ...]:
        """Open both tables: of states those that hold now, but all where the graph itself asks until when each held."""
        purpose, held = f"关系图 {graph.name}", graph.draft.holdings
        tables = (graph.draft.subjects.table, held.table)
        subjects, holdings = (self.gate.open(actor, table, purpose, Exit.GRAPH) for table in tables)
        dated = any(one.name == held.until == VALID_TO and not one.masked for one in holdings.columns)
        return subjects.of_now(), holdings if dated else holdings.of_now()

    def _load(self, graph: RelationGraph, governed: tuple[Governed, ...]) -> Kept:
        secret = self.protection.page_secret()
        loading = Loading(graph, self.settings.graph_memory_mb << 20, self.settings.graph_seconds, secret)
        return loading.load(*governed)
