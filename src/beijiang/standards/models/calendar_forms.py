"""The flat form of a year's arrangement and of its days, for files, proposals and differences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from beijiang.kit import Text
from beijiang.standards.models.calendar import CalendarDay, CalendarYear, DayChange
from beijiang.standards.models.forms import words_in, wrong

__all__ = ["DAY_FIELDS", "YEAR_FIELDS", "day_from", "flat_day", "flat_year", "year_from"]

YEAR_FIELDS: Final[Mapping[str, Text]] = {
    "id": Text("年份", "year"),
    "basis": Text("依据文件", "basis"),
    "verified": Text("已核实", "verified"),
}
DAY_FIELDS: Final[Mapping[str, Text]] = {
    "date": Text("日期", "date"),
    "kind": Text("安排", "arrangement"),
    "note": Text("节日", "occasion"),
}
_YEAR: Final = re.compile(r"(19|20|21)[0-9]{2}")
_SATURDAY: Final = 5


def flat_year(year: CalendarYear) -> dict[str, str]:
    """Return the form of a year, without its days."""
    return {"id": year.id, "basis": year.basis, "verified": "true" if year.verified else "false"}


def flat_day(one: CalendarDay) -> dict[str, str]:
    """Return the form of one day."""
    return {"date": one.day.isoformat(), "kind": one.change.value, "note": one.note}


def day_from(form: Mapping[str, str]) -> CalendarDay:
    """Read one day; its kind may be said in Chinese, in English or by its name.

    Raises:
        Invalid: a field that cannot be used, or a make-up working day that is no Saturday or Sunday.

    """
    words = words_in(form, DAY_FIELDS)
    try:
        day = date.fromisoformat(words["date"])
    except ValueError:
        raise wrong(DAY_FIELDS["date"], Text("日期写成 2026-01-31", "write days as 2026-01-31")) from None
    kinds = {word: kind for kind in DayChange for word in (kind.value, kind.text.zh, kind.text.en)}
    change = kinds.get(words["kind"])
    if change is None:
        zh, en = ("、".join(k.text.zh for k in DayChange), ", ".join(k.value for k in DayChange))
        raise wrong(DAY_FIELDS["kind"], Text(f"应为 {zh}", f"it is one of {en}"))
    if change is DayChange.WORKDAY and day.weekday() < _SATURDAY:
        raise wrong(
            DAY_FIELDS["date"],
            Text(f"{day} 不是周六、周日，不会是调休上班日", f"{day} is no Saturday or Sunday; it is worked anyway"),
        )
    return CalendarDay(day, change, words["note"])


def year_from(form: Mapping[str, str], days: Sequence[CalendarDay]) -> CalendarYear:
    """Read a year with days that were read before; they are kept in their order in time.

    Raises:
        Invalid: no year, no basis, no days, a day of another year, or one that is there twice.

    """
    words = words_in(form, YEAR_FIELDS)
    if not _YEAR.fullmatch(words["id"]):
        raise wrong(YEAR_FIELDS["id"], Text("写成 2027", "as 2027"))
    if not words["basis"]:
        raise wrong(YEAR_FIELDS["basis"], Text("不能为空，写明放假安排的文件", "it is empty; name the document"))
    if words["verified"] not in {"", "true", "false"}:
        raise wrong(YEAR_FIELDS["verified"], Text("应为 true 或 false", "it is true or false"))
    if not days:
        raise wrong(YEAR_FIELDS["id"], Text(f"{words['id']} 年没有任何一天", f"{words['id']} has no days"))
    for one in days:
        if one.day.year != int(words["id"]):
            raise wrong(
                DAY_FIELDS["date"], Text(f"{one.day} 不在 {words['id']} 年", f"{one.day} is not in {words['id']}")
            )
    day, times = Counter(one.day for one in days).most_common(1)[0]
    if times > 1:
        raise wrong(DAY_FIELDS["date"], Text(f"{day} 重复", f"{day} is there twice"))
    return CalendarYear(
        id=words["id"],
        basis=words["basis"],
        verified=words["verified"] == "true",
        days=tuple(sorted(days, key=lambda one: one.day)),
    )
