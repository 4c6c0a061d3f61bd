"""The calendar as regressors: the share of the Spring Festival and the working days of each period."""

from __future__ import annotations

import hashlib
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from beijiang.mining.models.periods import Frequency

if TYPE_CHECKING:
    from beijiang.standards import WorkingCalendar

__all__ = ["AFTER", "BEFORE", "Seasons"]

BEFORE: Final = 7
AFTER: Final = 14
"""The festival moves people and business from a week before the lunar new year to two weeks after it."""
_HOLIDAYS_FROM: Final = -1
_HOLIDAYS: Final = 7
_USUAL: Final = range(2001, 2040)
"""Years over which the usual calendar of a period is taken; its effect is part of the season."""


@dataclass(frozen=True)
class Seasons:
    """Knows the lunar new years and the working days.

    In years whose arrangement of holidays is not loaded, Monday to Friday are worked but for the seven days of the Spring Festival:
    the other holidays stay in their months, so that they are part of the season anyway.
    """

    lunar_new_years: tuple[date, ...]
    working: WorkingCalendar

    @cached_property
    def digest(self) -> str:
        """Return a short name of these dates."""
        days = [*self.lunar_new_years, *sorted(self.working.holidays), *sorted(self.working.workdays)]
        return hashlib.sha256(" ".join(day.isoformat() for day in days).encode()).hexdigest()[:12]

    @cached_property
    def _festival(self) -> dict[tuple[int, int], float]:
        share: dict[tuple[int, int], float] = {}
        for first in self.lunar_new_years:
            for offset in range(-BEFORE, AFTER):
                day = first + timedelta(days=offset)
                share[day.year, day.month] = share.get((day.year, day.month), 0) + 1 / (BEFORE + AFTER)
        return share

    @cached_property
    def _festive(self) -> frozenset[date]:
        span = range(_HOLIDAYS_FROM, _HOLIDAYS_FROM + _HOLIDAYS)
        return frozenset(first + timedelta(days=n) for first in self.lunar_new_years for n in span)

    def _worked(self, year: int, month: int) -> int:
        days = [date(year, month, day) for day in range(1, monthrange(year, month)[1] + 1)]
        loaded = year in self.working.years
        return sum(self.working.is_working(day) and (loaded or day not in self._festive) for day in days)

    @cached_property
    def _usual(self) -> dict[int, tuple[float, float]]:
        """Return what each month has on average."""
        return {
            month: (
                sum(self._festival.get((year, month), 0) for year in _USUAL) / len(_USUAL),
                sum(self._worked(year, month) for year in _USUAL) / len(_USUAL),
            )
            for month in range(1, 13)
        }

    def of(self, frequency: Frequency, first: int, count: int) -> Sequence[tuple[float, float]]:
        """Return for each period how much more of the festival, and how many more working days, it has than is usual."""
        months = 12 // frequency.season
        out = []
        for at in range(first, first + count):
            start = frequency.first_day(at)
            share = worked = 0.0
            for month in range(start.month, start.month + months):
                usual = self._usual[month]
                share += self._festival.get((start.year, month), 0) - usual[0]
                worked += self._worked(start.year, month) - usual[1]
            out.append((share, worked))
        return out
