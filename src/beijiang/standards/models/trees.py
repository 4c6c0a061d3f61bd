"""A code set as the tree that it was on a day: what hung under what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from beijiang.standards.models.registry import CodeSet, CodeValue

__all__ = ["CodeNode", "CodeTree", "tree_of"]


@dataclass(frozen=True, slots=True)
class CodeNode:
    """A code and those directly below it, all as they held on the day; ``tier`` counts from 1 at the top."""

    value: CodeValue
    tier: int
    children: tuple[CodeNode, ...]

    def walk(self) -> Iterator[CodeNode]:
        """Return the node and all below it, each before its own."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class CodeTree:
    """All codes that held on a day, from the top down."""

    on: date
    roots: tuple[CodeNode, ...]
    apart: tuple[CodeValue, ...]
    """Codes whose code above did not hold on the day: their own first day is not known."""

    def find(self, code: str) -> CodeNode | None:
        """Return the node of a code, None where it did not hold."""
        return next((node for root in self.roots for node in root.walk() if node.value.code == code), None)


def tree_of(found: CodeSet, on: date) -> CodeTree:
    """Return the tree of the values of a set that hold on a day."""
    holding = [value for value in found.values if value.holds(on)]
    below: dict[str | None, list[CodeValue]] = defaultdict(list)
    for value in holding:
        below[value.parent].append(value)
    roots = _nodes(below[None], below, 1)
    placed = {node.value.code for root in roots for node in root.walk()}
    return CodeTree(on, roots, tuple(value for value in holding if value.code not in placed))


def _nodes(values: Sequence[CodeValue], below: dict[str | None, list[CodeValue]], tier: int) -> tuple[CodeNode, ...]:
    ordered = sorted(values, key=lambda value: value.code)
    return tuple(CodeNode(value, tier, _nodes(below.get(value.code, ()), below, tier + 1)) for value in ordered)
