"""Of several files of one run that have a row with the same key, the latest file's row counts, as if each had its own run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.ingest.service.staging import RowWriter, staged_files
from beijiang.tables import FILE_COLUMN, ROW_COLUMN

if TYPE_CHECKING:
    from beijiang.ingest.service.reading import Source

__all__ = ["without_superseded"]

_BATCH = 200_000


def without_superseded(
    folder: Path, key: Sequence[str], sources: Sequence[Source], schema: pa.Schema, aside: Path
) -> dict[int, int]:
    """Rewrite the staged files of ``folder`` without rows that a later source replaces; return how many of each.

    ``sources`` are in order, the oldest first; tables of one file are equally old. ``aside`` is an empty folder to work in.
    """
    files = staged_files(folder)
    ages = _ages(sources)
    if not key or len(set(ages.values())) < 2:  # noqa: PLR2004 - one file has no later one
        return {}
    ranks = pl.DataFrame({FILE_COLUMN: list(ages), "rank": list(ages.values())})
    rows = pl.scan_parquet(files).select(*key, FILE_COLUMN, ROW_COLUMN).join(ranks.lazy(), on=FILE_COLUMN, how="left")
    newest = rows.group_by(list(key)).agg(pl.col("rank").max().alias("newest"), pl.col("rank").min().alias("oldest"))
    newest = newest.filter(pl.col("newest") > pl.col("oldest"))
    late = rows.join(newest, on=list(key)).filter(pl.col("rank") < pl.col("newest")).select(FILE_COLUMN, ROW_COLUMN)
    leaving = late.collect(engine="streaming")
    if leaving.is_empty():
        return {}
    _rewrite(files, leaving, schema, aside)
    for path in files:
        path.unlink()
    for path in staged_files(aside):
        path.rename(folder / path.name)
    aside.rmdir()
    numbers = {s.tag: s.index for s in sources}
    counted: list[dict[str, Any]] = leaving.group_by(FILE_COLUMN).len().to_dicts()
    return {numbers[row[FILE_COLUMN]]: row["len"] for row in counted}


def _ages(sources: Sequence[Source]) -> dict[str, int]:
    """Return the place of each table's file in the order of files."""
    places: dict[str, int] = {}
    return {s.tag: places.setdefault(s.sha256, len(places)) for s in sources}


def _rewrite(files: Sequence[Path], leaving: pl.DataFrame, schema: pa.Schema, aside: Path) -> None:
    aside.mkdir()
    marked = leaving.with_columns(pl.lit(value=True).alias("leaves"))
    writer = RowWriter(aside, schema)
    try:
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=_BATCH):
                    place = pl.DataFrame(pa.Table.from_batches([batch.select([FILE_COLUMN, ROW_COLUMN])]))
                    joined = place.join(marked, on=[FILE_COLUMN, ROW_COLUMN], how="left", maintain_order="left")
                    kept = batch.filter(joined["leaves"].is_null().to_arrow())
                    writer.add(pa.RecordBatch.from_arrays(kept.columns, schema=schema))
        writer.close()
    except BaseException:
        writer.abandon()
        raise
