"""Times without a zone: which moment of the world a department's wall clock meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

__all__ = ["Zone", "from_utc", "offsets", "utc_text"]

_YEARS: Final = range(1890, 2101)


def _known(name: str) -> str:
    if name not in available_timezones():
        msg = "no such time zone; write Asia/Shanghai, Asia/Urumqi or UTC"
        raise ValueError(msg)
    return name


Zone = Annotated[str, AfterValidator(_known)]


def utc_text(moment: datetime, zone: str) -> str:
    """Return a moment as canonical text in UTC; one without a zone is a wall clock's.

    Raises:
        OverflowError: it lies outside the years 1 to 9999.

    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    return aware.astimezone(UTC).isoformat(sep=" ", timespec="microseconds").removesuffix("+00:00")


def from_utc(text: str, zone: str) -> str:
    """Return what the wall clock of a zone shows at a moment given as canonical text in UTC."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


@cache
def offsets(zone: str) -> tuple[tuple[datetime | None, int], ...]:
    """Return, newest first, from which reading of the wall clock on it is how many seconds ahead of UTC.

    The last entry has no beginning. Where a reading occurs twice, the first is meant, as in ``utc_text``.
    """
    place = ZoneInfo(zone)
    before = datetime(_YEARS[0], 1, 1, tzinfo=UTC)
    known = _ahead(before, place)
    found: list[tuple[datetime | None, int]] = [(None, known)]
    for year in _YEARS:
        for month in range(1, 13):
            after = datetime(year, month, 1, tzinfo=UTC)
            ahead = _ahead(after, place)
            if ahead != known:
                change = _change(before, after, known, place)
                found.append(((change + timedelta(seconds=max(known, ahead))).replace(tzinfo=None), ahead))
            before, known = after, ahead
    return tuple(reversed(found))


def _ahead(moment: datetime, place: ZoneInfo) -> int:
    return round((moment.astimezone(place).utcoffset() or timedelta()).total_seconds())


def _change(before: datetime, after: datetime, known: int, place: ZoneInfo) -> datetime:
    """Return the second at which a zone left an offset."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        before, after = (middle, after) if _ahead(middle, place) == known else (before, middle)
    return after
