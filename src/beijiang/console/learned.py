"""Pictures of models: bars and curves as places in a drawing; the numbers stand in a table beside each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beijiang.mining import Curve, LearnedModel, ScoreRun

__all__ = ["HIGH", "WIDE", "Bar", "Drawn", "bars", "compared", "curves", "drift"]

WIDE: Final = 320
HIGH: Final = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it is of, its share of the longest, and its number as words."""

    name: str
    share: float
    words: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A curve, or a column for each value of a list."""

    name: str
    numeric: bool
    line: str
    columns: tuple[tuple[float, float, float, float], ...]
    low: float
    high: float
    points: tuple[tuple[str, float], ...]


def bars(pairs: Sequence[tuple[str, float]]) -> tuple[Bar, ...]:
    """Return bars from zero to the longest; less than nothing has no length."""
    most = max((value for _, value in pairs), default=0.0)
    return tuple(Bar(name, max(0.0, value) / most if most > 0 else 0.0, f"{value:.4f}") for name, value in pairs)


def curves(found: Sequence[Curve], *, chances: bool) -> tuple[Drawn, ...]:
    """Return where curves run, all on one scale, so that a feature that matters little looks flat; chances from 0 to 1."""
    values = [value for one in found for _, value in one.points]
    low, high = (0.0, 1.0) if chances else (min(values, default=0.0), max(values, default=1.0))
    return tuple(_curve(one, low, high) for one in found)


def _curve(one: Curve, low: float, high: float) -> Drawn:
    values = [value for _, value in one.points]
    span, many = (high - low) or 1.0, len(values)
    ups = [round(HIGH - HIGH * (value - low) / span, 1) for value in values]
    own = min(values, default=low), max(values, default=high)
    if one.numeric:
        step = WIDE / max(1, many - 1)
        line = " ".join(f"{round(place * step, 1)},{up}" for place, up in enumerate(ups))
        return Drawn(one.name, True, line, (), *own, one.points)
    width = WIDE / max(1, many)
    columns = tuple(
        (round(place * width + 2, 1), up, round(width - 4, 1), round(HIGH - up, 1)) for place, up in enumerate(ups)
    )
    return Drawn(one.name, False, "", columns, *own, one.points)


def compared(models: Sequence[LearnedModel], figure: str) -> tuple[Bar, ...]:
    """Return the models of one training set side by side by one figure."""
    found = [(one.draft.name, one.figures[figure]) for one in models if figure in one.figures]
    return bars(found)


def drift(
    runs: Sequence[ScoreRun], limits: tuple[float, float]
) -> tuple[str, tuple[tuple[float, float, str, str], ...], float]:
    """Return the line of the greatest shift of each run, oldest first, its points, and what stands at the top."""
    told = [(one.at.date().isoformat(), one.worst) for one in reversed(runs) if one.worst is not None]
    top = max([limits[1] * 1.2, *(worst.index for _, worst in told if worst)])
    step = WIDE / max(1, len(told) - 1)
    points = tuple(
        (
            round(place * step, 1),
            round(HIGH - HIGH * worst.index / top, 1),
            f"{day} {worst.name} {worst.index:.3f}",
            worst.level.value,
        )
        for place, (day, worst) in enumerate(told)
        if worst
    )
    return " ".join(f"{x},{y}" for x, y, _, _ in points), points, top
