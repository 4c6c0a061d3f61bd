"""When rows arrived, against when they were promised: a calendar of the last year and the last arrivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.tables import TableVersion, WriteMode

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beijiang.standards import UpdateCycle

__all__ = ["Arrival", "Calendar", "CalendarDay", "calendar"]

WEEKS: Final = 53
LISTED: Final = 12
_REAL_TIME: Final = timedelta(minutes=60)
_NO_ARRIVAL: Final = frozenset({WriteMode.COMPACT, WriteMode.ROLLBACK})


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day of the calendar: its column (week) and row (weekday from Monday), and how many versions came."""

    day: date
    week: int
    weekday: int
    versions: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """One version: when it came, what it changed, and how many days later than promised; None where that is not judged."""

    version: int
    at: datetime
    added: int
    changed: int
    removed: int
    late: int | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Arrivals of the last year, newest first."""

    days: tuple[CalendarDay, ...]
    months: tuple[tuple[int, int], ...]
    """Pairs of the week in which a month begins and the month."""
    arrivals: tuple[Arrival, ...]
    judged: int
    kept: int
    """Of the judged arrivals those that came in time."""

    @property
    def days_with_arrivals(self) -> int:
        """Return on how many days of the year something came."""
        return sum(day.versions > 0 for day in self.days)


def calendar(versions: Sequence[TableVersion], cycle: UpdateCycle | None, today: date, zone: ZoneInfo) -> Calendar:
    """Return the calendar of versions that are given newest first."""
    came = [v for v in versions if v.mode not in _NO_ARRIVAL]
    start = today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))
    counts: dict[date, int] = {}
    for version in came:
        day = version.at.astimezone(zone).date()
        counts[day] = counts.get(day, 0) + 1
    length = (today - start).days + 1
    every = [start + timedelta(days=n) for n in range(length)]
    days = tuple(CalendarDay(day, n // 7, n % 7, counts.get(day, 0)) for n, day in enumerate(every))
    months = tuple((n // 7, day.month) for n, day in enumerate(every) if day.day == 1)
    arrivals = tuple(_arrival(one, before, cycle) for one, before in zip(came, [*came[1:], None], strict=True))
    recent = [one for one in arrivals if one.at.astimezone(zone).date() >= start]
    judged = [one for one in recent if one.late is not None]
    return Calendar(days, months, tuple(recent[:LISTED]), len(judged), sum(one.late == 0 for one in judged))


def _arrival(version: TableVersion, before: TableVersion | None, cycle: UpdateCycle | None) -> Arrival:
    return Arrival(
        version.version,
        version.at,
        version.rows_added,
        version.rows_changed,
        version.rows_removed,
        _late(version.at, before.at if before else None, cycle),
    )


def _late(at: datetime, before: datetime | None, cycle: UpdateCycle | None) -> int | None:
    """Return the days after the promised day, 0 within the grace; the first version has nothing to be late against."""
    if before is None or cycle is None or cycle.interval is None:
        return None
    due = before + (cycle.interval or _REAL_TIME)
    return 0 if at <= due + cycle.grace else max(1, (at - due).days)
