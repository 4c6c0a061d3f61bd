"""Make what a connector delivers fit the columns of the table, row by row: nothing is bent, what does not fit is set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from beijiang.ingest.readers import BadReason, BadRow
from beijiang.ingest.readers.columnar import text_column
from beijiang.ingest.typing import ColumnSpec, ColumnType, TypedBatch, TypedSchema
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
_MICROSECONDS: Final = (_DAYS[0] * 86_400_000_000, (_DAYS[1] + 1) * 86_400_000_000 - 1)
_WORDS: Final = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}


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
    numbers = pa.array(np.arange(first, first + batch.num_rows, dtype=np.int64))
    fits: Any = pa.scalar(value=True)
    bad: dict[int, BadRow] = {}
    columns = []
    for spec in schema.columns:
        came = batch.column(spec.name)
        column = _typed(came, spec)
        columns.append(column)
        for reason, text, fine in _judged(came, column, spec, is_key=spec.name in key):
            if not pc.all(fine, min_count=0).as_py():
                for line in numbers.filter(pc.invert(fine)).to_pylist():
                    bad.setdefault(line, BadRow(line, spec.name, reason, text, ""))
                fits = pc.and_(fits, fine)
    rows = pa.RecordBatch.from_arrays(columns, names=list(schema.names))
    if bad:
        rows, numbers = rows.filter(fits), numbers.filter(fits)
    told = [_with_cells(b, batch, first) for _, b in sorted(bad.items())]
    return TypedBatch(rows, numbers, told, _NO_CHANGES)


def _typed(column: pa.Array, spec: ColumnSpec) -> pa.Array:
    """Return a column in its type; a text that is no value of it becomes null, which ``_judged`` notices."""
    wanted = spec.to_arrow().type
    if column.type == wanted:
        return column
    reader = _READERS.get(spec.type) if pa.types.is_string(column.type) else None
    return column.cast(wanted) if reader is None else reader(column, spec).cast(wanted)


def _day(column: pa.Array, _spec: ColumnSpec) -> pa.Array:
    return pl.Series(column).str.to_datetime("%Y-%m-%d", strict=False, time_unit="us").to_arrow()


def _moment(column: pa.Array, _spec: ColumnSpec) -> pa.Array:
    read = pl.Series(column).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    return read.dt.replace_time_zone("UTC").to_arrow()


def _boolean(column: pa.Array, _spec: ColumnSpec) -> pa.Array:
    return pl.Series(column).replace_strict(_WORDS, default=None, return_dtype=pl.Boolean).to_arrow()


def _double(column: pa.Array, _spec: ColumnSpec) -> pa.Array:
    return pl.Series(column).cast(pl.Float64, strict=False).to_arrow()


def _integer(column: pa.Array, spec: ColumnSpec) -> pa.Array:
    return pl.Series(_only_numbers(column, spec)).cast(pl.Int64, strict=False).to_arrow()


def _decimal(column: pa.Array, spec: ColumnSpec) -> pa.Array:
    """Read exact decimals; zeros beyond the scale are no digits."""
    scale = spec.scale or 0
    if pc.all(pc.match_substring_regex(column, _plain_decimal(spec)), min_count=0).as_py():
        return column.cast(pa.decimal128(38, scale))
    exact = pc.replace_substring_regex(_only_numbers(column, spec), rf"(\.[0-9]{{{scale}}})0+$", r"\1")
    return exact.cast(pa.decimal128(38, scale))


_READERS: Final = {
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _day,
    ColumnType.DECIMAL: _decimal,
    ColumnType.DOUBLE: _double,
    ColumnType.INTEGER: _integer,
    ColumnType.TIMESTAMP: _moment,
}


def _only_numbers(column: pa.Array, spec: ColumnSpec) -> pa.Array:
    fits = pc.fill_null(_is_number(column, spec), fill_value=False)
    return pc.if_else(fits, column, pa.scalar(None, pa.string()))


def _plain_decimal(spec: ColumnSpec) -> str:
    """Return the pattern of decimals as databases write them: they can be read without another look."""
    scale = spec.scale or 0
    whole = (spec.precision or 18) - scale
    digits = rf"(0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
    return rf"^-?{digits}(\.[0-9]{{1,{scale}}})?$" if scale else rf"^-?{digits}$"


def _is_number(column: pa.Array, spec: ColumnSpec) -> pa.Array:
    """Tell which texts are numbers that the column holds to the last digit."""
    if spec.type is ColumnType.INTEGER:
        return pc.match_substring_regex(column, r"^-?[0-9]{1,19}$")
    scale = spec.scale or 0
    whole = (spec.precision or 18) - scale
    digits = rf"(0|0*[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
    point = rf"(\.[0-9]{{1,{scale}}}0*)?" if scale else r"(\.0+)?"
    return pc.match_substring_regex(column, rf"^-?{digits}{point}$")


def _judged(
    came: pa.Array, column: pa.Array, spec: ColumnSpec, *, is_key: bool
) -> Iterator[tuple[BadReason, Text, Any]]:
    """Yield, for each way in which values of a column can be wrong, what is wrong and which rows are not."""
    name = spec.name
    if column.null_count > came.null_count:
        text = Text(
            f"列“{name}”的值不是表中该列的类型（{spec.type.value}），原值未改动。",
            f'A value in column "{name}" is none of the column\'s type ({spec.type.value}); it was not changed.',
        )
        yield BadReason.UNTYPABLE, text, pc.or_(pc.is_valid(column), pc.is_null(came))
    if is_key and came.null_count:
        text = Text(f"主键列“{name}”为空。", f'The key column "{name}" is empty.')
        yield BadReason.MISSING_KEY, text, pc.is_valid(came)
    if spec.type in {ColumnType.DATE, ColumnType.TIMESTAMP}:
        low, high = _DAYS if spec.type is ColumnType.DATE else _MICROSECONDS
        number = column.cast(pa.int32()).cast(pa.int64()) if spec.type is ColumnType.DATE else column.cast(pa.int64())
        inside = pc.and_(pc.greater_equal(number, low), pc.less_equal(number, high))
        text = Text(
            f"列“{name}”的日期无法保存（无穷或不在公元 1 至 9999 年之间）。",
            f'The date in column "{name}" cannot be kept (infinite, or not in the years 1 to 9999).',
        )
        yield BadReason.UNTYPABLE, text, pc.fill_null(inside, fill_value=True)


def _with_cells(bad: BadRow, batch: pa.RecordBatch, first: int) -> BadRow:
    """Return a bad row with all cells of its record as text."""
    row = batch.slice(bad.line - first, 1)
    return BadRow(bad.line, bad.column, bad.reason, bad.text, tuple(_cell(column) for column in row.columns))


def _cell(column: pa.Array) -> str:
    try:
        return text_column(column)[0].as_py() or ""
    except (pa.ArrowInvalid, OverflowError, ValueError):
        return str(column.cast(pa.int64() if pa.types.is_timestamp(column.type) else pa.int32())[0].as_py())
