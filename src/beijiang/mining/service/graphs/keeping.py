"""Networks kept in memory: each for one policy on exact versions, the least used leave first."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from beijiang.mining.errors import no_node
from beijiang.mining.models import NodeKind
from beijiang.mining.models.network.arrays import KINDS

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.mining.models import Summary
    from beijiang.mining.models.network.arrays import Array, Network

__all__ = ["Kept", "Shelf"]

SIGN: Final = "~"
"""Before the words that stand for parties that have no credit code."""


@dataclass(slots=True)
class Kept:
    """A network with its summary, and the words by which parties are named outside it."""

    network: Network
    summary: Summary
    secret: bytes
    _signed: tuple[Array, Array] | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ref(self, node: int) -> str:
        """Return the word for a node: a credit code, or what only this installation can make of the key."""
        key = str(self.network.keys[node])
        if KINDS[self.network.kinds[node]] in {NodeKind.FIRM, NodeKind.OUTSIDE}:
            return key
        return f"{SIGN}{self._sign(key):016x}"

    def node(self, ref: str) -> int:
        """Return the node that a word stands for.

        Raises:
            NotFound: it stands for none here (``graph_party_not_found``).

        """
        if ref.startswith(SIGN):
            return self._signed_node(ref[1:])
        found = _place(self.network.keys, ref)
        if found < 0 or KINDS[self.network.kinds[found]] not in {NodeKind.FIRM, NodeKind.OUTSIDE}:
            raise no_node()
        return found

    def _signed_node(self, word: str) -> int:
        if len(word) != 16 or not set(word) <= set("0123456789abcdef"):  # noqa: PLR2004 - eight bytes in hexadecimal
            raise no_node()
        signs, nodes = self._all_signed()
        place = int(np.searchsorted(signs, np.uint64(int(word, 16))))
        if place >= len(signs) or int(signs[place]) != int(word, 16):
            raise no_node()
        return int(nodes[place])

    def _all_signed(self) -> tuple[Array, Array]:
        with self._lock:
            if self._signed is None:
                firms = [KINDS.index(kind) for kind in (NodeKind.FIRM, NodeKind.OUTSIDE)]
                nodes = np.flatnonzero(~np.isin(self.network.kinds, firms))
                keys = self.network.keys.take(nodes).to_pylist()
                signs = np.array([self._sign(key) for key in keys], dtype=np.uint64)
                order = np.argsort(signs)
                self._signed = (signs[order], nodes[order])
            return self._signed

    def _sign(self, key: str) -> int:
        made = hashlib.blake2b(key.encode(), digest_size=8, key=self.secret[:64], person=b"graph party").digest()
        return int.from_bytes(made, "big")


def _place(keys: pa.Array, word: str) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    return int(pc.index(keys, pa.scalar(word, keys.type)).as_py())


class Shelf:
    """Networks by exact key; one thread loads what several want."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._loading: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()
        self._room = threading.Semaphore(1)

    def get(self, key: Hashable, load: Callable[[], Kept]) -> tuple[Kept, bool]:
        """Return the network of a key, and whether it was loaded just now."""
        with self._lock:
            gate = self._loading.setdefault(key, threading.Lock())
        with gate:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key], False
            made = self.aside(load)
            with self._lock:
                self._kept[key] = made
                while sum(one.network.size for one in self._kept.values()) > self._most and len(self._kept) > 1:
                    self._kept.popitem(last=False)
                self._loading.pop(key, None)
            return made, True

    def aside(self, load: Callable[[], Kept]) -> Kept:
        """Load a network that is not kept; one at a time, for each may take as much memory as all that is kept."""
        with self._room:
            return load()
