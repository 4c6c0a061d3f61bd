"""When something is to happen: plain choices in the installation's time, told in words and as the next moments."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Final, TypeAlias

from beijiang.kit import Invalid, Text
from beijiang.kit.errors import JsonValue

__all__ = ["IsWorking", "Timing", "TimingKind"]

IsWorking: TypeAlias = Callable[[date], bool]

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DAY: Final = 1440
_LONGEST: Final = 31 * _DAY
_AHEAD: Final = 800
"""Days that are looked through for the next moment: a leap day in a month without one is found too."""
_MOST_TIMES: Final = 24
_MOST_AFTER: Final = 50
_MONTH: Final = 31
_WORKING: Final = 23
_ANCHOR: Final = date(2000, 1, 1)
_WEEKDAYS: Final = (
    Text("一", "Monday"),
    Text("二", "Tuesday"),
    Text("三", "Wednesday"),
    Text("四", "Thursday"),
    Text("五", "Friday"),
    Text("六", "Saturday"),
    Text("日", "Sunday"),
)


class TimingKind(StrEnum):
    """How moments are chosen."""

    EVERY = "every"
    """At an even distance of ``minutes``."""
    DAILY = "daily"
    WORKING_DAYS = "working_days"
    """Monday to Friday less holidays, and the days on which people make up for them."""
    WEEKLY = "weekly"
    """On ``days``: 1 Monday to 7 Sunday."""
    MONTHLY = "monthly"
    """On ``days`` of the month; a day that a month lacks is its last one, -1 is the last one always."""
    MONTH_WORKING_DAY = "month_working_day"
    """On the first, second, ... working day of the month; -1 is the last one."""
    AFTER = "after"
    """When every sync of ``after`` has succeeded since the last time."""
    CRON = "cron"
    """For experts: five fields, in the installation's time."""


