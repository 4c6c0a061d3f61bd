"""From a row of JSON to the cells of a table, as text that the next step types strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from beijiang.ingest.connectors.documents import Number, text_of
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.ingest.typing.spelling import BEIJING, to_date, to_timestamp

if TYPE_CHECKING:
    from beijiang.ingest.connectors.rest_options import RestColumn

__all__ = ["cell", "comparable", "since_text"]

_CANONICAL: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
_ZONED: Final = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)\s*$")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND: Final = {"epoch": 1, "epoch_ms": 1000}
_DIGITS: Final = 60
"""A number with an exponent is written out up to so many digits; a larger one stays as it is, and fits no column."""


def cell(value: Any, column: RestColumn, zone: ZoneInfo) -> str | None:
    """Return a value as text; one that is none of the column's type stays as it came, so that it is set aside."""
    text = text_of(value)
    if text is None or column.type is ColumnType.TEXT:
        return text
    if column.type in {ColumnType.INTEGER, ColumnType.DECIMAL}:
        return _written_out(text) if isinstance(value, Number) else text
    if column.type is ColumnType.TIMESTAMP:
        moment = _counted(text, column.format) if column.format else _moment(text, zone)
        # Without our own spelling it must not look like it: that would be read as universal time.
        return _spelled(moment) if moment else text.replace(" ", "T", 1)
    if column.type is ColumnType.DATE:
        if column.format:
            counted = _counted(text, column.format)
            return counted.astimezone(zone).date().isoformat() if counted else text
        day = to_date(text, bare=False)
        return day.isoformat() if day else text
    return text


def _written_out(text: str) -> str:
    if "e" not in text and "E" not in text:
        return text
    number = Decimal(text)
    return f"{number:f}" if abs(number.adjusted()) <= _DIGITS else text


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        read = to_timestamp(text, bare=False)
        if read is None:
            return None
        moment = read if _ZONED.search(text) else read.astimezone(BEIJING).replace(tzinfo=None)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return None


def _counted(text: str, unit: str) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=int(Decimal(text) * 1_000_000 / _PER_SECOND[unit]))
    except (InvalidOperation, OverflowError, ValueError):
        return None


def _spelled(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def comparable(text: str | None, spec: ColumnSpec) -> Any:
    """Return a cursor's value so that two of them compare; None where it has none that could be kept."""
    if text is None:
        return None
    try:
        if spec.type is ColumnType.TIMESTAMP:
            return text if _CANONICAL.fullmatch(text) else None
        if spec.type is ColumnType.DATE:
            return date.fromisoformat(text).isoformat()
        number = Decimal(text)
    except (ValueError, InvalidOperation):
        return None
    return number if number.is_finite() else None


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds")


_SINCE: Final[Mapping[str, Callable[[datetime], str]]] = {
    "iso": _iso,
    "plain": lambda moment: moment.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds"),
    "epoch": lambda moment: str((moment - _EPOCH) // timedelta(seconds=1)),
    "epoch_ms": lambda moment: str((moment - _EPOCH) // timedelta(milliseconds=1)),
}
"""All round down: a row is rather read twice than not at all."""


def since_text(start: str, spec: ColumnSpec, wanted: str, zone: ZoneInfo) -> str:
    """Return a position as the service wants to be told it."""
    if spec.type is ColumnType.TIMESTAMP:
        return _SINCE[wanted](datetime.fromisoformat(start).replace(tzinfo=UTC).astimezone(zone))
    if spec.type is ColumnType.DATE and wanted.startswith("epoch"):
        day = datetime.fromisoformat(start).replace(tzinfo=zone)
        return _SINCE[wanted](day)
    return start
