"""Step three of a run: one row per key across everything that was handed in, whatever the order, format or encoding.

Of several rows with one key the fullest stays (most filled cells), and among equally full ones that whose cells come
first in the order of their canonical texts. This rule looks at nothing but the rows themselves, so the same rows give the
same table in any order of files and lines. A row that equals the one that stays is counted as a duplicate; one that
differs from it is a contradiction and goes to quarantine.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.ingest.models import DUPLICATE_SAME
from beijiang.ingest.readers import BadReason
from beijiang.ingest.service.reading import ReadPlan, Source
from beijiang.ingest.service.staging import CHANGES_FILE, QUARANTINE_FILE, RowWriter, staged_files, staged_schema
from beijiang.ingest.store.quarantine import QuarantineWriter, key_text
from beijiang.ingest.typing import ColumnSpec, canonical_text
from beijiang.kit import Text
from beijiang.tables import FILE_COLUMN, ROW_COLUMN

if TYPE_CHECKING:
    from beijiang.ingest.typing import TypedSchema

__all__ = ["settle"]

_BATCH: Final = 200_000
_HELD: Final = 200_000
_SEEDS: Final = (0x9E3779B9, 0xC2B2AE3D)


class _Rows:
    """The staged rows; those that may leave are held in memory once seen, as long as they are few."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files
        self._held: list[pl.DataFrame] | None = []

    def hold(self, frame: pl.DataFrame) -> None:
        """Remember full rows, or give up remembering when they become many."""
        if self._held is not None:
            self._held.append(frame)
            if sum(f.height for f in self._held) > _HELD:
                self._held = None

    def at(self, places: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yield the full rows at ``places``, each once."""
        wanted = {"on": [FILE_COLUMN, ROW_COLUMN], "how": "semi"}
        if self._held:
            yield pl.concat(self._held).unique([FILE_COLUMN, ROW_COLUMN]).join(places, **wanted)  # type: ignore[arg-type]
        elif self._held is None:
            for path in self.files:
                for frame in _key_batches([path], pq.read_schema(path).names):
                    hit = frame.join(places, **wanted)  # type: ignore[arg-type]
                    if not hit.is_empty():
                        yield hit


def settle(plan: ReadPlan, *, key: Sequence[str], unique: Sequence[str], staged: Path, folder: Path) -> dict[str, Any]:
    """Leave in ``folder`` the staged files without repeated rows, and the completed quarantine; return what left.

    ``unique`` names columns that a declared check wants unique; rows that share a value with the one that stays leave.
    """
    files = staged_files(staged)
    rows = _Rows(files)
    leaving: list[dict[str, Any]] = []
    gone: set[tuple[str, int]] = set()
    rules = [tuple(key)] if key else []
    rules += [(column,) for column in unique if (column,) != tuple(key)]
    for position, columns in enumerate(rules):
        declared = position > 0 or not key
        found = _repeated(rows, plan.schema, columns, gone, is_check=declared)
        leaving += found
        gone |= {(row["file"], row["row"]) for row in found}
    counts = _set_aside(plan, leaving, key, rows, staged, folder)
    _keep_others(files, gone, staged_schema(plan.schema), folder)
    return {"left": counts, "good": sum(pq.read_metadata(f).num_rows for f in staged_files(folder))}


def _repeated(
    rows: _Rows,
    schema: TypedSchema,
    columns: tuple[str, ...],
    gone: set[tuple[str, int]],
    *,
    is_check: bool,
) -> list[dict[str, Any]]:
    """Return the rows that leave because another row has the same ``columns``."""
    suspects = _suspects(rows.files, columns)
    if suspects.is_empty():
        return []
    data = [c.name for c in schema.columns]
    slim = _slim(rows, columns, data, suspects)
    if gone:
        taken = pl.DataFrame(
            {FILE_COLUMN: [f for f, _ in gone], ROW_COLUMN: [r for _, r in gone]},
            schema={FILE_COLUMN: pl.String, ROW_COLUMN: pl.Int64},
        )
        slim = slim.join(taken, on=[FILE_COLUMN, ROW_COLUMN], how="anti")
    repeated = slim.filter(pl.len().over("key") > 1)
    if repeated.is_empty():
        return []
    agreed = pl.col("content").n_unique().over("key") == 1
    same = repeated.filter(agreed)
    leaving = list(_same(same))
    contradicting = repeated.filter(~agreed)
    if not contradicting.is_empty():
        leaving += _contradicting(rows, schema, columns, contradicting, is_check=is_check)
    return leaving


def _hashes(frame: pl.DataFrame, seed: int) -> pl.Series:
    return frame.hash_rows(seed)


def _key_batches(files: Sequence[Path], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=list(columns)):
                frame = pl.from_arrow(pa.Table.from_batches([batch]))
                assert isinstance(frame, pl.DataFrame)  # noqa: S101  # from_arrow of a table gives a frame
                yield frame


def _suspects(files: Sequence[Path], columns: tuple[str, ...]) -> pl.Series:
    """Return the hashes that occur more than once: eight bytes a row are all that has to be held for it."""
    parts = []
    for frame in _key_batches(files, columns):
        full = frame.select(columns).drop_nulls()
        parts.append(_hashes(full, _SEEDS[0]))
    if not parts:
        return pl.Series("hash", [], dtype=pl.UInt64)
    every = pl.concat(parts).sort()
    return every.filter((every == every.shift(1)).fill_null(value=False)).unique().alias("hash")


def _slim(staged: _Rows, columns: tuple[str, ...], data: list[str], suspects: pl.Series) -> pl.DataFrame:
    """Return key, place, fullness and a content hash of every row that may share its key with another."""
    parts = []
    wanted = list(dict.fromkeys([*data, FILE_COLUMN, ROW_COLUMN]))
    for frame in _key_batches(staged.files, wanted):
        full = frame.drop_nulls(list(columns))
        hit = full.filter(_hashes(full.select(columns), _SEEDS[0]).is_in(suspects.implode()))
        if hit.is_empty():
            continue
        staged.hold(hit)
        content = _hashes(hit.select(data), _SEEDS[1])
        filled = hit.select(pl.sum_horizontal(pl.col(c).is_not_null().cast(pl.Int32) for c in data)).to_series()
        parts.append(
            hit.select(key_text(list(columns)).alias("key"), FILE_COLUMN, ROW_COLUMN).with_columns(
                filled.alias("filled"), content.alias("content")
            )
        )
    return pl.concat(parts)


def _same(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield all but one of each group of equal rows; the one in the smallest place stays."""
    if rows.is_empty():
        return
    placed = rows.sort("key", FILE_COLUMN, ROW_COLUMN).with_columns(
        pl.col(FILE_COLUMN).first().over("key").alias("stays_file"),
        pl.col(ROW_COLUMN).first().over("key").alias("stays_row"),
        pl.int_range(pl.len()).over("key").alias("nth"),
    )
    for row in placed.filter(pl.col("nth") > 0).iter_rows(named=True):
        yield {
            "file": row[FILE_COLUMN],
            "row": row[ROW_COLUMN],
            "stays": (row["stays_file"], row["stays_row"]),
            "reason": DUPLICATE_SAME,
            "key": row["key"],
            "column": None,
        }


def _contradicting(
    staged: _Rows, schema: TypedSchema, columns: tuple[str, ...], rows: pl.DataFrame, *, is_check: bool
) -> Iterator[dict[str, Any]]:
    """Yield the rows that leave groups in which rows differ."""
    fullest = rows.filter(pl.col("filled") == pl.col("filled").max().over("key"))
    tied = fullest.filter(pl.col("content").n_unique().over("key") > 1)
    order = _order(staged, schema, tied) if not tied.is_empty() else None
    ranked = (
        rows.with_columns(pl.lit("").alias("order"))
        if order is None
        else rows.join(order, on=[FILE_COLUMN, ROW_COLUMN], how="left").with_columns(pl.col("order").fill_null(""))
    )
    ranked = ranked.sort(
        ["key", "filled", "order", FILE_COLUMN, ROW_COLUMN], descending=[False, True, False, False, False]
    )
    reason = BadReason.CHECK_FAILED.value if is_check else BadReason.DUPLICATE_KEY.value
    stays: dict[str, Any] = {}
    for row in ranked.iter_rows(named=True):
        if row["key"] != stays.get("key"):
            stays = row
            continue
        yield {
            "file": row[FILE_COLUMN],
            "row": row[ROW_COLUMN],
            "stays": (stays[FILE_COLUMN], stays[ROW_COLUMN]),
            "reason": DUPLICATE_SAME if row["content"] == stays["content"] else reason,
            "key": row["key"],
            "column": columns[0],
        }


def _order(staged: _Rows, schema: TypedSchema, tied: pl.DataFrame) -> pl.DataFrame:
    """Write the cells of equally full rows as one text each, by which they are put in order."""
    parts = []
    for full in staged.at(tied.select(FILE_COLUMN, ROW_COLUMN)):
        texts = [
            "\x1f".join(canonical_text(row[c.name], c) or "" for c in schema.columns)
            for row in full.iter_rows(named=True)
        ]
        parts.append(full.select(FILE_COLUMN, ROW_COLUMN).with_columns(pl.Series("order", texts, dtype=pl.String)))
    return pl.concat(parts)


def _set_aside(
    plan: ReadPlan, leaving: list[dict[str, Any]], key: Sequence[str], rows: _Rows, staged: Path, folder: Path
) -> list[dict[str, Any]]:
    """Complete the quarantine of step two by the rows that leave now; return the counts per source and reason."""
    before = staged / QUARANTINE_FILE
    target = folder / QUARANTINE_FILE
    if not leaving:
        os.link(before, target)
        return []
    tags = {s.tag: s for s in plan.sources}
    cells = _cells_of(plan, [row for row in leaving if row["reason"] != DUPLICATE_SAME], rows, staged)
    counts = Counter[tuple[int, str]]()
    with QuarantineWriter(target) as writer:
        with pq.ParquetFile(before) as file:
            for batch in file.iter_batches():
                writer.add_table(pa.Table.from_batches([batch]))
        for row in leaving:
            source = tags[row["file"]]
            counts[source.index, row["reason"]] += 1
            writer.add([_described(row, source, tags[row["stays"][0]], cells.get((row["file"], row["row"])), key)])
    return [{"source": index, "reason": reason, "rows": rows} for (index, reason), rows in sorted(counts.items())]


def _described(
    row: dict[str, Any], source: Source, other: Source, cells: list[str | None] | None, key: Sequence[str]
) -> dict[str, Any]:
    where = f"“{other.label}”第 {row['stays'][1]} 行"
    where_en = f'line {row["stays"][1]} of "{other.label}"'
    shown = row["key"].replace("\x1f", "、")
    texts = {
        DUPLICATE_SAME: Text(f"与{where}完全相同，已保留那一行", f"The same as {where_en}, which was kept"),
        BadReason.DUPLICATE_KEY.value: Text(
            f"主键“{shown}”与{where}相同而内容不同，保留了更完整的那一行",
            f'Key "{shown}" also stands in {where_en} with other contents; the fuller row was kept',
        ),
        BadReason.CHECK_FAILED.value: Text(
            f"“{row['column']}”的值“{shown}”应当唯一，已在{where}出现",
            f'"{shown}" in "{row["column"]}" must be unique and stands in {where_en}',
        ),
    }
    text = texts[row["reason"]]
    return {
        "source": source.index,
        "file": source.sha256,
        "file_name": source.name,
        "inner": source.inner,
        "line": row["row"],
        "column": row["column"],
        "reason": row["reason"],
        "zh": text.zh,
        "en": text.en,
        "cells": cells,
        "raw": None,
        "key": row["key"] if key and row["reason"] != BadReason.CHECK_FAILED.value else None,
    }


def _cells_of(
    plan: ReadPlan, leaving: list[dict[str, Any]], rows: _Rows, staged: Path
) -> dict[tuple[str, int], list[str | None]]:
    """Rebuild what the supplier wrote in rows that were typed already: canonical texts, overlaid by the changes."""
    if not leaving:
        return {}
    tags = {s.tag: s for s in plan.sources}
    specs: dict[str, ColumnSpec] = {c.name: c for c in plan.schema.columns}
    places = pl.DataFrame(
        {FILE_COLUMN: [r["file"] for r in leaving], ROW_COLUMN: [r["row"] for r in leaving]},
        schema={FILE_COLUMN: pl.String, ROW_COLUMN: pl.Int64},
    )
    changes = pl.scan_parquet(staged / CHANGES_FILE).join(
        places.lazy(), left_on=["file", "row"], right_on=[FILE_COLUMN, ROW_COLUMN], how="semi"
    )
    written = {(f, r, c): raw for f, r, c, raw in changes.collect().iter_rows()}
    found: dict[tuple[str, int], list[str | None]] = {}
    for full in rows.at(places):
        for row in full.iter_rows(named=True):
            file, line = row[FILE_COLUMN], row[ROW_COLUMN]
            found[file, line] = [
                written.get((file, line, name), canonical_text(row[name], specs[name])) for name in tags[file].columns
            ]
    return found


def _keep_others(files: Sequence[Path], gone: set[tuple[str, int]], schema: pa.Schema, folder: Path) -> None:
    """Link the staged files if nothing left, otherwise write them again without the rows that did."""
    if not gone:
        for path in files:
            os.link(path, folder / path.name)
        return
    leaving = pl.DataFrame(
        {FILE_COLUMN: [f for f, _ in gone], ROW_COLUMN: [r for _, r in gone]},
        schema={FILE_COLUMN: pl.String, ROW_COLUMN: pl.Int64},
    ).with_columns(pl.lit(value=True).alias("gone"))
    writer = RowWriter(folder, schema)
    try:
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=_BATCH):
                    place = pl.from_arrow(pa.Table.from_batches([batch.select([FILE_COLUMN, ROW_COLUMN])]))
                    assert isinstance(place, pl.DataFrame)  # noqa: S101  # from_arrow of a table gives a frame
                    joined = place.join(leaving, on=[FILE_COLUMN, ROW_COLUMN], how="left", maintain_order="left")
                    keep = joined["gone"].is_null().to_arrow()
                    kept = batch.filter(keep)
                    writer.add(pa.RecordBatch.from_arrays(kept.columns, schema=schema))
        writer.close()
    except BaseException:
        writer.abandon()
        raise
