"""Columns as people wrote them, made comparable: keys, shares, days, addresses, telephones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from beijiang.mining.models.network.arrays import Array

__all__ = ["days", "digits", "fractions", "keys_of", "places_of"]


def keys_of(column: Any) -> Any:
    """Return keys in capitals and half width, without spaces around them."""
    return _whole(pc.utf8_upper(pc.utf8_trim_whitespace(pc.utf8_normalize(_text(column), "NFKC"))))


def fractions(column: Any) -> Array:
    """Return shares that are written in per cent as fractions; not a number where none is written."""
    series = pl.Series(values=_whole(column))
    if series.dtype == pl.String:
        series = series.str.strip_chars(" %％\u3000")
    found: Array = series.cast(pl.Float64, strict=False).to_numpy() / 100.0
    return np.where(np.isfinite(found), found, np.nan)


def days(column: Any, missing: int) -> Array:
    """Return dates as days since 1970, and a number of the caller's where there is none."""
    series = pl.Series(values=_whole(column))
    if series.dtype == pl.String:
        series = series.str.strip_chars().str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    found: Array = series.cast(pl.Date).cast(pl.Int32).fill_null(missing).to_numpy()
    return found


def places_of(column: Any) -> Any:
    """Return addresses without spaces; one without any number, a whole banner, is no place at which two enterprises meet."""
    tight = pc.replace_substring_regex(pc.utf8_normalize(_text(column), "NFKC"), r"\s+", "")
    return _whole(pc.if_else(pc.match_substring_regex(tight, "[0-9]"), tight, pa.scalar(None, pa.string())))


def digits(column: Any) -> Any:
    """Return telephones as digits; what has fewer than seven is none."""
    bare = pc.replace_substring_regex(pc.utf8_normalize(_text(column), "NFKC"), r"[^0-9]", "")
    return _whole(pc.if_else(pc.greater_equal(pc.utf8_length(bare), 7), bare, pa.scalar(None, pa.string())))


def _text(column: Any) -> Any:
    return pc.cast(column, pa.string())


def _whole(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
