"""Monitors: what is usual for a table, learned from its own history, and what is out of it. On by default, no set-up.

Everything is judged on the logarithm by median and MAD (median absolute deviation), so that one bad day does not move
the band; days are compared with days of their kind (working day, weekend, month-end, holiday, season). Limits are dated
data (``reference/monitors.csv``, ``reference/seasons.csv``), overridden per table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from itertools import takewhile
from math import exp, log, log1p
from statistics import median
from typing import TYPE_CHECKING, Final

from beijiang.kit import Shown, Text, Word
from beijiang.quality.models.rules import Severity, packaged

if TYPE_CHECKING:
    from beijiang.standards import WorkingCalendar

__all__ = [
    "Band",
    "Call",
    "DayKind",
    "Decision",
    "Finding",
    "FindingState",
    "Look",
    "Monitor",
    "MonitorSetting",
    "Observation",
    "Season",
    "day_kind",
    "judge_schema",
    "judge_volume",
    "limits_on",
    "robust_band",
    "seasons",
    "volume_band",
]

USED: Final = 26
"""Observations of a kind that a band is made of, the newest."""
REMOVES: Final = "remove"
"""The mode under which a version that only took rows out is kept."""
_SIGMA: Final = 1.4826
_LEAST_SPREAD: Final = 0.02
TINY: Final = 20
"""A delivery of fewer rows is a handful; its counts say nothing."""


class Monitor(Word):
    """What is watched; freshness has a board of its own."""

    VOLUME = "volume", "数据量", "volume"
    SCHEMA = "schema", "结构", "columns"
    DISTRIBUTION = "distribution", "分布", "distribution"


_FOUND: Final = Text("发现", "what was found")
_DECIDED: Final = Text("处置情况", "what was decided of it")


class FindingState(Word):
    """What became of a finding."""

    OPEN = "open", "待处置", "open"
    SNOOZED = "snoozed", "暂不提醒", "snoozed"
    EXPECTED = "expected", "属正常", "as expected"
    OVER = "over", "已恢复", "over"


class Decision(Word):
    """What a person says of a finding."""

    EXPECTED = "expected", "属正常，以后按此学习", "as expected: learn from it"
    SNOOZE = "snooze", "暂不提醒", "snooze"


@dataclass(frozen=True, slots=True)
class Season:
    """Days on which a region works and delivers unlike at other times."""

    id: str
    name: Text
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class DayKind:
    """What kind of day it is; days are compared with days of their kind."""

    rest: str
    """work, weekend or holiday."""
    month_end: bool
    season: str

    @property
    def is_rare(self) -> bool:
        """Tell whether there are few such days in a year."""
        return bool(self.month_end or self.season or self.rest == "holiday")

    @property
    def text(self) -> Text:
        """Return the kind in words."""
        if self.season:
            return next(s.name for s in seasons() if s.id == self.season)
        if self.month_end:
            return Text("月末", "month-ends")
        return {
            "work": Text("工作日", "working days"),
            "weekend": Text("周末", "weekends"),
            "holiday": Text("节假日", "holidays"),
        }[self.rest]


@dataclass(frozen=True, slots=True)
class Look:
    """What was counted of one column: whole numbers that add up, so that what an append brought is a difference."""

    filled: int
    distinct: int
    sized: int = 0
    """Values that have a size: numbers other than 0, texts by their length."""
    logs: int = 0
    """Sum of the natural logarithms of the sizes, times 10,000."""
    shares: tuple[int, ...] = ()
    """Rows in each of 16 parts of the values, for columns of codes; which value is in which part is not kept."""

    def less(self, before: Look) -> Look:
        """Return what came since ``before``; how many different values there are is of the whole."""
        shares = self.shares
        if len(shares) == len(before.shares):
            shares = tuple(max(a - b, 0) for a, b in zip(shares, before.shares, strict=True))
        return Look(
            self.filled - before.filled, self.distinct, self.sized - before.sized, self.logs - before.logs, shares
        )

    @property
    def size(self) -> float | None:
        """Return the logarithm of the typical size (the geometric mean)."""
        return self.logs / 10_000 / self.sized if self.sized > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one version of a table was like."""

    table: str
    version: int
    org_id: str
    day: date
    at: datetime
    mode: str
    rows: int
    moved: int
    """Rows that were added or changed."""
    columns: tuple[tuple[str, str], ...]
    looks: Mapping[str, Look] | None = None
    seconds: float = 0.0
    expected: bool = True
    """Whether bands learn from it."""

    @property
    def whole(self) -> bool:
        """Tell whether the version replaced everything, so that all of its rows were delivered."""
        return self.mode == "replace"

    @property
    def removes(self) -> bool:
        """Tell whether the version only took rows out, so that nothing was delivered and no band learns from it."""
        return self.mode == REMOVES

    @property
    def volume(self) -> int:
        """Return how many rows were delivered."""
        return self.rows if self.whole else self.moved


