"""Turn batches of text into typed batches; what does not fit its type goes to the bad rows, what was rewritten is kept.

The canonical text of a value is: an integer without separators or plus sign; a decimal without trailing zeros, or
with exactly ``scale`` digits where the column is ``fixed`` (a percent column ends in %); a day as 2003-01-02; an
instant as 2003-01-02 03:04:05 in Beijing time; true and false. A raw text that differs from it is recorded as a
change, so that every raw text is either the canonical text of its value, in the changes, or in the bad rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from beijiang.ingest.readers.contract import BadReason, BadRow, RawBatch
from beijiang.ingest.typing.batches import TypedBatch
from beijiang.ingest.typing.inference import GROUPED, ISO_DAY, ISO_TIME, NUMBER
from beijiang.ingest.typing.schema import ColumnSpec, ColumnType, TypedSchema
from beijiang.ingest.typing.spelling import MISSING, to_boolean, to_date, to_number, to_timestamp
from beijiang.kit import Text

__all__ = ["CHANGES", "apply_types"]

CHANGES = pa.schema([("row", pa.int64()), ("column", pa.string()), ("raw", pa.string())])
"""One line for each cell whose raw text differs from the canonical text of its value."""
_UNTYPED = (ColumnType.TEXT, ColumnType.GEOMETRY)
_MISSING_LIST = pl.Series(sorted(MISSING))
_NAMES = {
    ColumnType.INTEGER: ("整数", "a whole number"),
    ColumnType.DECIMAL: ("数值", "a number"),
    ColumnType.DOUBLE: ("数值", "a number"),
    ColumnType.BOOLEAN: ("true 或 false", "true or false"),
    ColumnType.DATE: ("日期", "a date"),
    ColumnType.TIMESTAMP: ("日期时间", "a date and time"),
}


@dataclass(slots=True)
class _Cast:
    """One typed column with, for each row, whether it failed and whether its text was rewritten."""

    values: pl.Series
    failed: pl.Series
    changed: pl.Series


def apply_types(batch: RawBatch, schema: TypedSchema) -> TypedBatch:
    """Type ``batch`` by ``schema``: columns are matched by name, one that the batch lacks becomes null.

    A row with a cell that does not read as its column's type becomes a bad row (``untypable``; ``missing_key`` where
    the column must not be null), with that column named and the whole raw row kept.
    """
    height = batch.rows.num_rows
    have = set(batch.rows.schema.names)
    typed = [c for c in schema.columns if c.type not in _UNTYPED and c.name in have]
    casts = _cast_all(batch, typed)
    bad: dict[int, tuple[ColumnSpec, BadReason]] = {}
    for spec in schema.columns:
        cast = casts.get(spec.name)
        if cast is not None and cast.failed.any():
            for index in cast.failed.arg_true().to_list():
                bad.setdefault(index, (spec, BadReason.UNTYPABLE))
        if not spec.nullable:
            for index in _null_rows(batch, spec, cast):
                bad.setdefault(index, (spec, BadReason.MISSING_KEY))
    arrays = [_array(spec, batch, casts.get(spec.name), height) for spec in schema.columns]
    # A bad row's cells may break a not-null field until the row is taken out.
    loose = pa.schema([field.with_nullable(True) for field in schema.to_arrow()])
    rows = pa.RecordBatch.from_arrays(arrays, schema=loose)
    numbers = batch.row_numbers
    keep = None
    if bad:
        keep = pa.array([i not in bad for i in range(height)], pa.bool_())
        rows, numbers = rows.filter(keep), numbers.filter(keep)
    rows = pa.RecordBatch.from_arrays(rows.columns, schema=schema.to_arrow())
    return TypedBatch(rows, numbers, _bad_rows(batch, bad), _changes(batch, casts, keep))


def _cast_all(batch: RawBatch, typed: list[ColumnSpec]) -> dict[str, _Cast]:
    """Cast the typed columns: one parallel pass for well-written cells, then the odd ones of each column."""
    if not typed:
        return {}
    frame = pl.from_arrow(pa.table({c.name: batch.rows.column(c.name) for c in typed}))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101  # from_arrow of a table gives a frame
    exprs = []
    plain = frame.select([_plain(spec).alias(spec.name) for spec in typed]).row(0)
    for index, spec in enumerate(typed):
        if plain[index]:
            exprs.append(pl.col(spec.name).cast(_PLAIN_TYPES.get(spec.type) or _decimal(spec)).alias(f"v{index}"))
            exprs.append(pl.lit(value=False).alias(f"c{index}"))
            continue
        value, canonical = _fast(spec)
        raw = pl.col(spec.name)
        exprs.append(value.alias(f"v{index}"))
        exprs.append((raw.is_not_null() & ~canonical).fill_null(value=False).alias(f"c{index}"))
    out = frame.select(exprs)
    result: dict[str, _Cast] = {}
    for index, spec in enumerate(typed):
        cells, values = frame[spec.name], out[f"v{index}"]
        failed = values.is_null() & cells.is_not_null()
        if failed.any():
            values, failed = _slow(spec, cells, values, failed)
        changed = out[f"c{index}"]
        result[spec.name] = _Cast(values, failed, changed)
    return result


_PLAIN_TYPES = {ColumnType.INTEGER: pl.Int64()}


def _plain(spec: ColumnSpec) -> pl.Expr:
    """Tell whether every cell is written plainly, so that a bare cast will do and nothing is rewritten."""
    raw = pl.col(spec.name)
    if spec.type is ColumnType.INTEGER:
        return raw.str.contains(r"^(?:0|-?[1-9][0-9]{0,17})$").all()
    whole = 18 if (spec.precision or 18) > 18 else 18 - (spec.scale or 0)  # noqa: PLR2004  # digits of a short decimal
    if spec.type is ColumnType.DECIMAL and spec.fixed and spec.scale and not spec.percent and whole > 1:
        return raw.str.contains(rf"^(?:0|-?[1-9][0-9]{{0,{whole - 1}}})\.[0-9]{{{spec.scale}}}$").all()
    return pl.lit(value=False)


def _decimal(spec: ColumnSpec) -> pl.Decimal:
    return pl.Decimal(spec.precision or 18, spec.scale or 0)


def _fast(spec: ColumnSpec) -> tuple[pl.Expr, pl.Expr]:
    """Return the value of well-written cells (null for others), and whether the cell is the canonical text."""
    raw = pl.col(spec.name)
    if spec.type is ColumnType.INTEGER:
        canonical = raw.str.contains(r"^(?:0|-?[1-9][0-9]*)$")
        return pl.when(canonical).then(raw).cast(pl.Int64, strict=False), canonical
    if spec.type is ColumnType.DECIMAL:
        return _fast_decimal(spec, raw)
    if spec.type is ColumnType.DOUBLE:
        known = raw.str.contains(NUMBER) & pl.lit(not spec.percent)
        value = pl.when(known).then(raw).cast(pl.Float64, strict=False)
        return value, (value.cast(pl.String) == raw).fill_null(value=False)
    if spec.type is ColumnType.BOOLEAN:
        value = pl.when(raw == "true").then(True).when(raw == "false").then(False)
        return value, value.is_not_null()
    if spec.type is ColumnType.DATE:
        value = pl.when(raw.str.contains(ISO_DAY)).then(raw).str.to_date("%Y-%m-%d", strict=False)
        return value, value.is_not_null()
    text = pl.when(raw.str.contains(ISO_TIME)).then(raw).str.replace("T", " ", literal=True)
    local = text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    value = local.dt.replace_time_zone("Asia/Shanghai", ambiguous="earliest", non_existent="null")
    return value.dt.convert_time_zone("UTC"), raw.str.contains("^.{10} ") & value.is_not_null()


def _fast_decimal(spec: ColumnSpec, raw: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    scale, sign = spec.scale or 0, "%" if spec.percent else ""
    some = rf"(?:\.[0-9]{{1,{scale}}})?" if scale else ""
    well = raw.str.contains(rf"^-?(?:0|[1-9][0-9]*){some}{sign}$")
    text = raw.str.strip_suffix("%") if spec.percent else raw
    value = pl.when(well).then(text).cast(_decimal(spec), strict=False)
    if spec.fixed and scale:
        canonical = raw.str.contains(rf"^(?:-?[1-9][0-9]*|-?0)\.[0-9]{{{scale}}}{sign}$") & ~raw.str.contains(
            r"^-[0.]+%?$"
        )
    else:
        canonical = raw.str.contains(rf"^(?:0|-?[1-9][0-9]*|-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9]){sign}$")
    return value, canonical & value.is_not_null()


def _slow(spec: ColumnSpec, raw: pl.Series, values: pl.Series, failed: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Read the cells that the fast path did not know: each distinct spelling once."""
    odd = raw.filter(failed)
    if spec.type in {ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.DOUBLE} and not spec.percent:
        whole = GROUPED if spec.type is not ColumnType.INTEGER else GROUPED.replace(r"(?:\.[0-9]+)?", "")
        if spec.type is ColumnType.DECIMAL:
            whole = whole.replace(r"(?:\.[0-9]+)?", rf"(?:\.[0-9]{{1,{spec.scale}}})?" if spec.scale else "")
        grouped = odd.str.contains(whole)
        if grouped.sum() > odd.len() // 4:
            bare = pl.select(pl.when(failed & raw.str.contains(whole)).then(raw.str.replace_all(",", "", literal=True)))
            values = values.zip_with(~failed, bare.to_series().cast(values.dtype, strict=False))
            failed = values.is_null() & raw.is_not_null()
            odd = raw.filter(failed)
    read = _reader(spec)
    distinct = odd.unique().to_list()
    known = {text: read(text) for text in distinct}
    missing = [text for text in distinct if known[text] is None and text.strip() in MISSING]
    found = {text: value for text, value in known.items() if value is not None}
    if found:
        keys = pl.Series(list(found), dtype=pl.String)
        filled = raw.replace_strict(keys, pl.Series(list(found.values()), dtype=values.dtype), default=None)
        values = values.zip_with(~failed, filled)
    still = values.is_null() & raw.is_not_null()
    if missing or any(not text.strip() for text in distinct):
        gone = pl.Series([*missing, *(t for t in distinct if not t.strip())], dtype=pl.String)
        still &= ~raw.is_in(gone.implode()).fill_null(value=False)
    return values, still


