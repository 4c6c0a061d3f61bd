"""工作日历: the picture of a year with its holidays and make-up working days, its document, and which years are wanting."""

from __future__ import annotations

from calendar import Calendar
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, person
from beijiang.kit import NotFound, Text
from beijiang.standards import CalendarDay, CalendarYear, DayChange, ProposalState, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.build import Platform

HERE = "/console/standards/calendar"
_WEEKEND = 5
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = tuple(
    Text(zh, en) for zh, en in zip("一二三四五六日", ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"), strict=True)
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of the picture; how it looks follows its class, what it is its words and its mark."""

    day: date
    look: str
    words: Text
    mark: Text


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the working-day calendar."""
    pages, registry = APIRouter(prefix="/console", include_in_schema=False), platform.registry

    def page(request: Request, year: int) -> HTMLResponse:
        who = person(request)
        known = registry.calendar_years(who)
        status: Status | None = None
        versions: Sequence[CalendarYear] = ()
        with suppress(NotFound):  # a year whose days are not in has its page: it says how they come in
            status, versions = registry.calendar_year(who, year)
        shown = versions[0].days if versions and status is Status.IN_FORCE else ()
        allows = platform.access.allows
        reads = allows(who, Permission.STANDARDS_PROPOSAL_READ)
        return frame.page(
            request,
            "standard_calendar.html",
            year=year,
            years=sorted({one.year for _, one in known} | set(registry.years_wanting(who)) | {year}),
            status=status,
            versions=versions,
            months=[(Text(f"{n} 月", _MONTHS[n - 1]), _weeks(year, n, shown)) for n in range(1, 13)],
            weekdays=WEEKDAYS,
            wanting=registry.years_wanting(who),
            waiting=len(registry.proposals(who, ProposalState.OPEN)) if reads else None,
            may={"propose": allows(who, Permission.STANDARDS_ENTRY_PROPOSE, who.org_id)},
        )

    @pages.get("/standards/calendar")
    def now(request: Request) -> HTMLResponse:
        return page(request, registry.books.today().year)

    @pages.get("/standards/calendar/{year}")
    def of_year(request: Request, year: Annotated[int, Path(ge=1900, le=2199)]) -> HTMLResponse:
        return page(request, year)

    return pages


def _weeks(year: int, month: int, days: Sequence[CalendarDay]) -> list[list[Cell | None]]:
    """Return the weeks of a month from Monday on, with nothing where a day belongs to another month."""
    known = {one.day: one for one in days}
    weeks = Calendar().monthdatescalendar(year, month)
    return [[_cell(day, known.get(day)) if day.month == month else None for day in week] for week in weeks]


def _cell(day: date, one: CalendarDay | None) -> Cell:
    if one is None:
        rest = day.weekday() >= _WEEKEND
        words = Text("周末", "weekend") if rest else Text("工作日", "working day")
        return Cell(day, "rest" if rest else "", words, Text("", ""))
    words = Text(f"{one.change.text.zh} {one.note}".strip(), f"{one.change.text.en} {one.note}".strip())
    if one.change is DayChange.HOLIDAY:
        return Cell(day, "off", words, Text("休", "off"))
    return Cell(day, "makeup", words, Text("班", "work"))
