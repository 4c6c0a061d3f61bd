"""Circles: enterprises that hold each other, directly or around several corners (strongly connected components)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from beijiang.mining.models.network.arrays import Array

__all__ = ["circles", "members"]

ROUNDS: Final = 60
"""Of taking off what cannot lie on a circle; a long chain is left to the library, which needs one pass."""


def circles(count: int, tail: Array, head: Array) -> Array:
    """Return for each node the number of the circle that it lies on, or -1; who holds shares of itself is a circle of one.

    Circles are numbered by size, largest first, then by their first node.
    """
    labels = np.full(count, -1, dtype=np.int32)
    itself = np.unique(tail[tail == head])
    tail, head = _core(count, tail, head)
    found: list[Array] = []
    if len(tail):
        found = _strong(tail, head)
        on = np.zeros(count, dtype=bool)
        for one in found:
            on[one] = True
        itself = itself[~on[itself]]
    found += [np.array([one]) for one in itself]
    found.sort(key=lambda nodes: (-len(nodes), int(nodes[0])))
    for number, nodes in enumerate(found):
        labels[nodes] = number
    return labels


def members(labels: Array) -> list[Array]:
    """Return the nodes of each circle."""
    on = np.flatnonzero(labels >= 0)
    order = on[np.argsort(labels[on], kind="stable")]
    bounds = np.flatnonzero(np.diff(labels[order])) + 1
    return [part for part in np.split(order, bounds) if len(part)]


def _core(count: int, tail: Array, head: Array) -> tuple[Array, Array]:
    """Return the edges between nodes that are both held and holders, again and again until little changes."""
    others = tail != head
    tail, head = tail[others], head[others]
    for _ in range(ROUNDS):
        holds, held = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        holds[tail], held[head] = True, True
        kept = holds[head] & held[tail]
        if kept.all():
            break
        tail, head = tail[kept], head[kept]
    return tail, head


def _strong(tail: Array, head: Array) -> list[Array]:
    import rustworkx

    nodes, places = np.unique(np.concatenate((tail, head)), return_inverse=True)
    pairs = np.unique(places[: len(tail)].astype(np.int64) * len(nodes) + places[len(tail) :])
    graph: rustworkx.PyDiGraph[None, None] = rustworkx.PyDiGraph(multigraph=True)
    graph.add_nodes_from([None] * len(nodes))
    graph.add_edges_from_no_data(list(zip((pairs // len(nodes)).tolist(), (pairs % len(nodes)).tolist(), strict=True)))
    parts = rustworkx.strongly_connected_components(graph)
    return [np.sort(nodes[list(part)]) for part in parts if len(part) > 1]
