"""Who is the same without a key in common: by persons' decisions, and by a model where the library has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine.linking import Weights
from beijiang.fusion.models import Library, Link, PairState, Verdict, naming, trees
from beijiang.fusion.models.clustering import Edge, Joined, joined
from beijiang.fusion.models.deciding import Pair
from beijiang.fusion.models.matchers import link_plan
from beijiang.fusion.models.starting import MATCHING
from beijiang.fusion.service.keeping import PAIRS_FILE, Kept, keep
from beijiang.fusion.service.sourcing import Sourcing
from beijiang.fusion.store import DecisionStore, LibraryStore
from beijiang.kit import new_id

if TYPE_CHECKING:
    from pathlib import Path

    from beijiang.engine.linking import Linked
    from beijiang.kit import Actor
    from beijiang.tables import Derived

__all__ = ["Matched", "Matching", "Shop", "put"]

PAIRS_MOST: Final = 20_000
"""Pairs that wait at most; the surest are kept."""
NEW_MOST: Final = 0.2
"""Share of new and changed records above which everything is compared and learned anew."""


@dataclass(slots=True)
class Shop:
    """One run at work: what it reads and what it has written so far."""

    library: Library
    actor: Actor
    folder: Path
    secret: str
    links: Sequence[tuple[Link, Sequence[str], bool]]
    versions: Mapping[str, int]
    alone: Sequence[str]
    """Records that a person took out of what their key would put together."""
    staged: dict[str, Path] = field(default_factory=dict)


@dataclass(slots=True)
class Matched:
    """Who was held to be the same without a key in common, and who waits for a person."""

    joined: Joined
    waiting: list[Pair]
    report: dict[str, Any]


class Matching(Sourcing):
    """Finds the pairs."""

    def _write(self, shop: Shop, name: str, tree: Any, tables: Mapping[str, int] | None = None) -> Derived:
        """Write what a tree comes to into the run's folder, where later trees find it under its name."""
        target = shop.folder / f"{len(shop.staged):02}.parquet"
        made = self.tables.derive(
            shop.actor,
            tree,
            tables or {},
            target,
            staged=dict(shop.staged),
            lent=[*shop.versions, shop.library.crosswalk],
        )
        shop.staged[name] = made.file
        return made

    def _match(self, shop: Shop, go_on: Callable[[str], None]) -> Matched:
        """Join what is the same: by persons' decisions, and by a model where the library has one.

        ``go_on`` is asked before each step of a link; what it raises ends the run.
        """
        library = shop.library
        with self.db.read() as connection:
            held = DecisionStore(connection).decisions(library.id, holding=True)
        names = sorted({name for one in held for name in (one.left, one.right)})
        nodes: dict[str, str] = {}
        keyed: dict[str, bool] = {}
        if names:
            for row in self._rows(self._write(shop, "decided", naming.nodes_of(names))):
                nodes[row["record"]], keyed[row["node"]] = row["node"], bool(row["keyed"])
        linked = self._linked(shop, go_on) if library.matching else None
        found: list[Edge] = []
        if linked is not None:
            for row in self._rows(self._write(shop, "edges", naming.edges(library.grey))):
                pair, sources = (row["left_record"], row["right_record"]), (row["left_source"], row["right_source"])
                found.append(Edge(row["a"], row["b"], row["probability"], *pair, sources))
                keyed[row["a"]], keyed[row["b"]] = bool(row["a_keyed"]), bool(row["b_keyed"])
        there = [
            (one.verdict, nodes[one.left], nodes[one.right]) for one in held if {one.left, one.right} <= set(nodes)
        ]
        came = joined(
            found,
            library.certain,
            same=[(a, b) for verdict, a, b in there if verdict is Verdict.SAME],
            different=[(a, b) for verdict, a, b in there if verdict is Verdict.DIFFERENT],
            keyed=keyed,
        )
        decided = {frozenset((one.left, one.right)) for one in held}
        waiting = self._waiting(library, linked, found, came, decided) if linked is not None else []
        report = {} if linked is None else _matching_report(linked)
        report["joined"] = sum(1 for e in found if e.probability >= library.certain) - len(came.refused)
        return Matched(came, waiting, report)

    def _linked(self, shop: Shop, go_on: Callable[[str], None]) -> Linked:
        """Return all pairs of records that are alike; those of records that have not changed are kept from run to run."""
        start = MATCHING[shop.library.matching]
        plan = link_plan(start.model(), self.places)
        file = self._write(shop, trees.LINKABLE, naming.linkable(shop.library, start.elements)).file
        marks = self._write(shop, "marks", naming.marks(start.elements, shop.secret)).file
        kept = Kept.of(self.settings.home / "fusion" / shop.library.id, marks)
        with self.db.read() as connection:
            last = LibraryStore(connection).last_written(shop.library.id)
        again = last is None or last.revision != shop.library.revision or "weights" not in last.matching
        if kept is None or again or last is None or kept.new_share > NEW_MOST:
            linked = self.linker.link([file], plan, step=go_on)
        else:
            weights = Weights.of_dict(last.matching["weights"])
            linked = kept.completed(self.linker.link([file], plan, new=kept.new, weights=weights, step=go_on))
        target = shop.folder / PAIRS_FILE
        put(linked.pairs, target)
        shop.staged[trees.PAIRS] = target
        return linked

    def _keep(self, shop: Shop) -> None:
        """Keep the pairs of a run that has come to its end for the next one."""
        if trees.PAIRS in shop.staged:
            keep(self.settings.home / "fusion" / shop.library.id, shop.staged[trees.PAIRS], shop.staged["marks"])

    def _waiting(
        self, library: Library, linked: Linked, found: Sequence[Edge], came: Joined, decided: set[frozenset[str]]
    ) -> list[Pair]:
        """Return the pairs that a person should look at, the surest first, with how alike their fields are."""
        against = {(edge.left, edge.right) for edge in came.refused}
        unsure = [
            edge
            for edge in sorted(found, key=lambda e: (-e.probability, e.left, e.right))
            if (edge.probability < library.certain or (edge.left, edge.right) in against)
            and frozenset((edge.left, edge.right)) not in decided
            and came.roots.get(edge.a, edge.a) != came.roots.get(edge.b, edge.b)
        ][:PAIRS_MOST]
        levels = _levels(linked, {(edge.left, edge.right) for edge in unsure})
        now = self.clock.now()
        return [
            Pair(
                id=new_id("pair"),
                library_id=library.id,
                left=edge.left,
                right=edge.right,
                left_source=edge.sources[0],
                right_source=edge.sources[1],
                probability=edge.probability,
                levels=levels.get((edge.left, edge.right), {}),
                against=(edge.left, edge.right) in against,
                state=PairState.WAITING,
                found_at=now,
            )
            for edge in unsure
        ]

    @staticmethod
    def _rows(made: Derived) -> list[dict[str, Any]]:
        """Return names of records, nodes and counts that a run has written; never values of a source."""
        import pyarrow.parquet as pq

        return pq.read_table(made.file).to_pylist()  # type: ignore[no-any-return]


def put(table: Any, target: Path) -> None:
    """Write what has no value of a source in it."""
    import pyarrow.parquet as pq

    pq.write_table(table, target, compression="zstd")


def _matching_report(linked: Linked) -> dict[str, Any]:
    return {
        "compared": linked.compared,
        "trained": linked.trained,
        "weights": linked.weights.as_dict(),
        "blocks": [
            {"name": b.name, "pairs": b.pairs, "added": b.added, "largest": b.largest, "skipped": b.skipped}
            for b in linked.blocks
        ],
        "seconds": {name: round(value, 3) for name, value in linked.seconds.items()},
    }


def _levels(linked: Linked, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], dict[str, int]]:
    """Return how alike the fields of some pairs are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not wanted:
        return {}
    names = [one.field for one in linked.weights.fields]
    near = linked.pairs.filter(pc.is_in(linked.pairs.column("left"), pa.array(list({left for left, _ in wanted}))))
    return {
        (row["left"], row["right"]): {name: int(row[name]) for name in names}
        for row in near.to_pylist()
        if (row["left"], row["right"]) in wanted
    }
