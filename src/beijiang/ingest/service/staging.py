"""Step two of a run: typed Parquet for the good rows, quarantine for the others, and the raw text of rewritten cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beijiang.ingest.models import KEY_SEPARATOR, CheckSpec
from beijiang.ingest.readers import BadReason, BadRow, RawBatch
from beijiang.ingest.service.checks import failures
from beijiang.ingest.service.packing import packed, repetitive
from beijiang.ingest.service.reading import ReadPlan, Source
from beijiang.ingest.store.quarantine import QuarantineWriter
from beijiang.ingest.typing import ColumnType, TypedBatch, TypedSchema, apply_types
from beijiang.kit import Text, ahead
from beijiang.tables import FILE_COLUMN, ROW_COLUMN

__all__ = [
    "CHANGES_FILE",
    "QUARANTINE_FILE",
    "RowWriter",
    "stage",
    "stage_parts",
    "stage_typed",
    "staged_files",
    "staged_schema",
    "typed_batches",
]

CHANGES_FILE: Final = "changes.parquet"
QUARANTINE_FILE: Final = "quarantine.parquet"
_CHANGES: Final = pa.schema([("file", pa.string()), ("row", pa.int64()), ("column", pa.string()), ("raw", pa.string())])
_GROUP_ROWS: Final = 122_880
_FILE_ROWS: Final = 500_000
"""So many that a merge of a few rows rewrites little."""

_TYPING = Text("整理数据", "Typing the rows")
"""Progress names no file: those who watch jobs may not know what a department handed in."""


def staged_schema(schema: TypedSchema) -> pa.Schema:
    """Return the Arrow schema of staged files: all columns nullable, the two technical ones last."""
    fields = []
    for spec in schema.columns:
        mark = {b"beijiang.type": b"geometry"} if spec.type is ColumnType.GEOMETRY else None
        fields.append(spec.to_arrow().with_nullable(True).with_metadata(mark))
    return pa.schema([*fields, pa.field(FILE_COLUMN, pa.string()), pa.field(ROW_COLUMN, pa.int64())])


def staged_files(folder: Path) -> list[Path]:
    """Return the staged files of a step, in order."""
    return sorted(folder.glob("part-*.parquet"))


class RowWriter:
    """Write record batches as a few Parquet files of even row groups; one thread packs while the caller goes on."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="beijiang-stage")
        self._busy: Future[None] | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._held = 0
        self._writer: pq.ParquetWriter | None = None
        self._dictionary: list[str] | None = None
        self._in_file = 0
        self._files = 0
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch in the writer's schema."""
        if batch.num_rows == 0:
            return
        self._waiting.append(batch)
        self._held += batch.num_rows
        self.rows += batch.num_rows
        if self._held >= _GROUP_ROWS:
            self._hand_over()

    def _hand_over(self) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        self._waiting, self._held = [], 0
        if self._busy is not None:
            self._busy.result()
        self._busy = self._pool.submit(self._write, table)

    def _write(self, table: pa.Table) -> None:
        if self._writer is None:
            path = self._folder / f"part-{self._files:05d}.parquet"
            if self._dictionary is None:
                self._dictionary = repetitive(table)
            self._writer = packed(path, self._schema, self._dictionary)
            self._files += 1
        if table.num_rows:
            self._writer.write_table(table, row_group_size=_GROUP_ROWS * 2)
        self._in_file += table.num_rows
        if self._in_file >= _FILE_ROWS:
            self._writer.close()
            self._writer, self._in_file = None, 0

    def close(self) -> None:
        """Write what is left. A writer that got no row still leaves one empty file."""
        try:
            if self._waiting or not self.rows:
                self._hand_over()
            if self._busy is not None:
                self._busy.result()
            if self._writer is not None:
                self._writer.close()
        finally:
            self._pool.shutdown()

    def abandon(self) -> None:
        """Stop without caring for what was written."""
        self._pool.shutdown(cancel_futures=True)


def stage(
    plan: ReadPlan,
    *,
    key: Sequence[str],
    checks: Sequence[CheckSpec],
    raw: Callable[[Source], Iterator[RawBatch]],
    folder: Path,
    tick: Callable[[int, Text], None],
) -> dict[str, Any]:
    """Type all rows of all sources into ``folder``; return the counts per source."""
    typing = TypedSchema(tuple(replace(c, nullable=c.name not in key) for c in plan.schema.columns))
    return stage_typed(
        plan, key=key, typed=lambda source: typed_batches(raw(source), typing, checks, source), folder=folder, tick=tick
    )


def stage_typed(
    plan: ReadPlan,
    *,
    key: Sequence[str],
    typed: Callable[[Source], Iterator[tuple[int, TypedBatch, int]]],
    folder: Path,
    tick: Callable[[int, Text], None],
) -> dict[str, Any]:
    """Write typed rows of all sources into ``folder``; return the counts per source."""

    def stream(source: Source) -> Iterator[tuple[Source, int, TypedBatch, int]]:
        for read, made, size in typed(source):
            yield source, read, made, size

    parts = [lambda source=source: stream(source) for source in plan.sources]
    return stage_parts(plan, key=key, parts=parts, folder=folder, tick=tick)