@dataclass(frozen=True, slots=True)
class Band:
    """What is usual, and how many observations say so."""

    low: float
    high: float
    points: int
    of: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Something that is out of the usual in one version."""

    monitor: Monitor
    aspect: str
    column: str = ""
    severity: Severity = Severity.MAJOR
    low: float | None = None
    high: float | None = None
    came: float | None = None
    words: Text

    @property
    def learns(self) -> bool:
        """Tell whether bands leave the version out until somebody says that it is as expected."""
        return self.monitor is not Monitor.SCHEMA and self.severity is not Severity.MINOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A call that stands, with what a person decided."""

    id: str
    table: str
    org_id: str
    version: int
    call: Call
    at: datetime
    state: FindingState = FindingState.OPEN
    until: date | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    over_at: datetime | None = None

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on who says what it is."""
        call = self.call
        told = (call.words.zh, call.severity.value, str(call.low), str(call.high), str(call.came))
        return Shown({_FOUND: told, _DECIDED: (self.state.value, str(self.until), self.reason)})

    @property
    def stands(self) -> bool:
        """Tell whether it goes on."""
        return self.state in {FindingState.OPEN, FindingState.SNOOZED}


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSetting:
    """How a table wants to be watched, where it is not as usual."""

    table: str
    monitor: Monitor
    is_on: bool = True
    limits: Mapping[str, float] = field(default_factory=dict)
    by: str = ""
    at: datetime | None = None
    reason: str = ""


@cache
def seasons() -> tuple[Season, ...]:
    """Return the seasons that are known, by the dates of each year."""
    return tuple(
        Season(
            row["season"],
            Text(row["name_zh"], row["name_en"]),
            date.fromisoformat(row["first"]),
            date.fromisoformat(row["last"]),
        )
        for row in packaged("seasons")
    )


@cache
def _limits() -> tuple[tuple[str, str, float, str, str], ...]:
    return tuple(
        (row["monitor"], row["limit"], float(row["value"]), row["effective_from"], row["effective_to"])
        for row in packaged("monitors")
    )


def limits_on(day: date, monitor: Monitor, own: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return the limits of a monitor that hold on a day, a table's own in front; the first ones hold before their day."""
    found: dict[str, float] = {}
    for of, name, value, first, last in _limits():
        holds = first <= day.isoformat() and (not last or day.isoformat() <= last)
        if of == monitor.value and (holds or name not in found):
            found[name] = value
    return {**found, **(own or {})}


@lru_cache(maxsize=20_000)
def day_kind(day: date, calendar: WorkingCalendar, margin: int) -> DayKind:
    """Return what kind of day it is: seasons by their dates, holidays and make-up days by the calendar, month-ends."""
    span = timedelta(days=margin)
    season = next((s for s in seasons() if s.first - span <= day <= s.last + span), None)
    if calendar.is_working(day):
        rest = "work"
    else:
        rest = "weekend" if day.weekday() >= 5 and day not in calendar.holidays else "holiday"  # noqa: PLR2004 - Saturday
    ahead = (day + timedelta(days=n) for n in range(1, 32))
    ends = all(not calendar.is_working(d) for d in takewhile(lambda d: d.month == day.month, ahead))
    return DayKind(rest, ends, season.id if season else "")


def robust_band(
    values: Sequence[float], sigmas: float, least: float, margin: float, apart: Sequence[float] = ()
) -> tuple[float, float]:
    """Return what is usual among values: the median and so many deviations, and whatever was seen, with a margin.

    ``apart`` are deviations of more values of the kind than these, where few would make a poor measure.
    """
    middle = median(values)
    spread = max(_SIGMA * median(apart or [abs(v - middle) for v in values]), _LEAST_SPREAD)
    wide = max(sigmas * spread, least)
    return min(middle - wide, min(values) - margin), max(middle + wide, max(values) + margin)


