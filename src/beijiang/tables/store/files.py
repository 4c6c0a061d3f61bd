"""Parquet files of a table: what their footers say, in the words of the Delta log, and their way to the disk."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

__all__ = ["DataFile", "data_file", "flush"]

MAX_TEXT_BYTES: Final = 60
"""Writers may cut longer text in file statistics, so longer minima and maxima are not passed on."""
MAX_STATISTICS: Final = 32
"""Columns with minima and maxima per file, as is the custom of the format."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file in a table's folder, with what its footer says."""

    name: str
    rows: int
    bytes: int
    stats: str
    added_at: int = 0
    """Milliseconds since 1970 of the commit that added it; files are read in this order."""


def flush(path: Path) -> None:
    """Flush one file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def data_file(path: Path) -> DataFile:
    """Read a file's row count and statistics from its Parquet footer."""
    import pyarrow.parquet as pq

    footer = pq.read_metadata(path)
    stats: dict[str, Any] = {"numRecords": footer.num_rows, "minValues": {}, "maxValues": {}, "nullCount": {}}
    for index in range(min(footer.num_columns, MAX_STATISTICS)):
        _column_stats(footer, index, stats)
    return DataFile(path.name, footer.num_rows, path.stat().st_size, json.dumps(stats, ensure_ascii=False))


def _column_stats(footer: Any, index: int, stats: dict[str, Any]) -> None:
    name = footer.schema.column(index).name
    parts = [footer.row_group(group).column(index).statistics for group in range(footer.num_row_groups)]
    if not parts or any(part is None or not part.has_null_count for part in parts):
        return
    nulls = sum(part.null_count for part in parts)
    stats["nullCount"][name] = nulls
    bounded = [p for p in parts if p.has_min_max]
    empty = [p for p in parts if not p.has_min_max and p.num_values]
    if not bounded or empty:
        return
    try:
        low = _stat(min(p.min for p in bounded), upper=False)
        high = _stat(max(p.max for p in bounded), upper=True)
    except OverflowError:  # moments at the ends of the calendar, which Python cannot round or move to another zone
        return
    if low is not None and high is not None:
        stats["minValues"][name], stats["maxValues"][name] = low, high


def _stat(value: object, *, upper: bool) -> str | int | float | bool | None:
    """Return a bound as the log writes it; None where it could be cut or inexact, and for floats (NaN has no bound)."""
    if isinstance(value, str):
        return value if len(value.encode()) < MAX_TEXT_BYTES else None
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, datetime):
        whole = value.replace(microsecond=value.microsecond // 1000 * 1000)
        moment = whole + timedelta(milliseconds=1) if upper and whole != value else whole
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(str(number)) == value else None
    return None
