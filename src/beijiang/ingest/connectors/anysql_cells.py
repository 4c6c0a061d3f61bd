"""What drivers hand over, as canonical text: whatever a column's type cannot hold stays recognisably wrong."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Final

from beijiang.ingest.connectors.zones import from_utc, utc_text
from beijiang.ingest.typing import ColumnSpec, ColumnType

__all__ = ["bound", "writer"]

_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def writer(spec: ColumnSpec, zone: str) -> Callable[[Any], str | None]:
    """Return what writes the cells of a column."""
    return partial(_moment, zone) if spec.type is ColumnType.TIMESTAMP else written


def written(cell: Any) -> str | None:
    """Write a cell as text: numbers in plain digits, bytes in hexadecimal, days as days."""
    if cell is None or isinstance(cell, str):
        return cell
    if hasattr(cell, "read"):  # a large object of a driver that hands over streams
        return written(cell.read())
    return next((write(cell) for kind, write in _WRITERS if isinstance(cell, kind)), str(cell))


def _number(cell: float) -> str:
    return f"{Decimal(repr(cell)):f}".removesuffix(".0") if math.isfinite(cell) else repr(cell)


def _bytes(cell: Any) -> str:
    return f"\\x{bytes(cell).hex()}"


def _json(cell: Any) -> str:
    return json.dumps(cell, ensure_ascii=False, default=written)


_WRITERS: Final[tuple[tuple[Any, Callable[[Any], str]], ...]] = (
    (bool, lambda cell: "true" if cell else "false"),
    (float, _number),
    (Decimal, lambda cell: f"{cell:f}"),
    (bytes | bytearray | memoryview, _bytes),
    (dt.datetime, lambda cell: cell.isoformat(sep=" ")),
    (dict | list, _json),
)


def _moment(zone: str, cell: Any) -> str | None:
    """Write a moment in UTC; what is none is written as a literal in quotes, which no step can take for one."""
    if cell is None:
        return None
    try:
        if isinstance(cell, str) and _MOMENT.fullmatch(cell):
            return utc_text(dt.datetime.fromisoformat(cell), zone)
        if isinstance(cell, dt.datetime):
            return utc_text(cell, zone)
    except (ValueError, OverflowError):
        pass
    return f"'{written(cell)}'"


def bound(value: Any, spec: ColumnSpec, zone: str, *, zoned: bool) -> Any:
    """Return a cursor value (canonical text) as what a driver binds; times of a column without a zone are a wall clock's."""
    if spec.type is ColumnType.INTEGER:
        return int(value)
    if spec.type is ColumnType.DECIMAL:
        return Decimal(value)
    if spec.type is ColumnType.DATE:
        return dt.date.fromisoformat(value)
    if zoned:
        return dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
    return dt.datetime.fromisoformat(from_utc(value, zone))
