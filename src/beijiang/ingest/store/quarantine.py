"""Parquet files beside the metadata: rows set aside, and the raw text of rewritten cells. One of each per run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.ingest.models import DUPLICATE_SAME, KEY_SEPARATOR

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["QUARANTINE", "Quarantine", "QuarantineWriter", "key_text", "read_change"]

QUARANTINE: Final = pa.schema(
    [
        ("source", pa.int32()),
        ("file", pa.string()),
        ("file_name", pa.string()),
        ("inner", pa.string()),
        ("line", pa.int64()),
        ("column", pa.string()),
        ("reason", pa.string()),
        ("zh", pa.string()),
        ("en", pa.string()),
        ("cells", pa.list_(pa.string())),
        ("raw", pa.string()),
        ("key", pa.string()),
    ]
)
"""One row set aside; its number in the file (from 0) is its ``seq``."""
_BATCH: Final = 10_000


class QuarantineWriter:
    """Write rows set aside, in constant memory."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, QUARANTINE, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self.count = 0

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Append rows given as dictionaries of ``QUARANTINE``'s columns."""
        for row in rows:
            self._rows.append(row)
            self.count += 1
            if len(self._rows) >= _BATCH:
                self._flush()

    def add_table(self, table: pa.Table) -> None:
        """Append rows that are in the shape already."""
        self._flush()
        if table.num_rows:
            self._writer.write_table(table.cast(QUARANTINE))
            self.count += table.num_rows

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=QUARANTINE))
            self._rows = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        self._writer.close()


class Quarantine:
    """The rows that one run set aside."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Tell whether the run set any row aside."""
        return self.path.is_file()

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(self.path, row_index_name="seq")

    def counts(self) -> dict[str, int]:
        """Count the rows by reason."""
        frame = self._scan().group_by("reason").len().sort("reason").collect()
        return {str(reason): int(count) for reason, count in frame.iter_rows()}

    def page(self, offset: int, limit: int, *, reason: str | None = None) -> list[dict[str, Any]]:
        """Return some rows, in the order in which they were set aside."""
        scan = self._scan()
        if reason is not None:
            scan = scan.filter(pl.col("reason") == reason)
        return scan.slice(offset, limit).collect().to_dicts()

    def chosen(
        self,
        *,
        reason: str = "",
        column: str = "",
        file: str = "",
        within: Sequence[int] | None = None,
        without: Sequence[int] = (),
    ) -> pl.LazyFrame:
        """Return the rows that meet every condition given, in the order in which they were set aside.

        Exact repeats are left out unless asked for by their reason: there is nothing to mend in them.
        """
        scan = self._scan()
        scan = scan.filter(pl.col("reason") == reason if reason else pl.col("reason") != DUPLICATE_SAME)
        if column:
            scan = scan.filter(pl.col("column") == column)
        if file:
            scan = scan.filter(pl.col("file_name") == file)
        if within is not None:
            scan = scan.filter(pl.col("seq").is_in(list(within)))
        if without:
            scan = scan.filter(~pl.col("seq").is_in(list(without)))
        return scan

    def keyed(self) -> pl.DataFrame:
        """Return ``seq`` and ``key`` of the rows whose key could be told, repeats of good rows left out."""
        wanted = pl.col("key").is_not_null() & (pl.col("reason") != DUPLICATE_SAME)
        return self._scan().filter(wanted).select("seq", "key").collect()

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield all rows, some thousands at a time, each with its ``seq``."""
        seq = 0
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                rows = batch.to_pylist()
                for row in rows:
                    row["seq"] = seq
                    seq += 1
                yield rows


def read_change(path: Path, tag: str, row: int, column: str) -> str | None:
    """Return the raw text of a rewritten cell, or None if it was taken over as it stood."""
    if not path.is_file():
        return None
    wanted = (pl.col("file") == tag) & (pl.col("row") == row) & (pl.col("column") == column)
    found = pl.scan_parquet(path).filter(wanted).select("raw").head(1).collect()
    return None if found.is_empty() else str(found.item())


def key_text(columns: list[str]) -> pl.Expr:
    """Return the expression that writes a row's key as one text; null where a part is null."""
    return pl.concat_str([pl.col(c).cast(pl.String) for c in columns], separator=KEY_SEPARATOR)
