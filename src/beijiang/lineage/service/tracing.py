"""The verbs that look: what lies around a column, what a change of it touches, and how one column comes from another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.ingest import Affected, AffectedKind
from beijiang.kit import SYSTEM, Denied, NotFound, Text
from beijiang.lineage.errors import no_column, no_path, not_yet
from beijiang.lineage.models.graph import (
    DEEPEST,
    HANDED,
    Direction,
    Edge,
    Graph,
    Kind,
    Node,
    Step,
    Touched,
    is_foreign,
    kind_of,
)
from beijiang.lineage.service.picture import Picture, Place
from beijiang.lineage.service.sight import OwnName, Sight
from beijiang.lineage.store import LineageStore

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog import Catalog
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.ingest import Sources
    from beijiang.kit import Actor, Clock
    from beijiang.lineage.models.dependents import Dependent, DependentsOf
    from beijiang.settings import Settings
    from beijiang.tables import Tables

__all__ = ["Tracing"]

_DAYS: Final = 90
"""Days of the log in which a reader counts as a consumer."""
_ALL_THE_WAY: Final = 50
_MOST: Final = 100_000
"""Edges that impact and paths look at."""
_FILES: Final = 5
"""Newest files of a table that a graph shows."""


class Tracing:
    """Walks the edges for a person, who sees the names of what they may know of and no others."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        tables: Tables,
        catalog: Catalog,
        sources: Sources,
        access: Access,
        evidence: Evidence,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self.db = db
        self.tables = tables
        self.catalog = catalog
        self.sources = sources
        self.access = access
        self.evidence = evidence
        self.clock = clock
        self.settings = settings
        self.dependents: DependentsOf = _no_dependents
        """What else depends on columns of a table; those who know stand above."""
        self.own_names: dict[str, OwnName] = {}
        """What the platform's own things are called that are no tables; the parts that know stand above."""

    def graph(
        self,
        actor: Actor,
        table: str,
        column: str = "",
        *,
        direction: Direction = Direction.BOTH,
        depth: int = 3,
        at: datetime | None = None,
        tables_only: bool = False,
    ) -> Graph:
        """Return what lies around a table or one of its columns, ``depth`` steps up and down, as it was at a moment.

        Raises:
            NotFound: no such table or column at that moment, or not this person's to see.

        """
        moment = at or self.clock.now()
        with self.db.read() as connection:
            store = LineageStore(connection)
            picture, sight = self._begin(actor, table, store, moment)
            start = self._start(store, picture, table, column, moment)
            found: dict[Edge, int] = {}
            cut = False
            for up in (True, False):
                if direction is not (Direction.DOWN if up else Direction.UP):
                    walked, more = picture.walk(start, up=up, depth=min(depth, DEEPEST))
                    found |= {edge: -distance if up else distance for edge, distance in walked.items()}
                    cut |= more
            distances = _distances(table, found)
            edges = {edge for edge in found if edge.source != edge.target or edge.source_column != edge.target_column}
            nodes, more_edges = self._around(actor, store, sight, distances, direction, moment)
        columns = _taking_part(edges, {table: [c for _, c in start if c]})
        shown = {
            dataset: _node(dataset, sight, () if tables_only else tuple(columns.get(dataset, ())), distance)
            for dataset, distance in sorted(distances.items(), key=lambda item: (abs(item[1]), item[0]))
        }
        listed = {_shown(edge, shown, tables_only=tables_only) for edge in edges} | set(more_edges)
        return Graph(
            start=shown[table].id,
            column=column,
            at=moment,
            nodes=(*shown.values(), *nodes),
            edges=tuple(sorted(listed)),
            cut=cut,
        )

    def of(self, actor: Actor, table: str, columns: Sequence[str]) -> Sequence[Affected]:
        """Return what a change of some columns touches, for the run or plan that it stops; see ``impact``.

        Nothing is refused here: who may not see lineage is told nothing, and a column that is not there yet touches nobody.
        """
        if not self.access.allows(actor, Permission.LINEAGE_GRAPH_READ):
            return ()
        here = []
        for column in dict.fromkeys(columns):
            try:
                with self.db.read() as connection:
                    store, moment = LineageStore(connection), self.clock.now()
                    picture, _ = self._begin(actor, table, store, moment)
                    self._start(store, picture, table, column, moment)
            except (NotFound, Denied):
                continue
            here.append(column)
        touched = self._impact(actor, table, here) if here else []
        return tuple(dict.fromkeys(Affected(one.kind, one.name, one.how) for one in touched))

    def impact(self, actor: Actor, table: str, column: str) -> list[Touched]:
        """Return what a change of a column touches, however far.

        Tables, catalog entries and who reads them; rules, contracts, recipes, libraries, grants, pushes, applications and
        subscriptions over them. What this person may not know of is counted, not named.
        """
        return self._impact(actor, table, [column])

    def _impact(self, actor: Actor, table: str, changed: Sequence[str]) -> list[Touched]:
        """Return what a change of some columns touches, each thing once."""
        moment = self.clock.now()
        with self.db.read() as connection:
            store = LineageStore(connection)
            picture, sight = self._begin(actor, table, store, moment)
            start = [place for column in changed for place in self._start(store, picture, table, column, moment)]
            found, cut = picture.walk(start, up=False, depth=_ALL_THE_WAY, most=_MOST)
        columns: dict[str, dict[str, int]] = {table: dict.fromkeys(changed, 0)}
        for edge, distance in found.items():
            reached = columns.setdefault(edge.target, {})
            reached[edge.target_column] = min(distance, reached.get(edge.target_column, distance))
        touched: list[Touched] = []
        hidden = things = 0
        for dataset, reached in sorted(columns.items(), key=lambda item: (min(item[1].values()), item[0])):
            if kind_of(dataset) in HANDED:  # told below, by those who know how it stands now
                continue
            if not sight.sees(dataset):
                hidden += 1
                continue
            names = tuple(sorted(name for name in reached if name))
            if dataset != table:
                touched.append(_touched(dataset, sight.called(dataset)[0], names, min(reached.values())))
            if not is_foreign(dataset):
                touched += [*self._offered(actor, dataset, names), *self._read_by(dataset)]
                named, more = self._depending(actor, dataset, names)
                touched += named
                things += more
        if hidden:
            words = Text(f"另有 {hidden} 张您无权查看的表", f"and {hidden} tables that are not yours to see")
            touched.append(Touched(AffectedKind.HIDDEN, str(hidden), words))
        if things:
            words = Text(f"另有 {things} 项您无权查看的使用", f"and {things} uses that are not yours to see")
            touched.append(Touched(AffectedKind.HIDDEN, str(things), words))
        if cut:
            touched.append(
                Touched(AffectedKind.MORE, "", Text("波及过多，只列出一部分", "there is more than is listed"))
            )
        return touched

    def path(self, actor: Actor, source: Place, target: Place) -> list[Step]:
        """Return the steps by which ``target`` was made from ``source``, as few as there can be.

        Raises:
            NotFound: neither was made from the other, or a table or column is unknown or not this person's to see.

        """
        moment = self.clock.now()
        with self.db.read() as connection:
            store = LineageStore(connection)
            picture, sight = self._begin(actor, source[0], store, moment)
            self._seen(actor, target[0], sight)
            for table, column in (source, target):
                self._start(store, picture, table, column, moment)
            found, _ = picture.walk([target], up=True, depth=_ALL_THE_WAY, most=_MOST)
        onward: dict[Place, Edge] = {}
        for edge, _distance in sorted(found.items(), key=lambda item: (item[1], item[0])):
            onward.setdefault((edge.source, edge.source_column), edge)
        steps: list[Step] = []
        here = source
        while here != target and here in onward and len(steps) <= len(onward):
            edge = onward[here]
            steps.append(_step(edge, sight))
            here = (edge.target, edge.target_column)
        if here != target:
            raise no_path()
        return steps

    # Inside

    def _begin(self, actor: Actor, table: str, store: LineageStore, at: datetime) -> tuple[Picture, Sight]:
        self.access.require(actor, Permission.LINEAGE_GRAPH_READ)
        picture = Picture(store, at)
        sight = Sight(actor, self.access, self.tables, picture.orgs, self.own_names)
        self._seen(actor, table, sight)
        return picture, sight

    def _seen(self, actor: Actor, table: str, sight: Sight) -> None:
        """Refuse a table that is unknown or hidden, which look the same."""
        if is_foreign(table) or not sight.sees(table):
            self.tables.get(actor, table)  # says that there is none, whichever it is
            raise no_column(table, "")
        self.access.require(actor, Permission.LINEAGE_GRAPH_READ, sight.org_of(table))

    def _start(self, store: LineageStore, picture: Picture, table: str, column: str, at: datetime) -> list[Place]:
        held = store.holding(table, at)
        names = [name for name, _, _ in held.columns] if held is not None else []
        if held is None and store.newest(table, "") is not None:
            raise not_yet(table)
        if held is None and not picture.known(table):  # written before lineage was kept
            names = [one.name for one in self.tables.get(SYSTEM, table).columns]
        if column and column not in names:
            raise no_column(table, column)
        return [(table, name) for name in ([column] if column else names)] or [(table, "")]

    def _around(
        self,
        actor: Actor,
        store: LineageStore,
        sight: Sight,
        distances: Mapping[str, int],
        direction: Direction,
        at: datetime,
    ) -> tuple[list[Node], list[Edge]]:
        """Return the files and sources that tables were filled from, and the entries that offer them."""
        nodes: dict[str, Node] = {}
        edges: list[Edge] = []
        for dataset, distance in distances.items():
            if is_foreign(dataset) or not sight.sees(dataset):
                continue
            here = f"table:{dataset}"
            ends: list[Node] = []
            if distance <= 0 and direction is not Direction.DOWN:
                ends += self._filled_from(actor, store, dataset, distance - 1, at)
                edges += [Edge(node.id, "", here, "", "carries") for node in ends]
            if distance >= 0 and direction is not Direction.UP:
                entry = self._entry(actor, dataset, distance + 1)
                edges += [Edge(here, "", node.id, "", "offers") for node in entry]
                ends += entry
            nodes |= {node.id: node for node in ends}
        return list(nodes.values()), edges

    def _filled_from(
        self, actor: Actor, store: LineageStore, table: str, distance: int, at: datetime
    ) -> Iterator[Node] | list[Node]:
        files = [
            Node(f"file:{file['sha256']}", Kind.FILE, file["name"], (), distance)
            for file in store.sources_between(table, at, _FILES)
        ]
        syncs = [
            Node(f"source:{sync.id}", Kind.SOURCE, f"{sync.source_name} · {sync.feed}", (), distance, sync.org_id)
            for sync in self.sources.syncs(SYSTEM)
            if sync.table == table
            and sync.created_at <= at
            and self.access.allows(actor, Permission.INGEST_SOURCE_READ, sync.org_id)
        ]
        return [*syncs, *files]

    def _entry(self, actor: Actor, table: str, distance: int) -> list[Node]:
        resource = self.catalog.resource_for_table(table)
        if resource is None or not (
            resource.is_serving or self.access.allows(actor, Permission.CATALOG_RESOURCE_READ, resource.provider_id)
        ):
            return []
        return [Node(f"entry:{resource.id}", Kind.ENTRY, resource.entry.name, (), distance, link=resource.id)]

    def _depending(self, actor: Actor, table: str, columns: tuple[str, ...]) -> tuple[list[Touched], int]:
        """Return what else depends on columns of a table, and how much of that the person may not know of."""
        named: list[Touched] = []
        hidden = 0
        for one in self.dependents(table, columns):
            if any(self.access.allows(actor, one.permission, org) for org in one.org_ids):
                named.append(Touched(one.kind, one.name, one.how))
            else:
                hidden += 1
        return named, hidden

    def _offered(self, actor: Actor, table: str, columns: tuple[str, ...]) -> Iterator[Touched]:
        for node in self._entry(actor, table, 0):
            release = self.catalog.released(table)
            if release is None:
                text = Text("尚未发布", "not published yet")
            else:
                offered = [name for name in columns if name in release.open_items | release.shared_items]
                text = Text(
                    f"已发布，对外提供其中的{'、'.join(offered)}" if offered else "已发布，这些列不对外提供",
                    f"published, and offers {', '.join(offered)}" if offered else "published, without these columns",
                )
            yield Touched(AffectedKind.RESOURCE, node.name, text)

    def _read_by(self, table: str) -> Iterator[Touched]:
        since = self.clock.now() - timedelta(days=_DAYS)
        for org_id, reads in self.evidence.readers(table, since):
            text = Text(
                f"近 {_DAYS} 天读取“{table}” {reads:,} 次", f"read {table} {reads:,} times in the last {_DAYS} days"
            )
            yield Touched(AffectedKind.CONSUMER, self._name(org_id), text)

    def _name(self, org_id: str | None) -> str:
        if org_id is None:
            return "公众 / the public"
        try:
            return self.access.organisation(org_id).name_zh
        except NotFound:
            return org_id


