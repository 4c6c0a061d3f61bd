"""The Merkle tree of RFC 9162 over whole subtrees: root, inclusion and consistency proofs. Verifying is ``verifier``'s.

A tree is known by ``Nodes``: the root of the subtree of 2^level leaves that begins at ``index`` * 2^level. Every proof is made of
few of them, so that nothing but those is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from beijiang.evidence.verifier import node_hash

__all__ = ["TILE", "TILE_HEIGHT", "Nodes", "consistency", "folded", "inclusion", "levels_of", "root"]

TILE_HEIGHT: Final = 8
TILE: Final = 1 << TILE_HEIGHT
"""Hashes of one tile (C2SP tlog-tiles)."""

Nodes: TypeAlias = Callable[[int, int], bytes]


class _Tree:
    """A tree of ``size`` leaves, looked at through its whole subtrees."""

    def __init__(self, algorithm: str, node: Nodes) -> None:
        self.algorithm = algorithm
        self.node = node

    def range(self, begin: int, end: int) -> bytes:
        """Return the root over the leaves from ``begin`` (a multiple of the largest power of two below) to ``end``."""
        count = end - begin
        if count & (count - 1) == 0:
            level = count.bit_length() - 1
            return self.node(level, begin >> level)
        middle = begin + _split(count)
        return node_hash(self.algorithm, self.range(begin, middle), self.range(middle, end))

    def inclusion(self, index: int, begin: int, end: int) -> list[bytes]:
        if end - begin == 1:
            return []
        middle = begin + _split(end - begin)
        if index < middle:
            return [*self.inclusion(index, begin, middle), self.range(middle, end)]
        return [*self.inclusion(index, middle, end), self.range(begin, middle)]

    def consistency(self, old: int, begin: int, end: int, *, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self.range(begin, end)]
        middle = begin + _split(end - begin)
        if old <= middle:
            return [*self.consistency(old, begin, middle, whole=whole), self.range(middle, end)]
        return [*self.consistency(old, middle, end, whole=False), self.range(begin, middle)]


def root(algorithm: str, size: int, node: Nodes) -> bytes:
    """Return the root of the first ``size`` leaves; of none it is H of nothing."""
    return _Tree(algorithm, node).range(0, size) if size else hashlib.new(algorithm).digest()


def inclusion(algorithm: str, index: int, size: int, node: Nodes) -> list[bytes]:
    """Return the proof that a leaf stands at ``index`` among the first ``size`` (RFC 9162 2.1.3.1)."""
    return _Tree(algorithm, node).inclusion(index, 0, size)


def consistency(algorithm: str, old: int, size: int, node: Nodes) -> list[bytes]:
    """Return the proof that the first ``size`` leaves begin with the first ``old`` (RFC 9162 2.1.4.1)."""
    return _Tree(algorithm, node).consistency(old, 0, size, whole=True) if 0 < old < size else []


def levels_of(algorithm: str, hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Return hashes, and above them level by level the roots of whole pairs: the inside of one tile."""
    begun = hashlib.new(
        algorithm, b"\x01"
    ).copy  # for thousands of hashes, naming the algorithm once is a third quicker
    made: list[Sequence[bytes]] = [hashes]
    while len(made[-1]) > 1:
        above = []
        for left, right in zip(made[-1][::2], made[-1][1::2], strict=False):
            node = begun()
            node.update(left + right)
            above.append(node.digest())
        made.append(above)
    return made


def folded(algorithm: str, hashes: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of one whole tile."""
    return levels_of(algorithm, hashes)[TILE_HEIGHT][0]


def _split(count: int) -> int:
    """Return the largest power of two that is smaller than ``count``."""
    return 1 << (count - 1).bit_length() - 1
