"""Who controls whom: votes are added up over everything that the same hand controls, until nothing changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from beijiang.mining.models.graphs import ControlState, NodeKind
from beijiang.mining.models.network.arrays import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.mining.models.control import ControlRule
    from beijiang.mining.models.network.arrays import Array, Clockwork, Network
    from beijiang.mining.models.network.shares import Region

__all__ = ["Block", "Control", "controlled_by", "controller"]

ROUNDS: Final = 500
TIE: Final = 1e-9
"""Votes that differ by less are equal: a rounding error decides nothing."""
_FIRMS: Final = tuple(KINDS.index(kind) for kind in (NodeKind.FIRM, NodeKind.OUTSIDE))


@dataclass(frozen=True, slots=True)
class Block:
    """The votes that one hand has in one enterprise, by places of the region."""

    holder: int
    votes: float


@dataclass(frozen=True, slots=True)
class Control:
    """The outcome for one enterprise, by places of its region."""

    state: ControlState
    at: int
    """The controller, or where the chain ends."""
    blocks: tuple[Block, ...]
    """All blocks of votes in the enterprise itself, largest first."""
    steps: tuple[int, ...] = ()
    """The enterprises at which a hand was found, the one asked for first."""
    several: tuple[int, ...] = ()
    chain: Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Edges of the region by which the controller controls."""


def controller(found: Region, kinds: Array, rule: ControlRule, clock: Clockwork) -> Control:
    """Return the real controller of place 0 of an upward region."""
    root, ringed = _roots(found, rule, clock)
    held = np.bincount(found.head, minlength=len(found.nodes)) > 0
    steps, here, presumed = [0], 0, False
    several: tuple[int, ...] = ()
    while True:
        clock.check()
        here = int(root[here])
        state = _resting(here, found, kinds, ringed, held)
        if state is not None:
            break
        state, ahead = _presumed([one for one in _blocks(found, root, here) if one.holder != here], rule)
        if state is not ControlState.LARGEST or ahead[0] in steps:
            several = ahead if state is ControlState.JOINT else ()
            state = ControlState.NONE if state is ControlState.LARGEST else state
            break
        steps += [here, ahead[0]]
        here, presumed = ahead[0], True
    if state is ControlState.MAJORITY and (presumed or here == 0):
        state = ControlState.LARGEST if here else ControlState.NONE
    steps = list(dict.fromkeys(steps))
    return Control(state, here, _blocks(found, root, 0), tuple(steps), several, _chain(found, root, here, steps))


def _resting(here: int, found: Region, kinds: Array, ringed: Array, held: Array) -> ControlState | None:
    """Return how the search ends at a top, or None if its own holders have to be looked at."""
    if ringed[here]:
        return ControlState.CIRCLE
    if kinds[found.nodes[here]] not in _FIRMS:
        return ControlState.MAJORITY
    return None if held[here] else ControlState.UNKNOWN


def _presumed(blocks: Sequence[Block], rule: ControlRule) -> tuple[ControlState, tuple[int, ...]]:
    """Return who is presumed to control where nobody has the majority: the largest block, if it is large and alone."""
    ahead = tuple(one.holder for one in blocks if rule.is_majority(one.votes))
    if len(ahead) > 1:
        return ControlState.JOINT, ahead
    if not blocks or not rule.is_block(blocks[0].votes):
        return ControlState.NONE, ()
    level = tuple(one.holder for one in blocks if abs(one.votes - blocks[0].votes) < TIE)
    return (ControlState.JOINT if len(level) > 1 else ControlState.LARGEST), level


def controlled_by(network: Network, start: int, at: int, rule: ControlRule, clock: Clockwork) -> Array:
    """Return the enterprises that a node controls by majorities, directly or through those that it controls."""
    inside = np.zeros(network.count, dtype=bool)
    votes = np.zeros(network.count)
    inside[start] = True
    frontier = np.array([start])
    found: list[Array] = []
    while len(frontier):
        clock.check()
        edges = network.leaving(frontier, at)
        edges = edges[network.head[edges] != network.tail[edges]]
        np.add.at(votes, network.head[edges], network.share[edges])
        met = np.unique(network.head[edges])
        line = rule.majority - 1e-9 if rule.majority_reached else rule.majority + 1e-9
        won = votes[met] >= line if rule.majority_reached else votes[met] > line
        frontier = met[won & ~inside[met]]
        inside[frontier] = True
        found.append(frontier)
    return np.sort(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)


def _roots(found: Region, rule: ControlRule, clock: Clockwork) -> tuple[Array, Array]:
    """Return who stands at the top of each place's chain of majorities, and which tops are circles of their own."""
    count = len(found.nodes)
    root, ringed = np.arange(count), np.zeros(count, dtype=bool)
    apart = found.tail != found.head
    tail, head, share = found.tail[apart], found.head[apart].astype(np.int64), found.share[apart]
    for _ in range(ROUNDS):
        clock.check()
        pairs, places = np.unique(head * count + root[tail], return_inverse=True)
        votes = np.bincount(places, weights=share, minlength=len(pairs)) if len(pairs) else np.zeros(0)
        line = rule.majority - 1e-9 if rule.majority_reached else rule.majority + 1e-9
        won = (votes >= line if rule.majority_reached else votes > line) & (pairs // count != pairs % count)
        below, above = pairs[won] // count, pairs[won] % count
        single = np.bincount(below, minlength=count) == 1 if len(below) else np.zeros(count, dtype=bool)
        parent = np.arange(count)
        parent[below[single[below]]] = above[single[below]]
        after, rings = _tops(parent)
        ringed |= rings
        if (after == root).all():
            break
        root = after
    return root, ringed


def _tops(parent: Array) -> tuple[Array, Array]:
    """Follow parents to the top; a circle of parents has its first member for a top."""
    ringed = np.zeros(len(parent), dtype=bool)
    parent, top = parent.copy(), _followed(parent)
    tops: list[int] = []
    seen: set[int] = set()
    for start in np.unique(top[parent[top] != top]).tolist():
        ring, here = [start], int(parent[start])
        if start in seen:
            continue
        while here != start:
            ring.append(here)
            here = int(parent[here])
        seen |= set(ring)
        tops.append(min(ring))
    parent[tops] = tops
    ringed[tops] = True
    return _followed(parent), ringed


def _followed(parent: Array) -> Array:
    top = parent
    for _ in range(max(1, len(parent).bit_length())):
        top = top[top]
    return top


def _blocks(found: Region, root: Array, place: int) -> tuple[Block, ...]:
    edges = np.flatnonzero((found.head == place) & (found.tail != place))
    holders, places = np.unique(root[found.tail[edges]], return_inverse=True)
    votes = np.bincount(places, weights=found.share[edges], minlength=len(holders)) if len(edges) else np.zeros(0)
    both = sorted(zip(holders.tolist(), votes.tolist(), strict=True), key=lambda one: (-one[1], one[0]))
    return tuple(Block(int(holder), float(share)) for holder, share in both)


def _chain(found: Region, root: Array, top: int, steps: list[int]) -> Array:
    """Return the edges on which control rests: from the controller and what it controls to what it controls."""
    hands = np.isin(root, [top, *(int(root[one]) for one in steps)])
    hands[[top, *steps]] = True
    return np.flatnonzero(hands[found.tail] & hands[found.head] & (found.tail != found.head))
