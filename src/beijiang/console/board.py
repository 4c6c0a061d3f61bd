"""The picture of the freshness board: thirty days of runs on a line, and what the next days promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby
from typing import TYPE_CHECKING, Final, Protocol

from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.ingest import Freshness

__all__ = ["board"]

BACK: Final = 30
AHEAD: Final = 7
STEP: Final = 8
"""Width of a day in the picture."""


class _Dot(Protocol):
    """One run on the line."""

    @property
    def at(self) -> datetime: ...
    @property
    def state(self) -> str: ...


class _Calendar(Protocol):
    def is_working(self, day: date) -> bool: ...


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of one table."""

    x: int
    rests: bool
    """Nobody works on it."""
    mark: str
    """ok, bad, open, or nothing."""
    title: Text


@dataclass(frozen=True, slots=True)
class Line:
    """One table: its state, and its days."""

    fresh: Freshness
    cells: Sequence[Cell]
    deadline: float | None
    """Where the promise breaks, from the left; at the edge where that is far."""
    next: float | None
    today: float


def board(
    found: Sequence[Freshness],
    dots: Mapping[str, Sequence[_Dot]],
    *,
    now: datetime,
    zone: tzinfo,
    schedules: _Calendar,
) -> list[tuple[str, list[Line]]]:
    """Return the lines of each department."""
    first = now.astimezone(zone).date() - timedelta(days=BACK - 1)
    days = [first + timedelta(days=n) for n in range(BACK + AHEAD)]
    rests = {day: not schedules.is_working(day) for day in days}
    start = datetime(first.year, first.month, first.day, tzinfo=zone)

    def place(moment: datetime | None) -> float | None:
        if moment is None:
            return None
        x = (moment - start).total_seconds() / 86_400 * STEP
        return round(min(max(x, 1), (BACK + AHEAD) * STEP - 1), 1)

    def line(one: Freshness) -> Line:
        by_day: dict[date, list[str]] = {}
        for dot in dots.get(one.table, ()):
            by_day.setdefault(dot.at.astimezone(zone).date(), []).append(str(dot.state))
        cells = [_cell(n * STEP, day, by_day.get(day, ()), rests=rests[day]) for n, day in enumerate(days)]
        return Line(one, cells, place(one.deadline), place(one.next_at), place(now) or 0)

    ordered = sorted(found, key=lambda f: f.org_id)
    return [(org, [line(f) for f in group]) for org, group in groupby(ordered, key=lambda f: f.org_id)]


def _cell(x: int, day: date, states: Sequence[str], *, rests: bool) -> Cell:
    good = sum(1 for s in states if s == "committed")
    bad = sum(1 for s in states if s in {"failed", "stopped"})
    mark = ""
    if states:
        mark = "bad" if bad and states[-1] != "committed" else "ok" if good else "open"
    title = Text(f"{day:%m-%d}", f"{day:%m-%d}")
    if states:
        title = Text(f"{title.zh}：成功 {good}，失败 {bad}", f"{title.en}: {good} done, {bad} failed")
    return Cell(x, rests, mark, title)