def _reader(spec: ColumnSpec) -> Callable[[str], int | float | Decimal | bool | date | datetime | None]:
    kind = spec.type
    if kind is ColumnType.BOOLEAN:
        return to_boolean
    if kind is ColumnType.DATE:
        return to_date
    if kind is ColumnType.TIMESTAMP:
        return to_timestamp

    def number(raw: str) -> int | float | Decimal | None:
        found = to_number(raw)
        if found is None or found.percent is not spec.percent:
            return None
        if kind is ColumnType.DOUBLE:
            return float(found.value)
        scale = spec.scale or 0 if kind is ColumnType.DECIMAL else 0
        exact = found.value.normalize()
        if max(0, -int(exact.as_tuple().exponent)) > scale:
            return None
        if kind is ColumnType.INTEGER:
            return int(exact) if -(2**63) <= exact < 2**63 else None
        return (
            found.value.quantize(Decimal(1).scaleb(-scale)) if found.whole + scale <= (spec.precision or 18) else None
        )

    return number


def _null_rows(batch: RawBatch, spec: ColumnSpec, cast: _Cast | None) -> list[int]:
    if cast is not None:
        return (cast.values.is_null() & ~cast.failed).arg_true().to_list()
    if spec.name not in batch.rows.schema.names:
        return list(range(batch.rows.num_rows))
    found: list[int] = pc.indices_nonzero(pc.is_null(batch.rows.column(spec.name))).to_pylist()
    return found