def stage_parts(
    plan: ReadPlan,
    *,
    key: Sequence[str],
    parts: Sequence[Callable[[], Iterator[tuple[Source, int, TypedBatch, int]]]],
    folder: Path,
    tick: Callable[[int, Text], None],
) -> dict[str, Any]:
    """Do the same for rows that come in parts, each read ahead by a thread of its own; a part may hold several sources.

    ``read`` of a source counts every record that stands in it, ``bad`` those set aside, by reason.
    """
    schema = staged_schema(plan.schema)
    rows = RowWriter(folder, schema)
    read: Counter[int] = Counter()
    reasons: dict[int, Counter[str]] = {source.index: Counter() for source in plan.sources}
    changed = 0
    try:
        with (
            QuarantineWriter(folder / QUARANTINE_FILE) as quarantine,
            pq.ParquetWriter(folder / CHANGES_FILE, _CHANGES, compression="zstd") as changes,
        ):
            for part in parts:
                for source, batch, made, size in ahead(part):
                    read[source.index] += batch
                    rows.add(_with_place(made, source, schema))
                    reasons[source.index].update(b.reason.value for b in made.bad)
                    quarantine.add(_set_aside(b, source, key) for b in made.bad)
                    if made.changes.num_rows:
                        changed += made.changes.num_rows
                        changes.write_table(_change_rows(made, source))
                    tick(size, _TYPING)
        rows.close()
    except BaseException:
        rows.abandon()
        raise
    counts = [{"source": index, "read": read[index], "bad": dict(found)} for index, found in reasons.items()]
    return {"counts": counts, "changed_cells": changed, "staged": rows.rows}


def typed_batches(
    batches: Iterator[RawBatch], schema: TypedSchema, checks: Sequence[CheckSpec], source: Source
) -> Iterator[tuple[int, TypedBatch, int]]:
    """Yield typed batches with the number of records read for each and the bytes of their text."""
    for batch in batches:
        typed = apply_types(batch, schema)
        failed = failures(typed.rows, checks, schema) if checks else {}
        if failed:
            bad = [_failed(typed, batch, position, check, text) for position, (check, text) in failed.items()]
            keep = pa.array([i not in failed for i in range(typed.rows.num_rows)], pa.bool_())
            typed = TypedBatch(
                typed.rows.filter(keep), typed.row_numbers.filter(keep), [*typed.bad, *bad], typed.changes
            )
        read = batch.rows.num_rows + len(batch.bad)
        typed.bad = sorted([*batch.bad, *typed.bad], key=lambda b: b.line)
        if typed.rows.num_rows + len(typed.bad) != read:
            msg = f"{source.label}: {read} records read, {typed.rows.num_rows} good, {len(typed.bad)} bad"
            raise AssertionError(msg)
        yield read, typed, batch.rows.nbytes


def _failed(typed: TypedBatch, batch: RawBatch, position: int, check: CheckSpec, text: Text) -> BadRow:
    line = typed.row_numbers[position].as_py()
    at = pc.index(batch.row_numbers, pa.scalar(line, pa.int64())).as_py()
    raw = tuple(column[at].as_py() or "" for column in batch.rows.columns)
    return BadRow(line, check.column, BadReason.CHECK_FAILED, text, raw)


def _with_place(typed: TypedBatch, source: Source, schema: pa.Schema) -> pa.RecordBatch:
    place = pa.repeat(pa.scalar(source.tag), typed.rows.num_rows)
    return pa.RecordBatch.from_arrays([*typed.rows.columns, place, typed.row_numbers], schema=schema)


def _change_rows(typed: TypedBatch, source: Source) -> pa.Table:
    place = pa.repeat(pa.scalar(source.tag), typed.changes.num_rows)
    return pa.Table.from_arrays([place, *typed.changes.columns], schema=_CHANGES)


def _set_aside(bad: BadRow, source: Source, key: Sequence[str]) -> dict[str, Any]:
    cells = None if isinstance(bad.raw, str) else list(bad.raw)
    return {
        "source": source.index,
        "file": source.sha256,
        "file_name": source.name,
        "inner": source.inner,
        "line": bad.line,
        "column": bad.column,
        "reason": bad.reason.value,
        "zh": bad.text.zh,
        "en": bad.text.en,
        "cells": cells,
        "raw": bad.raw if isinstance(bad.raw, str) else None,
        "key": _key_of(cells, source, key),
    }


def _key_of(cells: list[str] | None, source: Source, key: Sequence[str]) -> str | None:
    """Return the key that a bad row would have had, if its cells stand where they should."""
    if not key or cells is None or len(cells) != len(source.columns) or not set(key) <= set(source.columns):
        return None
    parts = [cells[source.columns.index(c)] for c in key]
    return KEY_SEPARATOR.join(parts) if all(parts) else None
