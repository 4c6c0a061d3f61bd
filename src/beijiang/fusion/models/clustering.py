"""Which nodes are one subject: pairs joined from the surest down, never against what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Edge", "Joined", "joined"]


@dataclass(frozen=True, slots=True)
class Edge:
    """Two nodes that are held to be the same, how surely, and by which pair of records."""

    a: str
    b: str
    probability: float
    left: str = ""
    right: str = ""
    sources: tuple[int, int] = (0, 0)
    """Numbers of the sources of these two records."""


@dataclass(slots=True)
class Joined:
    """What came of it: the root of every node that was joined with another, how, and the pairs that were not joined."""

    roots: dict[str, str] = field(default_factory=dict)
    by_person: set[str] = field(default_factory=set)
    """Roots of groups in which a person's decision joined something."""
    refused: list[Edge] = field(default_factory=list)
    """Pairs that were sure enough, but would have put together what a person held apart or what has different keys."""


def joined(
    edges: Iterable[Edge], certain: float, same: Iterable[tuple[str, str]], different: Iterable[tuple[str, str]],
    keyed: Mapping[str, bool],
) -> Joined:  # fmt: skip
    """Join nodes: first what persons hold to be the same, then pairs from ``certain`` on, the surest first.

    Two nodes with different valid keys are not joined but by a person, nor is anything that a person holds apart, however
    the way between them goes. The result does not depend on the order in which equal pairs come.
    """
    groups = _Groups(keyed)
    for a, b in different:
        groups.hold_apart(a, b)
    found = Joined()
    for a, b in same:
        groups.join(a, b, by_person=True)
    for edge in sorted(edges, key=lambda e: (-e.probability, e.a, e.b)):
        if edge.probability < certain:
            break
        if not groups.join(edge.a, edge.b):
            found.refused.append(edge)
    found.roots = groups.roots()
    found.by_person = {groups.root(node) for node in groups.person_made}
    return found


class _Groups:
    """Disjoint sets of nodes, with what may not come together."""

    def __init__(self, keyed: Mapping[str, bool]) -> None:
        self._parent: dict[str, str] = {}
        self._keys: dict[str, int] = {}
        """By root: how many different valid keys are in the group already."""
        self._apart: dict[str, set[str]] = {}
        """By root: nodes (by what their roots were) that must stay outside."""
        self._keyed = keyed
        self.person_made: set[str] = set()

    def root(self, node: str) -> str:
        """Return the name of the group of a node."""
        top = node
        while (above := self._parent.get(top, top)) != top:
            top = above
        while (above := self._parent.get(node, node)) != top:
            self._parent[node], node = top, above
        return top

    def hold_apart(self, a: str, b: str) -> None:
        """Keep two nodes in different groups from now on."""
        if a != b:
            self._apart.setdefault(self.root(a), set()).add(b)
            self._apart.setdefault(self.root(b), set()).add(a)

    def join(self, a: str, b: str, *, by_person: bool = False) -> bool:
        """Put two groups together unless something speaks against it; tell whether they are one now."""
        one, other = self.root(a), self.root(b)
        if one == other:
            return True
        if any(self.root(node) == other for node in self._apart.get(one, ())):
            return False
        if any(self.root(node) == one for node in self._apart.get(other, ())):
            return False
        keys = self._count(one) + self._count(other)
        if not by_person and self._count(one) and self._count(other):
            return False
        top, below = min(one, other), max(one, other)
        self._parent[below] = top
        self._parent.setdefault(top, top)
        self._keys[top] = keys
        if held := self._apart.pop(below, None):
            self._apart.setdefault(top, set()).update(held)
        if by_person:
            self.person_made.add(top)
        return True

    def roots(self) -> dict[str, str]:
        """Return the root of every node that is in a group with others."""
        return {node: self.root(node) for node in self._parent}

    def _count(self, root: str) -> int:
        return self._keys.get(root, 1 if self._keyed.get(root) else 0)
