"""Nodes and edges as columns, with an index for each direction."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from beijiang.mining.errors.graphs import graph_too_long
from beijiang.mining.models.graphs import NodeKind, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["ALWAYS", "KINDS", "NEVER", "RELATIONS", "Array", "Clockwork", "Edges", "Network", "spread"]

Array: TypeAlias = "NDArray[Any]"
RELATIONS: Final = tuple(Relation)
KINDS: Final = tuple(NodeKind)
ALWAYS: Final = np.iinfo(np.int32).min
"""The first day of what has no first day, in days since 1970."""
NEVER: Final = np.iinfo(np.int32).max


class Clockwork:
    """Stops work that takes too long."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Return if there is time left.

        Raises:
            Unavailable: there is none (``graph_too_long``).

        """
        if time.monotonic() > self._end:
            raise graph_too_long(self._seconds)


@dataclass(frozen=True, slots=True)
class Edges:
    """Relations as columns: who, whom, by what, how much, from which day, until before which day."""

    tail: Array
    head: Array
    relation: Array
    share: Array
    since: Array
    until: Array


class Network:
    """A graph in memory; edges are ordered by whom they lead to, and an index orders them by whom they come from."""

    def __init__(self, names: pa.Array, keys: pa.Array, kinds: Array, edges: Edges) -> None:
        self.names, self.keys, self.kinds = names, keys, kinds
        order = np.lexsort((edges.tail, edges.head))
        self.tail = edges.tail[order].astype(np.int32, copy=False)
        self.head = edges.head[order].astype(np.int32, copy=False)
        self.relation = edges.relation[order].astype(np.uint8, copy=False)
        self.share = edges.share[order]
        self.since = edges.since[order].astype(np.int32, copy=False)
        self.until = edges.until[order].astype(np.int32, copy=False)
        self.count = len(kinds)
        self._in = _starts(self.head, self.count)
        self._leaving = np.argsort(self.tail, kind="stable").astype(np.int32)
        self._out = _starts(self.tail, self.count)

    @property
    def size(self) -> int:
        """Return how many bytes it takes."""
        columns = (self.kinds, self.tail, self.head, self.relation, self.share, self.since, self.until)
        arrays: tuple[Array, ...] = (*columns, self._in, self._leaving, self._out)
        return sum(one.nbytes for one in arrays) + int(self.names.nbytes) + int(self.keys.nbytes)

    def arriving(self, nodes: Array, at: int, relations: Iterable[Relation] = (Relation.HOLDING,)) -> Array:
        """Return the places of the edges that lead to some nodes on a day."""
        return self._kept(spread(self._in, nodes), at, relations)

    def leaving(self, nodes: Array, at: int, relations: Iterable[Relation] = (Relation.HOLDING,)) -> Array:
        """Return the places of the edges that come from some nodes on a day."""
        return self._kept(self._leaving[spread(self._out, nodes)], at, relations)

    def in_force(self, at: int, relations: Iterable[Relation] = (Relation.HOLDING,)) -> Array:
        """Return the places of all edges of a day."""
        return np.flatnonzero(self._holds(slice(None), at, relations))

    def _kept(self, edges: Array, at: int, relations: Iterable[Relation]) -> Array:
        kept: Array = edges[self._holds(edges, at, relations)]
        return kept

    def _holds(self, edges: Any, at: int, relations: Iterable[Relation]) -> Array:
        wanted = np.zeros(len(RELATIONS), dtype=bool)
        wanted[[RELATIONS.index(one) for one in relations]] = True
        found: Array = wanted[self.relation[edges]] & (self.since[edges] <= at) & (at < self.until[edges])
        return found


def _starts(ends: Array, count: int) -> Array:
    starts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(ends, minlength=count), out=starts[1:])
    return starts


def spread(starts: Array, nodes: Array) -> Array:
    """Return the places between the starts of some nodes and the next ones, without a loop."""
    first = starts[nodes]
    many = starts[np.asarray(nodes) + 1] - first
    total = int(many.sum())
    if not total:
        return np.zeros(0, dtype=np.int64)
    shift = np.repeat(first - np.concatenate(([0], np.cumsum(many)[:-1])), many)
    places: Array = np.arange(total, dtype=np.int64) + shift
    return places
