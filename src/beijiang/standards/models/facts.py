"""Facts of the standards: regions, categories, formats, cycles, codes, rules, licences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from beijiang.kit import Text

AHEAD: Final = timedelta(days=60)
"""So long does a limit of twenty working days run that was extended by as many; so long before a year its days are wanted."""


@dataclass(frozen=True, slots=True)
class Region:
    """One row of the region table (GB/T 2260, six digits); functional zones are statistical codes only."""

    code: str
    name: str
    name_en: str
    level: int
    parent: str | None
    kind: str
    admin_tier: int
    is_functional_zone: bool


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """One node of the three-level linkage; 和林格尔新区 has no region code."""

    id: str
    name: Text
    admin_tier: int
    parent: str | None
    region_code: str | None
    region_scope: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Category:
    """One node of the catalog tree of 2017: class 类 (1 digit), group 项 (3), division 目 (6).

    ``name`` is the guide's, for metadata and forms; ``plain`` is what the public reads where the guide speaks officialese.
    """

    code: str
    parent: str | None
    tier: str
    name: Text
    plain: Text
    keywords: tuple[str, ...]
    origin: str
    verified: bool


@dataclass(frozen=True, slots=True)
class UpdateCycle:
    """How often a provider promises fresh data; cycles without an interval are not scored."""

    code: str
    id: str
    name: Text
    interval: timedelta | None
    grace: timedelta
    verified: bool
    note: str

    @property
    def is_scored(self) -> bool:
        """Tell whether freshness is judged (irregular and static sets are not)."""
        return self.interval is not None


@dataclass(frozen=True, slots=True)
class ResourceFormat:
    """One concrete format of the guide or of the platform, with the part it plays on an open portal."""

    class_code: str
    class_name: Text
    id: str
    label: str
    media_type: str
    machine_readable: bool
    nonproprietary: bool
    open_portal_role: str
    """data, api, attachment, review or never."""

    @property
    def words(self) -> Text:
        """Return what people call it: the file's kind in both languages, an interface by its class."""
        kind = self.label.removesuffix(" service")
        return Text(f"{self.class_name.zh} {kind}" if kind != self.label else kind, self.label)


@dataclass(frozen=True, slots=True)
class ItemType:
    """A letter for the type of a data item, and the column type it stands for."""

    code: str
    name: Text
    column_type: str
    sql_type: str
    json_type: str


@dataclass(frozen=True, slots=True)
class Department:
    """A department of the region's work plan of 2018."""

    id: str
    name: Text
    name_short: str
    body_kind: str
    later_name: str


@dataclass(frozen=True, slots=True)
class Licence:
    """On which terms an open dataset may be used."""

    id: str
    name: Text
    url: str
    summary: Text
    attribution: bool
    share_alike: bool
    commercial: bool
    is_open: bool


@dataclass(frozen=True, slots=True)
class QualityIndicator:
    """One of the twenty indicators of GB/T 36344-2018."""

    code: str
    dimension: Text
    name: Text
    identifier: str


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day that the law makes a holiday, whatever the arrangement of its year says."""

    day: date
    name: Text
    basis: str


@dataclass(frozen=True, slots=True)
class Due:
    """A due date: the last working day (it ends at 24:00 local time), and whether its year's calendar was missing."""

    on: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Working days: Monday to Friday, less holidays, plus adjusted working days (调休)."""

    holidays: frozenset[date]
    workdays: frozenset[date]
    years: frozenset[int]
    """Years whose official arrangement is loaded; in others only weekends count."""

    def wanting(self, today: date) -> tuple[int, ...]:
        """Return the years that limits which begin today run through and whose arrangement is not loaded, earliest first."""
        return tuple(sorted({today.year, (today + AHEAD).year} - self.years))

    def is_working(self, day: date) -> bool:
        """Tell whether people work on ``day``."""
        return day in self.workdays or (day.weekday() < 5 and day not in self.holidays)  # noqa: PLR2004 - Saturday

    def due(self, day: date, count: int) -> Due:
        """Return the due date ``count`` working days after ``day``, which is day 0.

        Raises:
            ValueError: ``count`` is negative.

        """
        if count < 0:
            msg = "a time limit cannot be negative"
            raise ValueError(msg)
        at = day
        provisional = day.year not in self.years
        left = count
        while left:
            at += timedelta(days=1)
            provisional = provisional or at.year not in self.years
            left -= self.is_working(at)
        return Due(at, provisional)

    def working_days_between(self, start: date, end: date) -> int:
        """Count working days after ``start`` up to and including ``end``; negative when ``end`` lies before."""
        if end < start:
            return -self.working_days_between(end, start)
        days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
        return sum(self.is_working(day) for day in days)


__all__ = [
    "Category",
    "Department",
    "Due",
    "Holiday",
    "ItemType",
    "Jurisdiction",
    "Licence",
    "QualityIndicator",
    "Region",
    "ResourceFormat",
    "UpdateCycle",
    "WorkingCalendar",
]
