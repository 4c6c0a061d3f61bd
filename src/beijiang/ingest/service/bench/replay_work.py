"""A run whose rows were mended on the bench: typed, checked and committed like any other, and each knows where it came from."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.ingest.models import DUPLICATE_SAME
from beijiang.ingest.readers import RawBatch
from beijiang.ingest.service.reading import ReadPlan, Source
from beijiang.ingest.service.removing import Removal
from beijiang.ingest.service.staging import stage
from beijiang.ingest.service.work import Work
from beijiang.ingest.store import IngestStore
from beijiang.ingest.store.bench import BenchStore
from beijiang.kit import Conflict

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.ingest.models import BenchRow

__all__ = ["ReplayRemoval", "ReplayWork", "file_of"]

ORIGIN_RUN: Final = "_bj_origin_run"
ORIGIN_FILE: Final = "_bj_origin_file"
ORIGIN_LINE: Final = "_bj_origin_line"
CORRECTED: Final = "_bj_corrected"
_ORIGIN: Final = frozenset({ORIGIN_RUN, ORIGIN_FILE, ORIGIN_LINE, CORRECTED})
_BATCH: Final = 20_000


def file_of(rows: Sequence[BenchRow], names: Sequence[str]) -> bytes:
    """Write rows as Parquet: their cells as text, then where each came from and what was corrected."""
    have = {c.column for row in rows for c in row.cells}
    columns = [n for n in names if n in have]
    texts = [{c.column: c.text for c in row.cells} for row in rows]
    data: dict[str, Any] = {n: pa.array([t.get(n) or None for t in texts], pa.string()) for n in columns}
    data[ORIGIN_RUN] = pa.array([row.row.run_id for row in rows], pa.string())
    data[ORIGIN_FILE] = pa.array([row.row.file_sha256 for row in rows], pa.string())
    data[ORIGIN_LINE] = pa.array([row.row.line for row in rows], pa.int64())
    data[CORRECTED] = pa.array([[c.column for c in row.cells if c.changed] for row in rows], pa.list_(pa.string()))
    sink = io.BytesIO()
    pq.write_table(pa.table(data), sink, compression="zstd")
    return sink.getvalue()


class ReplayWork(Work):
    """One attempt at one run of mended rows."""

    def _read(self, folder: Path) -> dict[str, Any]:
        del folder
        pinned, _ = self._pinned()
        if pinned is None:
            raise Conflict("目标表已经没有了。", "The table is gone.", code="table_gone")
        sha256, name = self.files[0]
        path = self.shop.landing.path(sha256)
        columns = tuple(n for n in pq.read_schema(path).names if n not in _ORIGIN)
        return ReadPlan.of_landed(pinned, columns, sha256, name, path).to_json()

    def _stage(self, folder: Path) -> dict[str, Any]:
        return stage(
            self.plan,
            key=self.run.key,
            checks=self.request.checks,
            raw=self._batches,
            folder=folder,
            tick=self._ticker(0.0, 0.9),
        )

    def _batches(self, source: Source) -> Iterator[RawBatch]:
        line = 1
        with pq.ParquetFile(self.shop.landing.path(source.sha256)) as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=list(source.columns)):
                yield RawBatch(batch, pa.array(range(line, line + batch.num_rows), pa.int64()), [])
                line += batch.num_rows

    def _stop_if_bad(self) -> None:
        """Let good rows in however many are not: each was handed in before and is looked at by somebody."""

    def _remember(self, store: IngestStore, now: datetime) -> None:
        """Leave the layout of the supplier's files as it is."""

    def _resolutions(self) -> dict[str, list[int]]:
        """Resolve the rows that this run takes in, beside those that its keys resolve."""
        found = {run: set(seqs) for run, seqs in super()._resolutions().items()}
        with self.shop.db.read() as connection:
            store = IngestStore(connection)
            for run, seqs in BenchStore(connection).claimed(self.run_id).items():
                found.setdefault(run, set()).update(set(seqs) - set(store.resolved(run)))
        return {run: sorted(seqs) for run, seqs in found.items() if seqs}

    def _also_at_the_end(self, tx: Any, version: int | None) -> None:
        del version
        bench = BenchStore(tx.connection)
        lines = {line for of_run in bench.claimed(self.run_id).values() for line in of_run.values()}
        bad: set[int] = set()
        same: set[int] = set()
        quarantine = self.shop.quarantine(self.run_id)
        if quarantine.exists:
            for rows in quarantine.batches():
                for row in rows:
                    (same if row["reason"] == DUPLICATE_SAME else bad).add(row["line"])
        outcomes = {"good": sorted(lines - bad - same), "same": sorted(same), "bad": sorted(bad)}
        bench.settle(self.run_id, outcomes)


class ReplayRemoval(ReplayWork, Removal):
    """One attempt at one run of mended rows that name others to be taken out."""
