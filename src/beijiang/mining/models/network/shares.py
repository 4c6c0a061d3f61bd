"""Effective shares: products along each path, summed over all paths, with cross-holdings solved as linear equations.

For a holder *h* and an enterprise *f* it is what *h* has of *f* along all walks that begin at *h* and never come back to it.
Without circles that is the plain sum over paths. With circles, *X* being the sum of all powers of the matrix of direct
shares, it is *X(h, f) / (1 + X(h, h))*: an owner does not own itself into more than there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beijiang.mining.models.network.arrays import spread
from beijiang.mining.models.network.circles import circles, members

if TYPE_CHECKING:
    from beijiang.mining.models.network.arrays import Array, Clockwork, Network

__all__ = ["Region", "Shares", "region", "shares"]

DENSE: Final = 300
"""Nodes of a circle that is solved exactly; larger ones are approached step by step."""
STEPS: Final = 20_000
NEAR: Final = 1e-13
TINY: Final = -1e-9


@dataclass(frozen=True, slots=True)
class Region:
    """What can be reached from one node along holdings of a day, with places of its own; the node is place 0."""

    nodes: Array
    distance: Array
    edges: Array
    """Places in the network."""
    tail: Array
    head: Array
    share: Array
    up: bool
    cut: bool


@dataclass(frozen=True, slots=True)
class Shares:
    """Effective shares by place of a region; not a number where the equations have no answer."""

    values: Array
    circle: Array
    """The number of the circle of each place, or -1."""
    itself: float
    """What the node holds of itself along circles."""
    settled: bool
    exact: bool


def region(network: Network, start: int, at: int, *, up: bool, most: int, clock: Clockwork) -> Region:
    """Return what lies above or below a node, nearest first, at most so many nodes."""
    place = np.full(network.count, -1, dtype=np.int32)
    place[start] = 0
    layers, found, cut, frontier = [np.array([start])], 1, False, np.array([start])
    edges: list[Array] = []
    while len(frontier):
        clock.check()
        here = network.arriving(frontier, at) if up else network.leaving(frontier, at)
        edges.append(here)
        ends = network.tail[here] if up else network.head[here]
        fresh = np.unique(ends[place[ends] < 0])
        if found + len(fresh) > most:
            fresh, cut = fresh[: most - found], True
        place[fresh] = np.arange(found, found + len(fresh), dtype=np.int32)
        found += len(fresh)
        layers.append(fresh)
        frontier = fresh
    nodes = np.concatenate(layers)
    distance = np.repeat(np.arange(len(layers)), [len(one) for one in layers])
    all_ = np.concatenate(edges) if edges else np.zeros(0, dtype=np.int64)
    tail, head = place[network.tail[all_]], place[network.head[all_]]
    kept = (tail >= 0) & (head >= 0)
    all_ = all_[kept]
    return Region(nodes, distance, all_, tail[kept], head[kept], network.share[all_], up, cut)


def shares(found: Region, clock: Clockwork) -> Shares:
    """Return the effective shares between the node of a region and everybody else in it."""
    count = len(found.nodes)
    circle = circles(count, found.tail, found.head)
    source, target = (found.head, found.tail) if found.up else (found.tail, found.head)
    values, back, settled, exact = _flow(count, source, target, found.share, circle, clock)
    values[0] -= 1.0
    divisor = 1.0 + (back if found.up else np.full(count, back[0]))
    result = values / divisor
    itself = float(back[0] / (1.0 + back[0]))
    result[0] = itself
    return Shares(result, circle, itself, settled, exact)


def _flow(
    count: int, source: Array, target: Array, share: Array, circle: Array, clock: Clockwork
) -> tuple[Array, Array, bool, bool]:
    """Let one unit flow out of place 0; return what passes each place, and how much of a unit comes back to where it was."""
    group = np.where(circle >= 0, count + circle, np.arange(count))
    inside = group[source] == group[target]
    rings = members(circle)
    ring_edges = _by_ring(circle, source, inside, len(rings))
    order = np.argsort(source, kind="stable")
    order = order[~inside[order]]
    starts = np.searchsorted(source[order], np.arange(count + 1))
    waiting = np.bincount(group[target[~inside]], minlength=count + len(rings))
    inflow, back = np.zeros(count), np.zeros(count)
    inflow[0] = 1.0
    settled = exact = True
    ready = np.array([group[0]])
    while len(ready):
        clock.check()
        for number in ready[ready >= count] - count:
            nodes, edges = rings[number], ring_edges[number]
            good, whole = _ring(nodes, (source[edges], target[edges], share[edges]), inflow, back)
            settled, exact = settled and good, exact and whole
        own = [rings[number] for number in ready[ready >= count] - count]
        nodes = np.concatenate([ready[ready < count], *own])
        edges = order[spread(starts, nodes)]
        np.add.at(inflow, target[edges], share[edges] * inflow[source[edges]])
        met, times = np.unique(group[target[edges]], return_counts=True)
        waiting[met] -= times
        ready = met[waiting[met] == 0]
    return inflow, back, settled, exact


def _by_ring(circle: Array, source: Array, inside: Array, count: int) -> list[Array]:
    """Return the edges within each circle."""
    edges = np.flatnonzero(inside & (circle[source] >= 0))
    edges = edges[np.argsort(circle[source[edges]], kind="stable")]
    bounds = np.searchsorted(circle[source[edges]], np.arange(count + 1))
    return [edges[bounds[one] : bounds[one + 1]] for one in range(count)]


def _ring(nodes: Array, edges: tuple[Array, Array, Array], inflow: Array, back: Array) -> tuple[bool, bool]:
    """Solve one circle in place; tell whether it has an answer, and whether that is exact."""
    source, target, share = edges
    source, target = np.searchsorted(nodes, source), np.searchsorted(nodes, target)
    if len(nodes) > DENSE:
        return _approach(nodes, (source, target, share), inflow), False
    matrix = np.eye(len(nodes))
    np.add.at(matrix, (target, source), -share)
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        inverse = np.full_like(matrix, np.nan)
    good = bool(np.isfinite(inverse).all() and (inverse >= TINY).all() and np.abs(inverse).max() < 1 / NEAR)
    if not good:
        inverse[:] = np.nan
    inflow[nodes] = inverse @ inflow[nodes]
    back[nodes] = np.diagonal(inverse) - 1.0
    return good, True


def _approach(nodes: Array, edges: tuple[Array, Array, Array], inflow: Array) -> bool:
    """Go around a large circle until nothing more comes; what its members hold of themselves is then not taken out."""
    source, target, share = edges
    first = inflow[nodes]
    values = first
    for _ in range(STEPS):
        after = first + np.bincount(target, weights=share * values[source], minlength=len(nodes))
        if np.abs(after - values).max() < NEAR:
            inflow[nodes] = after
            return True
        values = after
        if not np.isfinite(values).all() or values.max() > 1 / NEAR:
            break
    inflow[nodes] = np.nan
    return False
