"""Periods of series: read from what people write, counted as whole numbers, with gaps and doubles found."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from beijiang.kit import Word

__all__ = ["Frequency", "Periods", "read_periods"]

_HAN: Final = {"一": 1, "二": 2, "三": 3, "四": 4}
_MONTHS: Final = 12
_QUARTERS: Final = ({1, 4, 7, 10}, {3, 6, 9, 12})


class Frequency(Word):
    """How long a period is."""

    MONTH = "month", "月度", "monthly"
    QUARTER = "quarter", "季度", "quarterly"
    YEAR = "year", "年度", "yearly"

    @property
    def season(self) -> int:
        """Return how many periods a year has."""
        return {Frequency.MONTH: 12, Frequency.QUARTER: 4, Frequency.YEAR: 1}[self]

    @property
    def usual_horizon(self) -> int:
        """Return how many periods ahead are usual."""
        return {Frequency.MONTH: 6, Frequency.QUARTER: 4, Frequency.YEAR: 3}[self]

    @property
    def least(self) -> int:
        """Return how many periods a method needs to learn from."""
        return {Frequency.MONTH: 30, Frequency.QUARTER: 12, Frequency.YEAR: 8}[self]

    def ordinal(self, day: date) -> int:
        """Return the number of the period that a day lies in."""
        months = 12 // self.season
        return day.year * self.season + (day.month - 1) // months

    def first_day(self, ordinal: int) -> date:
        """Return the first day of a period."""
        year, part = divmod(ordinal, self.season)
        return date(year, part * (12 // self.season) + 1, 1)

    def label(self, ordinal: int) -> str:
        """Return a period as it is written: ``2026-10``, ``2026Q3``, ``2026``."""
        year, part = divmod(ordinal, self.season)
        return {
            Frequency.MONTH: f"{year:04}-{part + 1:02}",
            Frequency.QUARTER: f"{year:04}Q{part + 1}",
            Frequency.YEAR: f"{year:04}",
        }[self]


@dataclass(frozen=True, slots=True)
class Periods:
    """What a column of periods turned out to be."""

    frequency: Frequency
    ordinals: Sequence[int | None]
    unread: Sequence[str]
    """Values that are no period of this frequency; a few of them."""


def _quarter(found: re.Match[str]) -> date | None:
    number = _HAN.get(found[2]) or int(found[2])
    return date(int(found[1]), 3 * number - 2, 1)


def _month(found: re.Match[str]) -> date | None:
    return date(int(found[1]), int(found[2]), 1) if 1 <= int(found[2]) <= _MONTHS else None


def _year(found: re.Match[str]) -> date | None:
    return date(int(found[1]), 1, 1)


_Y: Final = r"((?:18|19|20|21)\d\d)"
_FORMS: Final[tuple[tuple[Frequency | None, re.Pattern[str], Callable[[re.Match[str]], date | None]], ...]] = (
    (Frequency.QUARTER, re.compile(rf"{_Y}[-年/ ]?(?:[Qq]|第?)([1-4一二三四])(?:季度?)?", re.ASCII), _quarter),
    (Frequency.MONTH, re.compile(rf"{_Y}(?:[-/.年]0?|0|(?=1))(1[0-2]|[1-9])月?(?:份)?", re.ASCII), _month),
    (Frequency.YEAR, re.compile(rf"{_Y}年?(?:度)?", re.ASCII), _year),
    (None, re.compile(rf"{_Y}[-/.](\d{{1,2}})[-/.]\d{{1,2}}(?:[T ].*)?", re.ASCII), _month),
)
_QUARTER_SIGN: Final = re.compile(r"[Qq季]")


def _read(value: Any) -> tuple[Frequency | None, date | None]:
    """Return which frequency a value speaks of (None for a day, which speaks of any) and the day it begins at."""
    if isinstance(value, datetime):
        return None, value.date()
    if isinstance(value, date):
        return None, value
    words = str(value if not isinstance(value, float) else int(value)).strip() if value is not None else ""
    for frequency, form, made in _FORMS:
        if frequency is Frequency.QUARTER and not _QUARTER_SIGN.search(words):
            continue
        if found := form.fullmatch(words):
            return frequency, made(found)
    return None, None


def read_periods(values: Sequence[Any]) -> Periods | None:
    """Return the periods of a column, or None if most of its values are none.

    Days are taken for months, quarters or years by how they lie: always the same month is a year, months three apart a quarter.
    """
    known = {value: _read(value) for value in set(values)}
    read = [(frequency, day) for frequency, day in known.values() if day is not None]
    if not read or len(read) * 2 < len(known):
        return None
    said = [frequency for frequency, _ in read if frequency is not None]
    chosen = max(Frequency, key=said.count) if said else _lying(day for _, day in read if day)
    numbers: dict[Any, int | None] = {}
    for value, (frequency, day) in known.items():
        numbers[value] = chosen.ordinal(day) if day is not None and frequency in {None, chosen} else None
    unread = sorted({str(value)[:40] for value, number in numbers.items() if number is None})
    return Periods(chosen, [numbers[value] for value in values], unread[:5])


def _lying(days: Any) -> Frequency:
    months = {day.month for day in days}
    if len(months) == 1:
        return Frequency.YEAR
    return Frequency.QUARTER if any(months <= quarter for quarter in _QUARTERS) else Frequency.MONTH
