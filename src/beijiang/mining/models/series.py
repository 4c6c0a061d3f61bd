"""Series made of observations: ordered, checked, ready to be continued, or told why not."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from beijiang.kit import Text
from beijiang.mining.models.forecasting import NoForecast, Observation, WhyNot
from beijiang.mining.models.periods import Frequency, read_periods

__all__ = ["Ready", "Sorted", "newest", "sorted_out"]

GAPS_SHARE: Final = 0.1
GAPS_RUN: Final = 3
"""Single gaps are bridged; more than three in a row, or a tenth of a series, are not."""
_NAMED: Final = 6


@dataclass(frozen=True, slots=True)
class Ready:
    """A series without gaps."""

    key: tuple[str, ...]
    first: int
    values: tuple[float, ...]
    filled: int = 0

    @property
    def last(self) -> int:
        """Return its last period."""
        return self.first + len(self.values) - 1


@dataclass(frozen=True, slots=True)
class Sorted:
    """All series of a source: those that can be continued, and the others."""

    frequency: Frequency
    horizon: int
    ready: Sequence[Ready]
    without: Sequence[tuple[tuple[str, ...], NoForecast]]
    first: int
    last: int


def sorted_out(
    observations: Sequence[Observation], ordinals: Sequence[int | None], frequency: Frequency, horizon: int
) -> Sorted:
    """Put observations into series and check each of them."""
    grouped: defaultdict[tuple[str, ...], list[tuple[int, Observation]]] = defaultdict(list)
    for seen, at in zip(observations, ordinals, strict=True):
        if at is not None:
            grouped[seen.key].append((at, seen))
    last = max((at for lines in grouped.values() for at, seen in lines if _is_number(seen.value)), default=0)
    first = min((at for lines in grouped.values() for at, _ in lines), default=0)
    ready: list[Ready] = []
    without: list[tuple[tuple[str, ...], NoForecast]] = []
    for key in sorted(grouped):
        found = _checked(key, grouped[key], frequency, horizon, last)
        if isinstance(found, Ready):
            ready.append(found)
        else:
            without.append((key, found))
    return Sorted(frequency, horizon, ready, without, first, last)


def newest(observations: Sequence[Observation]) -> list[Observation]:
    """Return of each series and period what was said last: a value that was corrected since is no second one.

    What ended and has no later one of its period stays: a source that says one figure at a time, each in place of the one
    before, has its series in its history. A period that nobody can read and that is said no more was a slip.
    """
    periods = read_periods([one.period for one in observations])
    numbers = [None] * len(observations) if periods is None else periods.ordinals
    named = [
        ((one.key, one.period if at is None else at), (one.ended is None, one.ended), one)
        for one, at in zip(observations, numbers, strict=True)
        if periods is None or at is not None or one.ended is None
    ]
    last = {place: moment for place, moment, _ in sorted(named, key=lambda line: line[1])}
    return [one for place, moment, one in named if moment == last[place]]


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _checked(
    key: tuple[str, ...], lines: Sequence[tuple[int, Observation]], frequency: Frequency, horizon: int, newest: int
) -> Ready | NoForecast:
    values: dict[int, float] = {}
    doubled: list[int] = []
    definitions: dict[int, str] = {}
    for at, seen in sorted(lines, key=lambda line: line[0]):
        if not _is_number(seen.value):
            continue
        if at in values:
            doubled.append(at)
        values[at] = float(seen.value or 0)
        definitions[at] = seen.definition
    if doubled:
        named = _named(frequency, sorted(set(doubled)))
        return NoForecast(WhyNot.DOUBLED, Text(f"重复的期间：{named}。", f"Periods that are there twice: {named}."))
    changed = _changed(definitions)
    if changed is not None:
        values = {at: value for at, value in values.items() if at >= changed}
    return _judged(key, values, frequency, horizon, (newest, changed))


def _judged(
    key: tuple[str, ...], values: Mapping[int, float], frequency: Frequency, horizon: int, edges: tuple[int, int | None]
) -> Ready | NoForecast:
    newest, changed = edges
    need = frequency.least + horizon
    if len(values) < need:
        counted = Text(
            f"有 {len(values)} 期，需要 {need} 期。", f"There are {len(values)} periods, and {need} are needed."
        )
        if changed is None:
            return NoForecast(WhyNot.SHORT, counted)
        since = frequency.label(changed)
        words = Text(
            f"口径自 {since} 起变更。其后{counted.zh}", f"The definition changed in {since}. Since then: {counted.en}"
        )
        return NoForecast(WhyNot.REDEFINED, words)
    if newest - max(values) > frequency.season:
        ended = frequency.label(max(values))
        return NoForecast(WhyNot.ENDED, Text(f"最后一期是 {ended}。", f"Its last period is {ended}."))
    gaps = [at for at in range(min(values), max(values) + 1) if at not in values]
    if gaps and (len(gaps) > GAPS_SHARE * len(values) or _longest_run(gaps) > GAPS_RUN):
        named = _named(frequency, gaps)
        return NoForecast(
            WhyNot.GAPS, Text(f"缺 {len(gaps)} 期：{named}。", f"{len(gaps)} periods are missing: {named}.")
        )
    if len(set(values.values())) == 1:
        words = Text(
            f"各期都是 {next(iter(values.values())):g}。", f"It is {next(iter(values.values())):g} throughout."
        )
        return NoForecast(WhyNot.CONSTANT, words)
    return Ready(key, min(values), _bridged(values), len(gaps))


def _changed(definitions: Mapping[int, str]) -> int | None:
    """Return since when the newest definition holds, if there was another one before."""
    if not definitions:
        return None
    newest = definitions[max(definitions)]
    before = [at for at, word in definitions.items() if word != newest]
    return min(at for at in definitions if at > max(before)) if before else None


def _longest_run(gaps: Sequence[int]) -> int:
    longest = run = 1
    for before, at in pairwise(gaps):
        run = run + 1 if at == before + 1 else 1
        longest = max(longest, run)
    return longest


def _named(frequency: Frequency, periods: Sequence[int]) -> str:
    more = "…" if len(periods) > _NAMED else ""
    return "、".join(frequency.label(at) for at in periods[:_NAMED]) + more


def _bridged(values: Mapping[int, float]) -> tuple[float, ...]:
    """Return the values from the first to the last period, gaps on a straight line between their neighbours."""
    known = sorted(values)
    out: list[float] = []
    for left, right in pairwise(known):
        step = (values[right] - values[left]) / (right - left)
        out += [values[left] + step * n for n in range(right - left)]
    return (*out, values[known[-1]])
