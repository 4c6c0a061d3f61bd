"""The tree as it lies in the database: tiles of 256 hashes; what was looked at is remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, TypeAlias

from beijiang.evidence.models import TILE, TILE_HEIGHT, Shard, folded, levels_of, root
from beijiang.evidence.store import TreeStore
from beijiang.evidence.verifier import HASH_BYTES

_REMEMBERED: Final = 256
"""Tiles at hand, with their insides: 16 KiB each, and as much again in Python's objects."""

Place: TypeAlias = "tuple[str, int, int, int]"
"""Shard, level, number and length of a tile: of one length it is the same for ever."""


class TileCache:
    """Tiles with their insides, for all threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Place, list[Sequence[bytes]]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, place: Place) -> list[Sequence[bytes]] | None:
        """Return the inside of a tile that was looked at lately."""
        with self._lock:
            found = self._kept.get(place)
            if found is not None:
                self._kept.move_to_end(place)
            return found

    def put(self, place: Place, made: list[Sequence[bytes]]) -> None:
        """Remember the inside of a tile."""
        with self._lock:
            self._kept[place] = made
            while len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)


class StoredNodes:
    """The subtrees of one shard as the tiles hold them; made for one snapshot of the database."""

    def __init__(self, store: TreeStore, shard: Shard, cache: TileCache) -> None:
        self._store = store
        self._shard = shard
        self._cache = cache

    def __call__(self, level: int, index: int) -> bytes:
        """Return the root of the subtree of 2^level leaves that begins at index * 2^level.

        Raises:
            LookupError: the tiles do not hold it, although the size of the shard says so: somebody took it away.

        """
        up, height = divmod(level, TILE_HEIGHT)
        per_tile = TILE_HEIGHT - height
        number, at = index >> per_tile, index & ((1 << per_tile) - 1)
        inside = self._inside(up, number)
        if height >= len(inside) or at >= len(inside[height]):
            msg = f"tile {up}/{number} lacks a hash"
            raise LookupError(msg)
        return inside[height][at]

    def _inside(self, level: int, number: int) -> list[Sequence[bytes]]:
        length = min(TILE, (self._shard.size >> (TILE_HEIGHT * level)) - number * TILE)
        place = (self._shard.name, level, number, length)
        found = self._cache.get(place)
        if found is None:
            hashes = split(self._store.tile(*place[:3]))[:length]
            found = levels_of(self._shard.algorithm, hashes)
            if len(hashes) == length:
                self._cache.put(place, found)
        return found


class Growing:
    """The right edge of a shard, to which leaves are added; the tiles that changed are then saved."""

    def __init__(self, store: TreeStore, shard: Shard) -> None:
        self._store = store
        self.shard = shard
        self._size = shard.size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def add(self, leaves: Sequence[bytes]) -> None:
        """Add the hashes of leaves at the end."""
        level, count, new = 0, self._size, list(leaves)
        self._size += len(new)
        while new:
            rising, rest = [], new
            while rest:
                number, there = divmod(count, TILE)
                tile = self._tile(level, number, there)
                taken, rest = rest[: TILE - there], rest[TILE - there :]
                tile += taken
                count += len(taken)
                if len(tile) == TILE:
                    rising.append(folded(self.shard.algorithm, tile))
            level, new = level + 1, rising
            count = (self._size >> (TILE_HEIGHT * level)) - len(rising)

    def save(self) -> Shard:
        """Write the tiles that changed and return the shard as it is now."""
        made = {place: b"".join(hashes) for place, hashes in self._tiles.items()}
        self._store.save_tiles(self.shard.name, made)
        inside = {place: levels_of(self.shard.algorithm, hashes) for place, hashes in self._tiles.items()}

        def node(level: int, index: int) -> bytes:
            up, height = divmod(level, TILE_HEIGHT)
            per_tile = TILE_HEIGHT - height
            number, at = index >> per_tile, index & ((1 << per_tile) - 1)
            if (up, number) not in inside:
                inside[up, number] = levels_of(
                    self.shard.algorithm, split(self._store.tile(self.shard.name, up, number))
                )
            return inside[up, number][height][at]

        old = self.shard
        top = root(old.algorithm, self._size, node)
        return Shard(old.name, old.origin, old.first, self._size, top, old.closed)

    def _tile(self, level: int, number: int, there: int) -> list[bytes]:
        if (level, number) not in self._tiles:
            held = split(self._store.tile(self.shard.name, level, number)) if there else []
            if len(held) < there:
                msg = f"tile {level}/{number} of {self.shard.name} lost hashes"
                raise LookupError(msg)
            self._tiles[level, number] = held[:there]
        return self._tiles[level, number]


def split(hashes: bytes) -> list[bytes]:
    """Cut a tile into its hashes."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes) - HASH_BYTES + 1, HASH_BYTES)]
