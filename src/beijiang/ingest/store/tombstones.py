"""Comparisons of keys, and the keys that left: their count in the database, the keys themselves in a file per run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Index, Integer, Row, String, Table, func, insert, select

from beijiang.db import UtcDateTime, metadata
from beijiang.ingest.models.tombstones import KeyComparison, Tombstone
from beijiang.ingest.store.sources import ingest_certificate

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["KeyStore", "Tombstones"]

ingest_key_comparison = Table(
    "ingest_key_comparison",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("sync_id", String(40), nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("version", Integer),
    Column("keys", Integer, nullable=False),
    Column("gone", Integer, nullable=False),
    Index("ix_ingest_key_comparison_sync", "sync_id", "run_id"),
)


class KeyStore:
    """Which runs compared keys, and how many left."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, made: KeyComparison) -> None:
        """Keep a comparison; a run makes one."""
        values = asdict(made)
        values["table_name"] = values.pop("table")
        self._connection.execute(insert(ingest_key_comparison).values(**values))

    def of(self, sync_id: str, *, gone: bool, limit: int) -> list[KeyComparison]:
        """Return the comparisons of a sync, newest first; only those that found something where ``gone``."""
        table = ingest_key_comparison
        query = select(table).where(table.c.sync_id == sync_id).order_by(table.c.run_id.desc()).limit(limit)
        if gone:
            query = query.where(table.c.gone > 0)
        return [_comparison(row) for row in self._connection.execute(query)]

    def runs_since(self, sync_id: str) -> int | None:
        """Return how many runs of a sync ended after its last comparison; None if there was none."""
        last = self.of(sync_id, gone=False, limit=1)
        if not last:
            return None
        table = ingest_certificate
        query = (
            select(func.count()).select_from(table).where(table.c.sync_id == sync_id, table.c.run_id > last[0].run_id)
        )
        return int(self._connection.execute(query).scalar_one())


class Tombstones:
    """The keys that one run took out of a table; they outlive the versions that still have the rows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def page(self, made: KeyComparison, offset: int, limit: int) -> list[Tombstone]:
        """Return some of them, in the order of the file."""
        import polars as pl

        rows = pl.scan_parquet(self.path).slice(offset, limit).cast(pl.String).collect().to_dicts()
        return [Tombstone(key=row, run_id=made.run_id, at=made.at, version=made.version) for row in rows]

    def find(self, made: KeyComparison, key: Sequence[str]) -> list[Tombstone]:
        """Return the one of a key, given by its columns in order as text."""
        import polars as pl

        frame = pl.scan_parquet(self.path).cast(pl.String)
        names = frame.collect_schema().names()
        same = [pl.col(name) == value for name, value in zip(names, key, strict=False)]
        rows = frame.filter(*same).collect().to_dicts() if len(names) == len(key) else []
        return [Tombstone(key=row, run_id=made.run_id, at=made.at, version=made.version) for row in rows]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all of them as text, for a download."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches():
                yield pa.RecordBatch.from_arrays([c.cast(pa.string()) for c in batch.columns], names=batch.schema.names)


def _comparison(row: Row[Any]) -> KeyComparison:
    at: datetime = row.at
    return KeyComparison(
        run_id=row.run_id,
        sync_id=row.sync_id,
        table=row.table_name,
        at=at,
        version=row.version,
        keys=row.keys,
        gone=row.gone,
    )
