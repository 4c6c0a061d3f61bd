"""Seal records: put them into the tree of their year, and sign what the tree has become. One writer, off the path of readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from beijiang.evidence.models import Shard, shard_name, signed
from beijiang.evidence.service.tiles import Growing, TileCache
from beijiang.evidence.store import EvidenceStore, TreeStore
from beijiang.evidence.verifier import entry_of, leaf_hash

if TYPE_CHECKING:
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence.service.keys import LogKeys
    from beijiang.kit import Clock
    from beijiang.settings import Settings

SEAL_SECONDS: Final = 2.0
SEAL_RECORDS: Final = 1000
"""A checkpoint comes this soon after a record, or after this many, whichever is sooner."""
PIECE: Final = 2000
"""Records that one transaction seals at most, so that writers wait for milliseconds only."""


class _BegunMeanwhileError(Exception):
    """Another process began the very first shard while this one was about to."""


class Sealer:
    """The one writer of the tree; several processes may run it, in turn."""

    def __init__(self, db: Database, keys: LogKeys, clock: Clock, settings: Settings) -> None:
        self.db = db
        self.keys = keys
        self.clock = clock
        self.cache = TileCache()
        self._settings = settings

    def seal(self, limit: int | None = None) -> int:
        """Seal what waits (``limit`` pieces at most) and return how many records there were."""
        done = 0
        if not self._waits():
            return done
        self.keys.signers  # noqa: B018  # opened before the transaction, because making one needs its own
        while limit is None or limit > 0:
            try:
                with self.db.begin(counted=False) as tx:
                    count = self._seal_piece(tx)
            except _BegunMeanwhileError:
                continue
            done += count
            if count < PIECE:
                break
            limit = None if limit is None else limit - 1
        return done

    def _waits(self) -> bool:
        with self.db.read() as connection:
            newest = TreeStore(connection).newest()
            return EvidenceStore(connection).head().sequence > (0 if newest is None else newest.sealed)

    def _seal_piece(self, tx: UnitOfWork) -> int:
        store, now = TreeStore(tx.connection), self.clock.now()
        shard = store.newest(lock=True)
        after = 0 if shard is None else shard.sealed
        waiting = store.unsealed(after, PIECE)
        while waiting:
            shard = self._shard_for(store, shard, waiting[0], now)
            same = self._same_year(shard, waiting, now)
            shard = self._extend(store, shard, same, now)
            waiting = waiting[len(same) :]
        return 0 if shard is None else shard.sealed - after

    def _same_year(
        self, shard: Shard, rows: Sequence[tuple[int, datetime | None, str]], now: datetime
    ) -> Sequence[tuple[int, datetime | None, str]]:
        return list(takewhile(lambda row: self._year(shard, row[1], now) == _year_of(shard), rows))

    def _shard_for(
        self, store: TreeStore, shard: Shard | None, row: tuple[int, datetime | None, str], now: datetime
    ) -> Shard:
        """Return the shard that takes a record; a new one in a new year, or when the hash was chosen anew."""
        if shard is not None:
            same = shard.algorithm == self._settings.log_hash
            if same and self._year(shard, row[1], now) == _year_of(shard):
                return shard
            store.save_shard(replace(shard, closed=True))
        year = self._year(shard, row[1], now)
        name = shard_name(year, self._settings.log_hash, {one.name for one in store.all_shards()})
        first = 1 if shard is None else shard.sealed + 1
        made = Shard(name, f"{self.keys.name}/{name}", first, 0, b"", closed=False)
        if not store.begin_shard(made):
            raise _BegunMeanwhileError
        return made

    def _extend(
        self, store: TreeStore, shard: Shard, rows: Sequence[tuple[int, datetime | None, str]], now: datetime
    ) -> Shard:
        """Add records to a shard and sign it. A record that is gone leaves its place: the tree must not hide a hole."""
        known = {sequence: commitment for sequence, _, commitment in rows}
        places = range(shard.first + shard.size, rows[-1][0] + 1)
        growing = Growing(store, shard)
        growing.add([leaf_hash(shard.algorithm, entry_of(place, known.get(place, ""))) for place in places])
        grown = growing.save()
        store.save_shard(grown)
        store.add_checkpoint(grown.name, grown.size, signed(grown.checkpoint, self.keys.signers), now)
        return grown

    @staticmethod
    def _year(shard: Shard | None, at: datetime | None, now: datetime) -> int:
        """Return the year a record counts to: its own, but never before its shard's, and never after today's."""
        earliest = 0 if shard is None else _year_of(shard)
        return max(earliest, min(now.year, now.year if at is None else at.year))


def _year_of(shard: Shard) -> int:
    return int(shard.name.partition("-")[0])
