"""The edges that held at a moment, and walks along them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from beijiang.lineage.models.graph import Edge, is_foreign
from beijiang.lineage.store import LineageStore

__all__ = ["Picture", "Place"]

Place = tuple[str, str]
"""A dataset and a column of it; the column is empty where only the datasets are known."""

MOST_EDGES: Final = 4000
"""Edges that one answer holds; beyond them it says that it was cut."""


class Picture:
    """The lineage of the whole lake as it was at a moment, read as far as it is walked."""

    def __init__(self, store: LineageStore, at: datetime) -> None:
        self._store = store
        held = store.as_of(at)
        self._valid = {set_id for set_id, _ in held.values()}
        self._sets: dict[str, list[str]] = {}
        self.orgs: dict[str, str] = {}
        self._own = {target for target, declarer in held if not declarer}
        self._org_of_set = dict(held.values())
        for (target, declarer), (set_id, org) in held.items():
            self._sets.setdefault(target, []).append(set_id)
            if not declarer or target not in self._own:
                self.orgs[target] = org

    def known(self, dataset: str) -> bool:
        """Tell whether something of a dataset was written or declared by then."""
        return dataset in self._sets

    def walk(
        self, start: Iterable[Place], *, up: bool, depth: int, most: int = MOST_EDGES
    ) -> tuple[dict[Edge, int], bool]:
        """Return the edges met from some places on, each with its distance, and whether there were too many."""
        found: dict[Edge, int] = {}
        seen = set(start)
        frontier = set(seen)
        for distance in range(1, depth + 1):
            edges = self._step(frontier, up=up)
            for edge in edges:
                if len(found) >= most:
                    return found, True
                found.setdefault(edge, distance)
            frontier = {(e.source, e.source_column) if up else (e.target, e.target_column) for e in edges} - seen
            seen |= frontier
            if not frontier:
                break
        return found, False

    def _step(self, frontier: set[Place], *, up: bool) -> list[Edge]:
        datasets = {dataset for dataset, _ in frontier}
        if up:
            wanted = [set_id for dataset in datasets for set_id in self._sets.get(dataset, ())]
            listed = [(s, e) for s, e in self._store.edges_of(wanted) if _meets(frontier, e.target, e.target_column)]
        else:
            listed = [
                (s, e)
                for s, e in self._store.edges_from(datasets)
                if s in self._valid and _meets(frontier, e.source, e.source_column)
            ]
        for set_id, edge in listed:
            for dataset in (edge.source, edge.target):
                if is_foreign(dataset):
                    self.orgs.setdefault(dataset, self._org_of_set[set_id])
        return sorted({edge for _, edge in listed})


def _meets(frontier: set[Place], dataset: str, column: str) -> bool:
    """Tell whether an edge begins or ends at one of the places; one without columns concerns them all."""
    return (
        (dataset, column) in frontier
        or (dataset, "") in frontier
        or (not column and any(d == dataset for d, _ in frontier))
    )