def _no_dependents(_table: str, _columns: Sequence[str]) -> Iterable[Dependent]:
    return ()


def _distances(start: str, found: Mapping[Edge, int]) -> dict[str, int]:
    """Return how far each dataset is from the start: what is made of it counts up, what it was made from down."""
    distances = {start: 0}
    for edge, distance in sorted(found.items(), key=lambda item: (abs(item[1]), item[0])):
        distances.setdefault(edge.source if distance < 0 else edge.target, distance)
    return distances


def _taking_part(edges: Iterable[Edge], start: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the columns of each dataset that an edge touches."""
    found = {dataset: dict.fromkeys(columns) for dataset, columns in start.items()}
    for edge in sorted(edges):
        for dataset, column in ((edge.source, edge.source_column), (edge.target, edge.target_column)):
            if column:
                found.setdefault(dataset, {})[column] = None
    return {dataset: list(columns) for dataset, columns in found.items()}


def _node(dataset: str, sight: Sight, columns: tuple[str, ...], distance: int) -> Node:
    if not sight.sees(dataset):
        return Node(f"hidden:{sight.shown(dataset).removeprefix('hidden-')}", Kind.HIDDEN, "", (), distance)
    kind = kind_of(dataset)
    name, link = sight.called(dataset)
    return Node(f"{kind.value}:{dataset}", kind, name, columns, distance, sight.org_of(dataset), link)


def _shown(edge: Edge, nodes: Mapping[str, Node], *, tables_only: bool) -> Edge:
    source, target = nodes[edge.source], nodes[edge.target]
    if tables_only:
        return Edge(source.id, "", target.id, "", "")
    return Edge(
        source.id,
        "" if source.kind is Kind.HIDDEN else edge.source_column,
        target.id,
        "" if target.kind is Kind.HIDDEN else edge.target_column,
        edge.use,
    )


def _step(edge: Edge, sight: Sight) -> Step:
    source, target = sight.sees(edge.source), sight.sees(edge.target)
    return Step(
        sight.shown(edge.source),
        edge.source_column if source else "",
        edge.use,
        sight.shown(edge.target),
        edge.target_column if target else "",
    )


def _touched(dataset: str, name: str, columns: tuple[str, ...], steps: int) -> Touched:
    listed = "、".join(columns)
    words = Text(
        f"其列{listed}由此列得出" if columns else "由此列得出",
        f"its columns {', '.join(columns)} are made from it" if columns else "made from it",
    )
    return Touched(AffectedKind(kind_of(dataset).value), name, words, steps, columns)
