"""Make what a connector delivers fit the columns of the table, row by row: nothing is bent, what does not fit is set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from beijiang.ingest.readers import BadReason, BadRow, RawBatch
from beijiang.ingest.readers.columnar import text_column
from beijiang.ingest.typing import ColumnType, TypedBatch, TypedSchema, apply_types
from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["conform", "conformed"]

_NO_CHANGES: Final = pa.RecordBatch.from_pylist(
    [], pa.schema([("row", pa.int64()), ("column", pa.string()), ("raw", pa.string())])
)
"""A source's values are kept as they come, so no cell has another raw text."""
_DAYS: Final = (-719_162, 2_932_896)
"""Year 1 to year 9999, in days since 1970."""
_MICROSECONDS: Final = tuple(day * 86_400_000_000 for day in (_DAYS[0], _DAYS[1] + 1))


def conformed(
    batches: Iterable[pa.RecordBatch], schema: TypedSchema, key: Sequence[str]
) -> Iterator[tuple[int, TypedBatch, int]]:
    """Yield typed batches with the number of rows that came for each and their bytes; rows count from 1."""
    at = 1
    for batch in batches:
        yield batch.num_rows, conform(batch, schema, key, at), batch.nbytes
        at += batch.num_rows


def conform(batch: pa.RecordBatch, schema: TypedSchema, key: Sequence[str], first: int) -> TypedBatch:
    """Return the rows of one batch in the types of ``schema``, and those that do not fit with the reason."""
    numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
    wanted = {spec.name: spec.to_arrow().type for spec in schema.columns}
    texts = [n for n, kind in wanted.items() if batch.column(n).type != kind and pa.types.is_string(batch.column(n).type)]
    columns: dict[str, pa.Array] = {
        name: batch.column(name).cast(kind) for name, kind in wanted.items() if name not in texts
    }
    bad: dict[int, BadRow] = {}
    kept = numbers
    if texts:
        raw = RawBatch(batch.select(texts), numbers)
        typed = apply_types(raw, TypedSchema(tuple(c for c in schema.columns if c.name in texts)))
        bad |= {b.line: b for b in typed.bad}
        kept = typed.row_numbers
        if bad:
            inside = pc.is_in(numbers, kept)
            columns = {name: column.filter(inside) for name, column in columns.items()}
        columns |= {name: typed.rows.column(name) for name in texts}
    fits = pa.array([True] * len(kept), pa.bool_())
    for spec in schema.columns:
        reason, text, fine = _judged(columns[spec.name], spec.name, spec.type, is_key=spec.name in key)
        if fine is not None and not pc.all(fine, min_count=0).as_py():
            for line in kept.filter(pc.invert(fine)).to_pylist():
                bad.setdefault(line, BadRow(line, spec.name, reason, text, ""))
            fits = pc.and_(fits, fine)
    rows = pa.RecordBatch.from_arrays([columns[n] for n in wanted], names=list(wanted))
    if not pc.all(fits, min_count=0).as_py():
        rows, kept = rows.filter(fits), kept.filter(fits)
    told = [_with_cells(b, batch, first) for _, b in sorted(bad.items())]
    return TypedBatch(rows, kept, told, _NO_CHANGES)


def _judged(column: pa.Array, name: str, kind: ColumnType, *, is_key: bool) -> tuple[BadReason, Text, Any]:
    """Return which rows of a column may stay, and what is wrong with the others."""
    if is_key and column.null_count:
        text = Text(f"主键列“{name}”为空。", f'The key column "{name}" is empty.')
        return BadReason.MISSING_KEY, text, pc.is_valid(column)
    if kind in {ColumnType.DATE, ColumnType.TIMESTAMP}:
        low, high = _DAYS if kind is ColumnType.DATE else _MICROSECONDS
        number = column.cast(pa.int32()).cast(pa.int64()) if kind is ColumnType.DATE else column.cast(pa.int64())
        inside = pc.and_(pc.greater_equal(number, low), pc.less_equal(number, high))
        text = Text(
            f"列“{name}”的日期无法保存（无穷或不在公元 1 至 9999 年之间）。",
            f'The date in column "{name}" cannot be kept (infinite, or not in the years 1 to 9999).',
        )
        return BadReason.UNTYPABLE, text, pc.fill_null(inside, fill_value=True)
    return BadReason.UNTYPABLE, Text("", ""), None


def _with_cells(bad: BadRow, batch: pa.RecordBatch, first: int) -> BadRow:
    """Return a bad row with all cells of its record as text."""
    row = batch.slice(bad.line - first, 1)
    cells = tuple(_cell(column) for column in row.columns)
    return BadRow(bad.line, bad.column, bad.reason, bad.text, cells)


def _cell(column: pa.Array) -> str:
    try:
        return text_column(column)[0].as_py() or ""
    except (pa.ArrowInvalid, OverflowError, ValueError):
        return str(column.cast(pa.int64() if pa.types.is_timestamp(column.type) else pa.int32())[0].as_py())
