"""``beijiang standards calendar``: the years of the working-day calendar, or the days of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.kit import SYSTEM, Text
from beijiang.standards.models import DayChange, Status
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.standards.service import Registry

__all__ = ["add_calendar"]

_YEARS = (
    Column("year", Text("年份", "year"), right=True),
    Column("holidays", Text("放假", "days off"), right=True),
    Column("workdays", Text("调休上班", "make-up days"), right=True),
    Column("version", Text("版本", "version"), right=True),
    Column("verified", Text("已核实", "confirmed")),
    Column("status", Text("状态", "status")),
    Column("basis", Text("依据文件", "basis")),
)
_DAYS = (
    Column("date", Text("日期", "date"), whole=True),
    Column("kind", Text("安排", "arrangement")),
    Column("note", Text("节日", "occasion")),
)


def add_calendar(group: typer.Typer, get: Callable[[], Registry], access: Callable[[], Access]) -> None:
    """Add the command of the calendar to the group."""

    @group.command("calendar")
    def calendar(
        year: int = typer.Argument(0, help="Year whose days are listed; without it the years are."),
        person: str = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts."),
    ) -> None:
        """Show the working-day calendar: its years and which are wanting, or the holidays and make-up days of one."""
        actor = access().actor_for_person(person) if person else SYSTEM
        if year:
            newest = get().calendar_year(actor, year)[1][0]
            rows = [(one.day, one.change.text.in_language(language()), one.note) for one in newest.days]
            show([dict(zip(("date", "kind", "note"), row, strict=True)) for row in rows], _DAYS)
            return
        show(
            [
                {
                    "year": one.id,
                    "holidays": sum(day.change is DayChange.HOLIDAY for day in one.days),
                    "workdays": sum(day.change is DayChange.WORKDAY for day in one.days),
                    "version": one.edition.version,
                    "verified": one.verified,
                    "status": status.text.in_language(language()) if status is not Status.IN_FORCE else "",
                    "basis": one.basis,
                }
                for status, one in get().calendar_years(actor)
            ],
            _YEARS,
        )
        wanting = ", ".join(map(str, get().years_wanting(actor)))
        if wanting:
            say(
                Text(
                    f"缺少 {wanting} 年的放假安排，跨入该年的时限只是暂定：请用 beijiang standards import 导入。",
                    f"The holidays of {wanting} are not in, and limits that reach it are provisional: "
                    "bring them in with beijiang standards import.",
                )
            )
