"""What the text form of a workbook's cells says, and what it should say: days, times of day, long numbers."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pyarrow as pa

__all__ = ["LONG", "ROUNDED", "clock_times", "lost_digits", "oddities", "spell", "without_midnight", "without_noise"]

_MIDNIGHT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} 00:00:00$"
_TIMED = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} (?:0[1-9]|1[0-9]|2[0-3]|00:0[1-9]|00:[1-5]|00:00:0[1-9]|00:00:[1-5])"
ROUNDED = r"^-?[0-9]+\.[0-9]{9}$"
_NOISY = r"^-?[0-9]{7,}\.[0-9]{9}$"
"""With seven digits before the point, nine after it are all that a double holds."""
_EPOCH = r"^(?:1899-12-31|1900-0[12]-[0-9]{2}) [0-9]{2}:"
_DAY_AND_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:"
LONG = r"^[1-9][0-9]{15,18}$"
"""An identifier of more digits than a workbook's number cell keeps: it holds 15."""
_IDENTIFIER = r"^[0-9]{14,18}[0-9Xx]$"
_EXACT = 2**53


def oddities(columns: list[pa.StringArray], *, long: bool) -> list[tuple[bool, ...]]:
    """Tell for each column whether it holds empty texts, midnights, numbers cut to nine decimals, times, long numbers."""
    if not columns:
        return []
    frame = pl.DataFrame([pl.Series(f"c{i}", column) for i, column in enumerate(columns)])
    checks = (
        (pl.all() == "").any().name.suffix("e"),
        pl.all().str.ends_with(" 00:00:00").any().name.suffix("m"),
        pl.all().str.contains(ROUNDED).any().name.suffix("r"),
        (pl.all().str.starts_with("1899-12-31 ") | pl.all().str.starts_with("1900-0")).any().name.suffix("t"),
        *([pl.all().str.contains(LONG).any().name.suffix("l")] if long else []),
    )
    width = len(columns)
    found = frame.select(*checks).row(0) + (() if long else (False,) * width)
    return list(zip(*(found[at : at + width] for at in range(0, len(found), width)), strict=True))


def without_noise(column: pa.StringArray) -> tuple[pa.StringArray, bool]:
    """Respell 1234567.890000001: its digits still name one double. Also tell whether shorter ones were cut."""
    text = pl.Series(column)
    noisy = text.str.contains(_NOISY).fill_null(value=False)
    spelled = spell(text, noisy, text.filter(noisy).cast(pl.Float64)) if noisy.any() else column
    return spelled, bool(text.filter(~noisy).str.contains(ROUNDED).any())


def spell(text: pl.Series, wanted: pl.Series, exact: pl.Series) -> pa.StringArray:
    """Write the ``wanted`` cells as the shortest decimals that name the doubles ``exact``, without an exponent."""
    short = exact.cast(pl.String).str.strip_suffix(".0")
    long = short.str.contains("e", literal=True).arg_true()
    if long.len():
        short = short.scatter(long, [f"{Decimal(v):f}" for v in short.gather(long).to_list()])
    return text.scatter(wanted.arg_true(), short).to_arrow().cast(pa.string())


def without_midnight(column: pa.StringArray) -> pa.StringArray:
    """Write a column of days without 00:00:00; a column with any other time of day keeps it everywhere."""
    text = pl.Series(column)
    at_midnight = text.str.ends_with(" 00:00:00").fill_null(value=False)
    if text.filter(~at_midnight).str.contains(_TIMED).any():
        return column
    days = at_midnight & text.str.contains(_MIDNIGHT)
    return text.zip_with(~days, text.str.head(10)).to_arrow().cast(pa.string())


def clock_times(column: pa.StringArray) -> pa.StringArray:
    """Write a time of day as 12:14:24 and a span as 36:00:00, which the library counts from the end of 1899."""
    text = pl.Series("v", column)
    early = text.str.contains(_EPOCH).fill_null(value=False)
    dated = text.str.contains(_DAY_AND_TIME).fill_null(value=False)
    spans = bool((early == dated).all()) and bool(text.filter(early).str.contains(_TIMED).any())
    chosen = early if spans else text.str.starts_with("1899-12-31 ").fill_null(value=False)
    day = pl.col("v").str.head(10).str.to_date("%Y-%m-%d", strict=False)
    hours = (day - pl.date(1899, 12, 31)).dt.total_days() * 24 + pl.col("v").str.slice(11, 2).cast(
        pl.Int64, strict=False
    )
    clock = hours.cast(pl.String).str.zfill(2) + pl.col("v").str.slice(13)
    return text.zip_with(~chosen, text.to_frame().select(clock).to_series()).to_arrow().cast(pa.string())


def lost_digits(column: pa.StringArray, numbers: pa.Array) -> pl.Series:
    """Tell which identifiers are numbers whose last digits are gone; ``numbers`` is null where the cell is a text.

    A column holds identifiers where half of its cells look like one; others may be amounts. Beyond 2^53 no number cell
    is exact. Below, a program may have written 16 digits; typed by hand they end in zeros.
    """
    text = pl.Series(column)
    if int(text.str.contains(_IDENTIFIER).sum()) * 2 < text.len() - text.null_count():
        return pl.repeat(value=False, n=text.len(), eager=True)
    long = text.str.contains(LONG).fill_null(value=False) & pl.Series(numbers).is_not_null()
    huge = long & (text.cast(pl.Float64, strict=False).abs() > _EXACT).fill_null(value=False)
    rest = text.filter(long & ~huge)
    return long if rest.str.ends_with("0").all() else huge
