"""Periods that people report by: a month, a quarter, a year, written as ``2026-10``, ``2026Q3`` and ``2026``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self

from beijiang.kit import Invalid, Text, Word

__all__ = ["Period", "PeriodKind"]

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_QUARTER: Final = re.compile(r"(\d{4})[Qq]([1-4])", re.ASCII)
_YEAR: Final = re.compile(r"(\d{4})", re.ASCII)
_MONTHS: Final = 12


class PeriodKind(Word):
    """How long a period is."""

    MONTH = "month", "月度", "month"
    QUARTER = "quarter", "季度", "quarter"
    YEAR = "year", "年度", "year"

    @property
    def months(self) -> int:
        """Return how many months it has."""
        return {PeriodKind.MONTH: 1, PeriodKind.QUARTER: 3, PeriodKind.YEAR: 12}[self]


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One period, by its first month."""

    first: date
    kind: PeriodKind

    @classmethod
    def parse(cls, words: str) -> Self:
        """Read ``2026-10``, ``2026Q3`` or ``2026``.

        Raises:
            Invalid: it is none of these (``bad_period``).

        """
        text = words.strip()
        if (found := _MONTH.fullmatch(text)) and 1 <= int(found[2]) <= _MONTHS and int(found[1]):
            return cls(date(int(found[1]), int(found[2]), 1), PeriodKind.MONTH)
        if (found := _QUARTER.fullmatch(text)) and int(found[1]):
            return cls(date(int(found[1]), 3 * int(found[2]) - 2, 1), PeriodKind.QUARTER)
        if (found := _YEAR.fullmatch(text)) and 0 < int(found[1]) < date.max.year:
            return cls(date(int(found[1]), 1, 1), PeriodKind.YEAR)
        raise Invalid(
            f"期间“{text[:20]}”无法识别：月度写作 2026-10，季度 2026Q3，年度 2026。",
            f'The period "{text[:20]}" is none: write a month as 2026-10, a quarter as 2026Q3, a year as 2026.',
            code="bad_period",
        )

    @classmethod
    def holding(cls, day: date, kind: PeriodKind) -> Self:
        """Return the period of a kind that a day lies in."""
        months = kind.months
        return cls(date(day.year, (day.month - 1) // months * months + 1, 1), kind)

    @property
    def last(self) -> date:
        """Return its last day."""
        return _moved(self.first, self.kind.months) - timedelta(days=1)

    @property
    def before(self) -> Period:
        """Return the period before it."""
        return Period(_moved(self.first, -self.kind.months), self.kind)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        if self.kind is PeriodKind.YEAR:
            return f"{self.first.year:04}"
        if self.kind is PeriodKind.QUARTER:
            return f"{self.first.year:04}Q{(self.first.month + 2) // 3}"
        return f"{self.first.year:04}-{self.first.month:02}"

    @property
    def text(self) -> Text:
        """Return what people call it."""
        year, month = self.first.year, self.first.month
        zh = {
            PeriodKind.YEAR: f"{year} 年",
            PeriodKind.QUARTER: f"{year} 年第 {(month + 2) // 3} 季度",
            PeriodKind.MONTH: f"{year} 年 {month} 月",
        }[self.kind]
        return Text(zh, str(self))


def _moved(day: date, months: int) -> date:
    at = day.year * 12 + day.month - 1 + months
    return date(at // 12, at % 12 + 1, 1)
