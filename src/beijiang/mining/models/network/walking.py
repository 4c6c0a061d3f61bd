"""The shortest chain between two parties, and communities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beijiang.mining.models.graphs import Relation

if TYPE_CHECKING:
    from collections.abc import Collection

    from beijiang.mining.models.network.arrays import Array, Clockwork, Network

__all__ = ["Chain", "communities", "shortest"]

ROUNDS: Final = 30
STILL: Final = 0.001
"""Part of the nodes below which changes of their community are not followed any further."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A way from one node to another: nodes, and the edge between each two of them."""

    nodes: tuple[int, ...]
    edges: tuple[int, ...]


def shortest(
    network: Network, start: int, end: int, at: int, *, by: Collection[Relation], most: int, clock: Clockwork
) -> Chain | None:
    """Return a shortest chain whatever way relations point, at most so many steps long; of several always the same one."""
    if start == end:
        return Chain((start,), ())
    came = [np.full(network.count, -1, dtype=np.int64) for _ in range(2)]
    seen = [np.zeros(network.count, dtype=bool) for _ in range(2)]
    fronts = [np.array([start]), np.array([end])]
    seen[0][start] = seen[1][end] = True
    for _ in range(most):
        clock.check()
        side = 0 if len(fronts[0]) <= len(fronts[1]) else 1
        if not len(fronts[side]):
            return None
        fronts[side] = _step(network, fronts[side], at, by, seen[side], came[side])
        meeting = fronts[side][seen[1 - side][fronts[side]]]
        if len(meeting):
            return _joined(network, came, (start, end), int(meeting[0]))
    return None


def _step(network: Network, front: Array, at: int, by: Collection[Relation], seen: Array, came: Array) -> Array:
    """Go one step from all nodes of a front; note for each new one by which edge it was reached."""
    into, out = network.arriving(front, at, by), network.leaving(front, at, by)
    edges = np.concatenate((into, out))
    ends = np.concatenate((network.tail[into], network.head[out]))
    fresh = ~seen[ends]
    ends, edges = ends[fresh], edges[fresh]
    nodes, first = np.unique(ends, return_index=True)
    came[nodes] = edges[first]
    seen[nodes] = True
    return nodes


def _joined(network: Network, came: list[Array], ends: tuple[int, int], middle: int) -> Chain:
    halves = []
    for side in (0, 1):
        nodes, edges, here = [middle], [], middle
        while here != ends[side]:
            edge = int(came[side][here])
            here = int(network.tail[edge] + network.head[edge] - here)
            edges.append(edge)
            nodes.append(here)
        halves.append((nodes, edges))
    (left, left_edges), (right, right_edges) = halves
    return Chain((*left[::-1], *right[1:]), (*left_edges[::-1], *right_edges))


def communities(network: Network, at: int, *, seed: int, clock: Clockwork) -> Array:
    """Return the community of each node by label propagation (Raghavan, Albert, Kumara 2007), or -1 for who stands alone.

    Holdings count by their share, a representative fully; addresses and telephones join nothing here. In each round a random
    half of the nodes moves, then the other: equal seeds give equal communities.
    """
    edges = network.in_force(at, (Relation.HOLDING, Relation.REPRESENTATIVE))
    edges = edges[network.tail[edges] != network.head[edges]]
    weight = np.where(network.relation[edges] == 0, network.share[edges], 1.0)
    nodes, places = np.unique(np.concatenate((network.tail[edges], network.head[edges])), return_inverse=True)
    count, half = len(nodes), len(edges)
    source, target = np.concatenate((places[:half], places[half:])), np.concatenate((places[half:], places[:half]))
    weight = np.concatenate((weight, weight))
    rng = np.random.default_rng(seed)
    rank = rng.permutation(count)
    labels = np.arange(count, dtype=np.int64)
    leaf = np.bincount(source, minlength=count) == 1
    inner = ~leaf[source] & ~leaf[target]
    for _ in range(ROUNDS):
        first = rng.random(count) < 0.5  # noqa: PLR2004 - a half
        moved = sum(
            _moved(labels, turn[source] & inner, (source, target, weight), rank, clock) for turn in (first, ~first)
        )
        if moved <= STILL * count:
            break
    pairs = np.flatnonzero(leaf[source] & (~leaf[target] | (source > target)))
    labels[source[pairs]] = labels[target[pairs]]
    result = np.full(network.count, -1, dtype=np.int64)
    result[nodes] = labels
    return _numbered(result)


def _moved(labels: Array, turn: Array, edges: tuple[Array, Array, Array], rank: Array, clock: Clockwork) -> int:
    """Give every node whose turn it is the label that weighs most around it; return how many changed."""
    clock.check()
    source, target, weight = (one[turn] for one in edges)
    if not len(source):
        return 0
    count = len(labels)
    keys, places = np.unique(source * np.int64(count) + labels[target], return_inverse=True)
    weights = np.bincount(places, weights=weight)
    node, label = keys // count, keys % count
    weights += (labels[node] == label) * 1e-9
    order = np.lexsort((rank[label], np.round(weights, 12), node))
    last = np.flatnonzero(np.append(node[order][1:] != node[order][:-1], True))
    chosen = order[last]
    changed = int((labels[node[chosen]] != label[chosen]).sum())
    labels[node[chosen]] = label[chosen]
    return changed


def _numbered(labels: Array) -> Array:
    """Number communities by size, largest first, then by their first node."""
    on = labels >= 0
    names, first, places, sizes = np.unique(labels[on], return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    number = np.empty(len(names), dtype=np.int64)
    number[order] = np.arange(len(names))
    result = np.full(len(labels), -1, dtype=np.int64)
    result[on] = number[places]
    return result
