"""The working-day calendar as dated data: a year's arrangement of holidays and make-up working days, with its document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from beijiang.kit import Text, Word
from beijiang.standards.models.editions import UNDECIDED, Edition
from beijiang.standards.models.facts import WorkingCalendar

__all__ = ["CalendarDay", "CalendarYear", "DayChange", "calendar_of"]


class DayChange(Word):
    """How a day differs from what its day of the week says."""

    HOLIDAY = "holiday", "放假", "holiday"
    WORKDAY = "adjusted_workday", "调休上班", "make-up working day"


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day off, or one that is worked although it is a weekend, and for which holiday."""

    day: date
    change: DayChange
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarYear:
    """The official arrangement of one year: all its days that are not as their day of the week says."""

    id: str
    """The year, as ``2027``."""
    basis: str
    """The document that arranges it."""
    verified: bool = False
    """Whether the days were compared with the document."""
    days: tuple[CalendarDay, ...] = ()
    edition: Edition = UNDECIDED

    @property
    def name(self) -> Text:
        """Return what it is called."""
        return Text(f"{self.id} 年工作日历", f"Working days of {self.id}")

    @property
    def year(self) -> int:
        """Return the year as a number."""
        return int(self.id)


def calendar_of(years: Iterable[CalendarYear]) -> WorkingCalendar:
    """Return the calendar that arrangements of years make."""
    known = tuple(years)
    days = [one for year in known for one in year.days]
    return WorkingCalendar(
        holidays=frozenset(one.day for one in days if one.change is DayChange.HOLIDAY),
        workdays=frozenset(one.day for one in days if one.change is DayChange.WORKDAY),
        years=frozenset(year.year for year in known),
    )