def volume_band(
    history: Iterable[Observation], day: date, *, whole: bool, calendar: WorkingCalendar, limits: Mapping[str, float]
) -> tuple[Band | None, int]:
    """Return how many rows are usual on a day, None while too little is known; and how many such days there were.

    By the weekday where that is known, else by the kind of the day. Of rare days that are not known yet, what is little is
    judged by ordinary days at month-ends, and what is much in seasons and on holidays.
    """
    margin = int(limits["season_margin"])
    kind = day_kind(day, calendar, margin)
    usable = [o for o in history if o.expected and o.whole == whole and not o.removes]
    kinds = {o.day: day_kind(o.day, calendar, margin) for o in usable}
    same = [o for o in usable if kinds[o.day] == kind]
    weekday = [o for o in same if o.day.weekday() == day.weekday()]
    if not kind.is_rare and len(weekday) >= limits["weekday_points"]:
        young = "young_margin" if len(weekday) < limits["points"] else "margin"
        of = Text(f"同为星期{'一二三四五六日'[day.weekday()]}", "the same weekday")
        return _band(weekday, limits, young, of, _apart(same)), len(weekday)
    month_end_only = kind == DayKind("work", month_end=True, season="")
    if len(same) >= limits["rare_points" if month_end_only else "points"]:
        return _band(same, limits, "rare_margin" if kind.is_rare else "young_margin", kind.text), len(same)
    plain = [o for o in usable if kinds[o.day] == DayKind("work", month_end=False, season="")]
    if not kind.is_rare or len(plain) < limits["points"] or (kind.month_end and not month_end_only):
        return None, len(same)
    usual = _band(plain, limits, "young_margin", Text("平日", "ordinary days"))
    if month_end_only:
        return Band(usual.low, float("inf"), usual.points, usual.of), len(same)
    return Band(0, usual.high, usual.points, usual.of), len(same)


def _apart(some: Sequence[Observation]) -> list[float]:
    """Return how far each of some days is from the middle of its own weekday."""
    found: list[float] = []
    for weekday in range(7):
        values = [log1p(o.volume) for o in some if o.day.weekday() == weekday][-USED:]
        middle = median(values) if len(values) > 2 else 0.0  # noqa: PLR2004 - two have no middle to be far from
        found += [abs(v - middle) for v in values] if middle else []
    return found


def _band(
    some: Sequence[Observation], limits: Mapping[str, float], margin: str, of: Text, apart: Sequence[float] = ()
) -> Band:
    values = [log1p(o.volume) for o in some[-USED:]]
    least = -log(1 - min(limits["least_change"], 0.9))
    low, high = robust_band(values, limits["sigmas"], least, log1p(limits[margin]), apart)
    return Band(max(exp(low) - 1, 0.0), exp(high) - 1, len(values), of)


def judge_volume(
    history: Sequence[Observation], now: Observation, calendar: WorkingCalendar, limits: Mapping[str, float]
) -> list[Call]:
    """Return whether far fewer or more rows came than on such days before."""
    band, _ = volume_band(history, now.day, whole=now.whole, calendar=calendar, limits=limits)
    came = now.volume
    if band is None or (band.low <= came <= band.high) or max(came, band.low) < TINY:
        return []
    less = came < band.low
    bound = f"{band.low:,.0f}–{band.high:,.0f}" if band.high != float("inf") else f"≥ {band.low:,.0f}"
    verb = Text("偏少", "fewer than usual") if less else Text("偏多", "more than usual")
    return [
        Call(
            monitor=Monitor.VOLUME,
            aspect="low" if less else "high",
            severity=Severity.CRITICAL if came == 0 else Severity.MAJOR,
            low=band.low,
            high=None if band.high == float("inf") else band.high,
            came=came,
            words=Text(
                f"交付 {came:,} 行，{verb.zh}（{band.of.zh}通常 {bound} 行）",
                f"{came:,} rows came, {verb.en} ({bound} on {band.of.en})",
            ),
        )
    ]


def judge_schema(before: Observation | None, now: Observation) -> list[Call]:
    """Return which columns came, went, or changed their type since the version before, in plain words."""
    if before is None:
        return []
    was, has = dict(before.columns), dict(now.columns)
    gone, new = [c for c in was if c not in has], [c for c in has if c not in was]
    calls = [
        _schema(
            "removed", name, Severity.MAJOR, Text(f"少了列“{name}”", f'Column "{name}" is gone'), new, was[name], has
        )
        for name in gone
    ]
    calls += [
        _schema("added", name, Severity.MINOR, Text(f"新增列“{name}”", f'Column "{name}" is new'), (), "", {})
        for name in new
    ]
    changed = [name for name in has if name in was and was[name] != has[name]]
    calls += [
        _schema(
            "type",
            name,
            Severity.MAJOR,
            Text(
                f"列“{name}”的类型由 {was[name]} 变为 {has[name]}",
                f'Column "{name}" was {was[name]} and is {has[name]}',
            ),
            (),
            "",
            {},
        )
        for name in changed
    ]
    return calls


def _schema(
    aspect: str, name: str, severity: Severity, words: Text, new: Sequence[str], kind: str, has: Mapping[str, str]
) -> Call:
    alike = [one for one in new if has[one] == kind]
    if len(alike) == 1 and len(new) == 1:
        words = Text(f"{words.zh}，可能改名为“{alike[0]}”", f'{words.en}; it may be called "{alike[0]}" now')
    return Call(monitor=Monitor.SCHEMA, aspect=aspect, column=name, severity=severity, words=words)
