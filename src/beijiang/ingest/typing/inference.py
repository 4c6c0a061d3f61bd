"""Decide the type of every column from all of its values, in one vectorised pass.

Most values are counted by expressions over whole columns; only spellings that no fast expression knows are looked
at one by one, and each distinct spelling once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

import polars as pl
import pyarrow as pa

from beijiang.ingest.readers.contract import RawBatch
from beijiang.ingest.typing.schema import ColumnSpec, ColumnType, TypedSchema
from beijiang.ingest.typing.spelling import (
    MISSING,
    is_identifier_name,
    is_measure_name,
    says_date,
    to_date,
    to_number,
    to_timestamp,
)

__all__ = ["TypeInference"]

SHARE = 0.98
_UNIT = 100_000
_MOSTLY = 0.5
_MAX_PRECISION = 38
_PLAIN_PRECISION = 18
_MAX_SCALE = 12
_LONG_DIGITS = 15
_PROVINCES = "1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]"
_CODE_LENGTHS = (6, 9, 12)

NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
ISO_DAY = r"^[12][0-9]{3}-[01][0-9]-[0-3][0-9]$"
ISO_TIME = r"^[12][0-9]{3}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-5][0-9]:[0-5][0-9]$"
GROUPED = r"^-?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?$"
BOOLEAN = r"(?i)^(?:true|false)$"
ZERO_LED = r"^0[0-9]+$"
_MARKS = r"\s0-9０-９+＋\-－−–﹣,，.．%％eEＥ年月日号时点分秒/／T:：Z"
PLAUSIBLE = rf"^[{_MARKS}]*[0-9０-９][{_MARKS}]*$"


@dataclass(slots=True)
class _Tally:
    """What has been counted of one column."""

    values: int = 0
    missing: int = 0
    booleans: int = 0
    numbers: int = 0
    percents: int = 0
    exponents: int = 0
    leading_zeros: int = 0
    days: int = 0
    midnights: int = 0
    instants: int = 0
    compact_days: int = 0
    serials: int = 0
    whole_digits: int = 0
    max_scale: int = 0
    min_scale: int = 99
    phones: int = 0
    region_codes: int = 0
    long_numbers: int = 0
    lengths: tuple[int, int] = (1 << 30, 0)
    implausible: int = 0
    """Texts that begin like a value and are none. What most values were so far is looked for first in the next ones."""


class TypeInference:
    """Count every value of every column; ``decide`` when all batches have been seen.

    ``share`` of a column's non-missing values must read as a type for the column to get it; the others then become
    bad rows. Below that the column is text.
    """

    def __init__(
        self, columns: tuple[str, ...], *, share: float = SHARE, geometry: frozenset[str] = frozenset()
    ) -> None:
        self.columns = columns
        self.share = share
        self.geometry = geometry
        self.open = [c for c in columns if c not in geometry and not is_identifier_name(c)]
        self.tally = {c: _Tally() for c in columns}
        self.rows = 0
        self.waiting: list[pa.RecordBatch] = []

    def observe(self, batch: RawBatch) -> None:
        """Count the values of one batch; small batches wait until there are enough rows to count at once."""
        self.rows += batch.rows.num_rows
        if not self.open or not batch.rows.num_rows:
            return
        self.waiting.append(batch.rows.select(self.open))
        if sum(rows.num_rows for rows in self.waiting) >= _UNIT:
            self._count()

    def _count(self) -> None:
        if not self.waiting:
            return
        frame = pl.from_arrow(pa.Table.from_batches(self.waiting))
        self.waiting = []
        assert isinstance(frame, pl.DataFrame)  # noqa: S101  # from_arrow of a table gives a frame
        for name in self.open:
            column, tally = frame[name].drop_nulls(), self.tally[name]
            before = tally.values
            tally.values += column.len()
            if tally.days > before * _MOSTLY:
                column = _add_days(tally, column)
            if tally.numbers <= before * _MOSTLY:
                column = column.filter(column.str.contains(_LIKELY))
            if tally.implausible > before * _MOSTLY:
                column = _add_implausible(tally, column)
            plain = column.str.contains(NUMBER)
            if plain.any():
                _add_plain(tally, _without(column, ~plain))
            if not plain.all():
                _add_rest(tally, _without(column, plain))

    def decide(self) -> TypedSchema:
        """Return the schema that all observed values support."""
        self._count()
        return TypedSchema(tuple(self._decide(c) for c in self.columns))

    def _decide(self, name: str) -> ColumnSpec:
        if name in self.geometry:
            return ColumnSpec(name, ColumnType.GEOMETRY)
        text = ColumnSpec(name, ColumnType.TEXT)
        tally = self.tally[name]
        present = tally.values - tally.missing
        if name not in self.open or present <= 0:
            return text
        enough = present * self.share
        if tally.booleans >= enough:
            return ColumnSpec(name, ColumnType.BOOLEAN)
        return self._decide_date(name, tally, enough) or self._decide_number(name, tally, enough) or text

    def _decide_date(self, name: str, tally: _Tally, enough: float) -> ColumnSpec | None:
        bare = 0
        if says_date(name):
            bare = tally.compact_days + tally.serials
        elif tally.compact_days == tally.values - tally.missing and not is_measure_name(name):
            bare = tally.compact_days
        if tally.days + tally.instants + bare < enough:
            return None
        return ColumnSpec(name, ColumnType.TIMESTAMP if tally.instants > tally.midnights else ColumnType.DATE)

    def _decide_number(self, name: str, tally: _Tally, enough: float) -> ColumnSpec | None:
        percent = tally.percents >= enough
        if (tally.percents if percent else tally.numbers) < enough or _is_code(name, tally):
            return None
        if tally.exponents or tally.max_scale > _MAX_SCALE or tally.whole_digits + tally.max_scale > _MAX_PRECISION:
            return ColumnSpec(name, ColumnType.DOUBLE, percent=percent)
        if tally.max_scale == 0 and tally.whole_digits <= _PLAIN_PRECISION and not percent:
            return ColumnSpec(name, ColumnType.INTEGER)
        small = tally.whole_digits + tally.max_scale <= _PLAIN_PRECISION
        return ColumnSpec(
            name,
            ColumnType.DECIMAL,
            precision=_PLAIN_PRECISION if small else _MAX_PRECISION,
            scale=tally.max_scale,
            percent=percent,
            fixed=tally.min_scale == tally.max_scale,
        )


def _is_code(name: str, tally: _Tally) -> bool:
    """Tell codes from amounts by their digits: zeros in front, 15 digits and more, mobile numbers, region codes."""
    numbers = tally.numbers or 1
    if tally.leading_zeros > numbers * 0.001 or (tally.leading_zeros and tally.lengths[0] == tally.lengths[1]):
        return True
    if tally.max_scale:
        return False
    if tally.long_numbers >= numbers * 0.5 or tally.phones >= numbers * SHARE:
        return True
    same_length = tally.lengths[0] == tally.lengths[1] and tally.lengths[1] in _CODE_LENGTHS
    return same_length and tally.region_codes >= numbers * SHARE and not is_measure_name(name)


_MISSING_LIST = pl.Series(sorted(MISSING))
_MIDNIGHT = time(0)
_LIKELY = (
    "^["
    + "".join(rf"\x{{{ord(c):x}}}" for c in sorted({m[0] for m in MISSING} | set("tTfF+＋.．﹣－−-")))
    + r"\s0-9０-９]"
)
"""The first characters of everything that can be typed or missing: most texts fail here, at once."""
_MARKER_BYTES = max(len(m.encode()) for m in MISSING)
_SHAPES = (
    (5, "^[1-7]", "serials"),
    (8, "^[12][0-9]{3}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])$", "compact_days"),
    (11, "^1[3-9]", "phones"),
    *((length, f"^(?:{_PROVINCES})", "region_codes") for length in _CODE_LENGTHS),
)
"""(digits, what they begin with, where it is counted) of whole numbers that may be something else."""


def _add_plain(tally: _Tally, column: pl.Series) -> None:
    """Count plainly written numbers: digits before and after the point, and the shapes that codes have."""
    raw = pl.col(column.name)
    shape = column.to_frame().select(
        size=raw.str.len_bytes().cast(pl.Int64),
        point=raw.str.find(".", literal=True).cast(pl.Int64),
        minus=raw.str.starts_with("-").cast(pl.Int64),
    )
    size, point, minus = pl.col("size"), pl.col("point"), pl.col("minus")
    scale, integer = (size - point - 1).fill_null(0), point.is_null()
    numbers = shape.select(
        digits=(point.fill_null(size) - minus).max(),
        max_scale=scale.max(),
        min_scale=scale.min(),
        shortest=size.min(),
        longest=size.max(),
        long=(integer & (size - minus >= _LONG_DIGITS)).sum(),
    ).row(0, named=True)
    tally.numbers += column.len()
    tally.whole_digits = max(tally.whole_digits, numbers["digits"])
    tally.max_scale = max(tally.max_scale, numbers["max_scale"])
    tally.min_scale = min(tally.min_scale, numbers["min_scale"])
    tally.long_numbers += numbers["long"]
    tally.lengths = (min(tally.lengths[0], numbers["shortest"]), max(tally.lengths[1], numbers["longest"]))
    whole = shape.select(size=size, whole=integer & (minus == 0))
    for length, pattern, field in _SHAPES:
        if numbers["shortest"] <= length <= numbers["longest"]:
            like = column.filter((whole["size"] == length) & whole["whole"]).str.contains(pattern)
            setattr(tally, field, getattr(tally, field) + int(like.sum()))


def _add_rest(tally: _Tally, rest: pl.Series) -> None:
    """Count what is not a plainly written number: dates, markers, and odd spellings one by one."""
    numeric = _add_days(tally, _add_implausible(tally, rest))
    timed = numeric.str.contains(ISO_TIME)
    if timed.any():
        text = numeric.filter(timed).str.replace("T", " ", literal=True)
        moments = text.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
        tally.instants += int(moments.is_not_null().sum())
        tally.midnights += int((moments.dt.time() == _MIDNIGHT).sum())
        numeric = _without(numeric, timed)
    if not numeric.len():
        return
    zeros = numeric.str.contains(ZERO_LED)
    _add_zero_led(tally, numeric.filter(zeros))
    numeric = numeric.filter(~zeros)
    grouped = numeric.str.contains(GROUPED)
    _add_grouped(tally, numeric.filter(grouped))
    for spelling, count in _distinct(numeric.filter(~grouped)):
        _add_odd(tally, spelling, count)


def _add_implausible(tally: _Tally, column: pl.Series) -> pl.Series:
    """Count markers, booleans and texts that are no number and no date; return the others."""
    low = column.filter(column.str.len_bytes() <= _MARKER_BYTES)
    if low.len():
        raw = pl.col(low.name)
        seen = low.to_frame().select(
            missing=(raw.is_in(_MISSING_LIST.implode()) | raw.str.contains(r"^\s+$")).sum(),
            booleans=raw.str.contains(BOOLEAN).sum(),
        )
        missing, booleans = seen.row(0)
        tally.missing += missing
        tally.booleans += booleans
    plausible = column.str.contains(PLAUSIBLE)
    rest = _without(column, ~plausible)
    tally.implausible += column.len() - rest.len()
    return rest


def _add_days(tally: _Tally, column: pl.Series) -> pl.Series:
    """Count days written as 2003-01-02; return the others, those that no calendar has among them left out."""
    iso = column.str.contains(ISO_DAY)
    if not iso.any():
        return column
    tally.days += int(_without(column, ~iso).str.to_date("%Y-%m-%d", strict=False).is_not_null().sum())
    return _without(column, iso)


def _add_zero_led(tally: _Tally, column: pl.Series) -> None:
    """Count whole numbers that begin with a zero: codes, as a rule."""
    if not column.len():
        return
    sizes = column.str.len_bytes()
    tally.numbers += column.len()
    tally.leading_zeros += column.len()
    tally.min_scale = 0
    tally.whole_digits = max(tally.whole_digits, int(str(sizes.max())))
    tally.lengths = (min(tally.lengths[0], int(str(sizes.min()))), max(tally.lengths[1], int(str(sizes.max()))))


def _add_grouped(tally: _Tally, column: pl.Series) -> None:
    """Count numbers with thousands separators."""
    if not column.len():
        return
    bare = column.str.replace_all(",", "", literal=True)
    whole = bare.str.strip_chars_start("-").str.split(".").list.first().str.len_bytes()
    fraction = bare.str.extract(r"\.([0-9]+)$").str.len_bytes().fill_null(0)
    tally.numbers += column.len()
    tally.whole_digits = max(tally.whole_digits, int(str(whole.max())))
    tally.max_scale = max(tally.max_scale, int(str(fraction.max())))
    tally.min_scale = min(tally.min_scale, int(str(fraction.min())))
    tally.lengths = (0, max(tally.lengths[1], 1))


def _add_odd(tally: _Tally, raw: str, count: int) -> None:
    """Count one distinct spelling that no fast expression knew."""
    number = to_number(raw)
    if number is not None:
        if number.percent:
            tally.percents += count
        else:
            tally.numbers += count
        tally.exponents += count if number.exponent else 0
        tally.leading_zeros += count if number.leading_zero else 0
        tally.whole_digits = max(tally.whole_digits, number.whole)
        tally.max_scale = max(tally.max_scale, number.scale)
        tally.min_scale = min(tally.min_scale, number.scale)
        tally.lengths = (min(tally.lengths[0], len(raw)), max(tally.lengths[1], len(raw)))
    if to_date(raw, bare=False) is not None:
        tally.days += count
    elif to_timestamp(raw, bare=False) is not None:
        tally.instants += count
    elif to_date(raw) is not None:
        tally.serials += count


def _without(column: pl.Series, gone: pl.Series) -> pl.Series:
    return column if not gone.any() else column.filter(~gone)


def _distinct(column: pl.Series) -> list[tuple[str, int]]:
    if not column.len():
        return []
    pairs = column.alias("v").value_counts(name="n")
    return list(zip(pairs["v"].to_list(), pairs["n"].to_list(), strict=True))
