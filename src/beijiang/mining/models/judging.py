"""How a rule judges the readings of one sensor: small states that are kept between batches, and no input or output.

Readings are judged in the order of their own times. One that is older than the newest that was judged decides nothing any
more; for a trend it still counts in its window. One whose time lies ahead of the clock is left aside, for it would silence
its sensor until that time comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from beijiang.mining.models.stream_rules import RuleDraft, RuleKind, Side, TrendMeasure

__all__ = ["AHEAD", "KeyState", "Turn", "judge", "silent"]

AHEAD: Final = 600.0
"""Seconds that a sensor's clock may be ahead of ours."""
_MOMENTS: Final = ("at", "heard", "bad", "good", "up", "peak")
PARTS: Final = 12
"""Parts of a window whose sums are kept instead of its readings, so that a state stays small at any rate."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An alert that begins or ends."""

    raised: bool
    at: float
    """The reading's own time; of a missing sensor the moment when it was missed."""
    figure: float | None
    peak: float | None
    """The worst figure while it lasted."""
    since: float
    """When the condition began: the first reading beyond the level, or the last one that was heard."""


@dataclass(slots=True)
class KeyState:
    """What a rule remembers of one sensor; moments are seconds since 1970."""

    at: float | None = None
    """Time of the newest reading that was judged."""
    heard: float | None = None
    """When the newest reading reached the platform, by its clock."""
    bad: float | None = None
    """Since when every reading has been beyond the level."""
    good: float | None = None
    """Since when every reading has been past the clear level, while an alert lasts."""
    up: float | None = None
    """Since when an alert lasts."""
    peak: float | None = None
    late: int = 0
    parts: dict[str, list[float]] = field(default_factory=dict)
    """Number of a part of time to count, sum of times in it, of values, of their products, and of squared times."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what ``to_json`` gave."""
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it; what is empty is left out."""
        told = {name: getattr(self, name) for name in _MOMENTS}
        found: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
        if self.late:
            found["late"] = self.late
        if self.parts:
            found["parts"] = self.parts
        return found


def judge(draft: RuleDraft, state: KeyState, readings: Sequence[tuple[float, float | None]], now: float) -> list[Turn]:
    """Judge the readings of a sensor, sorted by their times, and return what began and ended; ``state`` moves on."""
    turns = []
    for at, value in readings:
        if at > now + AHEAD:
            state.late += 1
            continue
        state.heard = now
        if draft.kind is RuleKind.MISSING:
            turn = _back(state, at, now)
        elif value is None or value != value:  # noqa: PLR0124 - not a number
            continue
        else:
            turn = _judged(draft, state, at, value)
        if turn is not None:
            turns.append(turn)
    return turns


def silent(draft: RuleDraft, state: KeyState, since: float, now: float) -> Turn | None:
    """Return the alert of a sensor that has been silent for too long; silence counts from ``since`` at the earliest."""
    heard = since if state.heard is None else max(state.heard, since)
    if draft.kind is not RuleKind.MISSING or state.up is not None or now - heard < draft.silence:
        return None
    state.up = now
    return Turn(raised=True, at=now, figure=None, peak=None, since=state.at or heard)


def _back(state: KeyState, at: float, now: float) -> Turn | None:
    """Note a reading; a sensor that was missed has come back, with whatever time it tells."""
    if state.at is not None and at <= state.at:
        state.late += 1
    state.at = at if state.at is None else max(state.at, at)
    if state.up is None:
        return None
    since, state.up = state.up, None
    return Turn(raised=False, at=now, figure=None, peak=None, since=since)


def _judged(draft: RuleDraft, state: KeyState, at: float, value: float) -> Turn | None:
    late = state.at is not None and at <= state.at
    figure: float | None = value
    if draft.kind is RuleKind.TREND:
        figure = _trend(draft, state, at, value, late=late)
    if late:
        state.late += 1
        return None
    state.at = at
    return None if figure is None else _turn(draft, state, at, figure)


def _turn(draft: RuleDraft, state: KeyState, at: float, figure: float) -> Turn | None:
    """Move an alert on by one figure: it begins after ``hold`` beyond the level, and ends after ``settle`` past the other."""
    above = draft.side is Side.ABOVE
    if state.up is None:
        if not (figure >= draft.level if above else figure <= draft.level):
            state.bad = None
            return None
        state.bad = at if state.bad is None else state.bad
        if at - state.bad < draft.hold:
            return None
        since, state.up, state.bad, state.good, state.peak = state.bad, at, None, None, figure
        return Turn(raised=True, at=at, figure=figure, peak=figure, since=since)
    peak = figure if state.peak is None else state.peak
    state.peak = max(peak, figure) if above else min(peak, figure)
    if not (figure < draft.clears_at if above else figure > draft.clears_at):
        state.good = None
        return None
    state.good = at if state.good is None else state.good
    if at - state.good < draft.settle or at - state.up < draft.least:
        return None
    turn = Turn(raised=False, at=at, figure=figure, peak=state.peak, since=state.up)
    state.up = state.good = state.peak = None
    return turn


def _trend(draft: RuleDraft, state: KeyState, at: float, value: float, *, late: bool) -> float | None:
    """Count a reading into its window, and return the trend at it; None while the window holds too few."""
    width = draft.window / PARTS
    newest = int((at if state.at is None else max(at, state.at)) // width)
    for gone in [name for name in state.parts if int(name) <= newest - PARTS]:
        del state.parts[gone]
    number = int(at // width)
    before = _whole(state, width) if draft.measure is TrendMeasure.CHANGE and not late else None
    if number > newest - PARTS:
        part = state.parts.setdefault(str(number), [0.0] * 5)
        offset = at - number * width
        for index, more in enumerate((1.0, offset, value, offset * value, offset * offset)):
            part[index] += more
    if late:
        return None
    if before is not None:
        return value - before[2] / before[0] if before[0] >= draft.readings else None
    count, times, values, products, squares = _whole(state, width)
    spread = count * squares - times * times
    if count < draft.readings or spread <= 0:
        return None
    return (count * products - times * values) / spread * 3600.0


def _whole(state: KeyState, width: float) -> list[float]:
    """Add up the parts of a window, times counted from its first part, so that no digit is lost to the age of the world."""
    total = [0.0] * 5
    first = min(map(int, state.parts), default=0)
    for name, (count, times, values, products, squares) in state.parts.items():
        shift = (int(name) - first) * width
        total[0] += count
        total[1] += times + count * shift
        total[2] += values
        total[3] += products + shift * values
        total[4] += squares + 2 * shift * times + count * shift * shift
    return total