_DAYS: Final = {
    TimingKind.WEEKLY: range(1, 8),
    TimingKind.MONTHLY: range(-1, _MONTH + 1),
    TimingKind.MONTH_WORKING_DAY: range(-_WORKING, _WORKING + 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One rule of time. Wall-clock times that a change of the clock skips happen right after it; doubled ones happen once."""

    kind: TimingKind
    minutes: int = 0
    at: tuple[str, ...] = ()
    """Times of the day: 06:30."""
    days: tuple[int, ...] = ()
    after: tuple[str, ...] = ()
    """Ids of syncs."""
    cron: str = ""

    def checked(self) -> Timing:
        """Return the rule in order and without repetitions.

        Raises:
            Invalid: something that the kind needs is missing, or out of range.

        """
        if self.kind is TimingKind.EVERY:
            if not 1 <= self.minutes <= _LONGEST:
                raise _wrong("间隔为 1 分钟至 31 天", "the distance is 1 minute to 31 days")
            return Timing(kind=self.kind, minutes=self.minutes)
        if self.kind is TimingKind.AFTER:
            if not 1 <= len(self.after) <= _MOST_AFTER:
                raise _wrong("请指定在哪些取数之后运行", "name the syncs after which it runs")
            return Timing(kind=self.kind, after=tuple(dict.fromkeys(self.after)))
        if self.kind is TimingKind.CRON:
            return Timing(kind=self.kind, cron=_checked_cron(self.cron))
        return Timing(kind=self.kind, at=self._checked_at(), days=self._checked_days())

    def _checked_at(self) -> tuple[str, ...]:
        times = tuple(sorted(set(self.at)))
        if not 1 <= len(times) <= _MOST_TIMES or not all(_CLOCK.fullmatch(t) for t in times):
            raise _wrong("时刻写作 06:30，一天最多 24 个", "times are written 06:30, at most 24 a day")
        return times

    def _checked_days(self) -> tuple[int, ...]:
        allowed = _DAYS.get(self.kind)
        if allowed is None:
            return ()
        days = tuple(sorted(set(self.days), key=lambda d: (d < 0, d)))
        if not days or any(d == 0 or d not in allowed for d in days):
            raise _wrong(
                "请选择日子：星期为 1 至 7，每月为 1 至 31（-1 为最后一天），工作日为第 1 至 23 个（-1 为最后一个）",
                "choose days: of the week 1 to 7, of the month 1 to 31 (-1 is the last), working days 1 to 23 (-1 is the last)",
            )
        return days

    def next(self, after: datetime, zone: tzinfo, is_working: IsWorking) -> datetime | None:
        """Return the first moment later than ``after``, in UTC; None where time alone does not decide, or never."""
        if self.kind is TimingKind.AFTER:
            return None
        return next((moment for moment in self._moments(after, zone, is_working) if moment > after), None)

    def upcoming(self, after: datetime, count: int, zone: tzinfo, is_working: IsWorking) -> list[datetime]:
        """Return the next moments, in UTC."""
        found: list[datetime] = []
        moment = self.next(after, zone, is_working)
        while moment is not None and len(found) < count:
            found.append(moment)
            moment = self.next(moment, zone, is_working)
        return found

    def _moments(self, after: datetime, zone: tzinfo, is_working: IsWorking) -> Iterator[datetime]:
        if self.kind is TimingKind.CRON:
            yield from _cron_moments(self.cron, after, zone)
            return
        if self.kind is TimingKind.EVERY:
            yield _even(after, self.minutes, zone)
            return
        times = [time.fromisoformat(t) for t in self.at]
        first = after.astimezone(zone).date() - timedelta(days=1)
        for day in (first + timedelta(days=n) for n in range(_AHEAD)):
            if self._holds(day, is_working):
                yield from sorted(datetime.combine(day, t, zone).astimezone(UTC) for t in times)

    def _holds(self, day: date, is_working: IsWorking) -> bool:
        if self.kind is TimingKind.WORKING_DAYS:
            return is_working(day)
        if self.kind is TimingKind.WEEKLY:
            return day.isoweekday() in self.days
        if self.kind is TimingKind.MONTHLY:
            last = monthrange(day.year, day.month)[1]
            return any(day.day == (last if d < 0 else min(d, last)) for d in self.days)
        if self.kind is TimingKind.MONTH_WORKING_DAY:
            month = (day.replace(day=n) for n in range(1, monthrange(day.year, day.month)[1] + 1))
            working = [d for d in month if is_working(d)]
            return any(abs(n) <= len(working) and working[n - 1 if n > 0 else n] == day for n in self.days)
        return True

    @property
    def counts_working_days(self) -> bool:
        """Tell whether the calendar of holidays decides."""
        return self.kind in {TimingKind.WORKING_DAYS, TimingKind.MONTH_WORKING_DAY}

    def text(self, names: Mapping[str, str] | None = None) -> Text:
        """Return the rule in words; ``names`` says what syncs are called."""
        if self.kind is TimingKind.EVERY:
            return _distance(self.minutes)
        if self.kind is TimingKind.CRON:
            return Text(f"按 cron 表达式 {self.cron}", f"by the cron expression {self.cron}")
        if self.kind is TimingKind.AFTER:
            called = [(names or {}).get(sync, sync) for sync in self.after]
            both, have = ("都", "have") if len(called) > 1 else ("", "has")
            return Text(f"“{'”“'.join(called)}”{both}取数成功之后", f"after {' and '.join(called)} {have} succeeded")
        days = self._days_text()
        return Text(f"{days.zh} {'、'.join(self.at)}", f"{days.en} at {' and '.join(self.at)}")

    def _days_text(self) -> Text:
        names = [_DAY_NAMES[self.kind](d) for d in self.days] if self.kind in _DAY_NAMES else []
        zh, en = "、".join(n.zh for n in names), " and ".join(n.en for n in names)
        return {
            TimingKind.DAILY: Text("每天", "every day"),
            TimingKind.WORKING_DAYS: Text("每个工作日", "every working day"),
            TimingKind.WEEKLY: Text(f"每周{zh}", f"every {en}"),
            TimingKind.MONTHLY: Text(f"每月 {zh}", f"on {en} of every month"),
            TimingKind.MONTH_WORKING_DAY: Text(f"每月{zh}工作日", f"on the {en} working day of every month"),
        }[self.kind]

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for storage and answers: what the kind uses and nothing else."""
        told: dict[str, JsonValue] = {"kind": self.kind.value}
        if self.minutes:
            told["minutes"] = self.minutes
        if self.cron:
            told["cron"] = self.cron
        lists: dict[str, Sequence[str | int]] = {"at": self.at, "days": self.days, "after": self.after}
        return told | {name: [*values] for name, values in lists.items() if values}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Timing:
        """Rebuild a stored rule."""
        return cls(
            kind=TimingKind(value["kind"]),
            minutes=value.get("minutes", 0),
            at=tuple(value.get("at", ())),
            days=tuple(value.get("days", ())),
            after=tuple(value.get("after", ())),
            cron=value.get("cron", ""),
        )


def _even(after: datetime, minutes: int, zone: tzinfo) -> datetime:
    """Return the next moment of an even grid: from midnight where the day is a multiple, else from 1 January 2000."""
    day = after.astimezone(zone).date() if _DAY % minutes == 0 else _ANCHOR
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    step = timedelta(minutes=minutes)
    moment = start + ((after - start) // step + 1) * step
    if day == _ANCHOR:
        return moment
    tomorrow = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return min(moment, tomorrow)  # a day of 23 or 25 hours begins the grid anew


def _cron_moments(expression: str, after: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Yield moments by reading the wall clock, so that an hour that the clock repeats counts once."""
    from croniter import CroniterError, croniter

    naive = after.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
    found = croniter(expression, naive, max_years_between_matches=5)
    while True:
        try:
            moment: datetime = found.get_next(datetime)
        except CroniterError:
            return
        yield moment.replace(tzinfo=zone).astimezone(UTC)


def _checked_cron(expression: str) -> str:
    from croniter import croniter

    fields = expression.split()
    if len(fields) != 5 or not croniter.is_valid(" ".join(fields)):  # noqa: PLR2004 - minute, hour, day, month, weekday
        raise _wrong(
            "cron 表达式为五段：分 时 日 月 星期，例如 30 6 * * 1-5",
            "a cron expression has five fields: minute hour day month weekday, as in 30 6 * * 1-5",
        )
    return " ".join(fields)


def _distance(minutes: int) -> Text:
    hours, rest = divmod(minutes, 60)
    if rest:
        return Text(f"每 {minutes} 分钟", "every minute" if minutes == 1 else f"every {minutes} minutes")
    if hours % 24 == 0:
        days = hours // 24
        return Text(f"每 {days} 天（零点）", "every day at midnight" if days == 1 else f"every {days} days at midnight")
    return Text(f"每 {hours} 小时", "every hour" if hours == 1 else f"every {hours} hours")


def _nth(number: int) -> Text:
    if number == -1:
        return Text("最后一个", "last")
    count = abs(number)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(count % 10 if count not in {11, 12, 13} else 0, "th")
    zh = f"第 {count} 个" if number > 0 else f"倒数第 {count} 个"
    return Text(zh, f"{count}{ending}" + (" last" if number < 0 else ""))


def _month_day(number: int) -> Text:
    return Text("最后一天", "the last day") if number < 0 else Text(f"{number} 日", f"day {number}")


_DAY_NAMES: Final[Mapping[TimingKind, Callable[[int], Text]]] = {
    TimingKind.WEEKLY: lambda day: _WEEKDAYS[day - 1],
    TimingKind.MONTHLY: _month_day,
    TimingKind.MONTH_WORKING_DAY: _nth,
}


def _wrong(zh: str, en: str) -> Invalid:
    return Invalid(f"时间安排有误：{zh}。", f"The timing is wrong: {en}.", code="bad_timing")