def _array(spec: ColumnSpec, batch: RawBatch, cast: _Cast | None, height: int) -> pa.Array:
    kind = spec.to_arrow().type
    if cast is not None:
        array = cast.values.to_arrow()
        return array if array.type == kind else array.cast(kind)
    return batch.rows.column(spec.name) if spec.name in batch.rows.schema.names else pa.nulls(height, kind)


def _bad_rows(batch: RawBatch, bad: dict[int, tuple[ColumnSpec, BadReason]]) -> list[BadRow]:
    if not bad:
        return []
    order = sorted(bad)
    taken = batch.rows.take(pa.array(order, pa.int64()))
    columns = [column.to_pylist() for column in taken.columns]
    lines = batch.row_numbers.take(pa.array(order, pa.int64())).to_pylist()
    names = batch.rows.schema.names
    result = []
    for position, index in enumerate(order):
        spec, reason = bad[index]
        raw = tuple(column[position] or "" for column in columns)
        cell = raw[names.index(spec.name)] if spec.name in names else ""
        result.append(BadRow(lines[position], spec.name, reason, _why(spec, reason, cell), raw))
    return result


def _why(spec: ColumnSpec, reason: BadReason, cell: str) -> Text:
    if reason is BadReason.MISSING_KEY:
        return Text(f"“{spec.name}”不能为空", f'"{spec.name}" must not be empty')
    zh, en = _NAMES[spec.type]
    shown = cell if len(cell) <= 40 else f"{cell[:40]}…"  # noqa: PLR2004  # enough to recognise the cell by
    scale = f"（最多 {spec.scale} 位小数）" if spec.type is ColumnType.DECIMAL else ""
    scale_en = f" of at most {spec.scale} decimals" if spec.type is ColumnType.DECIMAL else ""
    if spec.type in {ColumnType.INTEGER, ColumnType.DECIMAL} and _is_number_for(spec, cell):
        return Text(
            f"“{spec.name}”的值“{shown}”超出表中该列的类型：{zh}{scale}。若数据无误，请用整表替换（replace）放宽该列",
            f'"{shown}" in "{spec.name}" is more than the column of the table takes: {en}{scale_en}. '
            "If the value is right, widen the column by replacing the table",
        )
    sign, sign_en = ("百分数", " in percent") if spec.percent else ("", "")
    return Text(
        f"“{spec.name}”的值“{shown}”不是{sign or zh}{scale}",
        f'"{shown}" in "{spec.name}" is not {en}{scale_en}{sign_en}',
    )


def _is_number_for(spec: ColumnSpec, cell: str) -> bool:
    """Tell a number that is too fine or too large for the column from what is no number."""
    found = to_number(cell)
    return found is not None and found.percent is spec.percent


def _changes(batch: RawBatch, casts: dict[str, _Cast], keep: pa.BooleanArray | None) -> pa.RecordBatch:
    rows, names, raws = [], [], []
    for name, cast in casts.items():
        if not cast.changed.any():
            continue
        mask = cast.changed.to_arrow()
        if keep is not None:
            mask = pc.and_(mask, keep)
        lines = batch.row_numbers.filter(mask)
        rows.append(lines)
        names.append(pa.repeat(pa.scalar(name), len(lines)))
        raws.append(batch.rows.column(name).filter(mask))
    if not rows:
        return pa.RecordBatch.from_arrays([pa.array([], f.type) for f in CHANGES], schema=CHANGES)
    columns = [pa.concat_arrays(rows), pa.concat_arrays(names), pa.concat_arrays(raws)]
    return pa.RecordBatch.from_arrays(columns, schema=CHANGES)
