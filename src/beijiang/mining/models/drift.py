"""How far what is scored has moved from what was learned: the population stability index, and the limits in force."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final

from beijiang.kit import Text
from beijiang.mining.models.learning import ScoreRun, ScoreState, Shift, ShiftLevel

__all__ = ["DriftLimits", "crossed", "drift_limits", "stability"]

LEAST: Final = 1e-4
"""A share of nothing is taken for this, so that an empty bin weighs much and not infinitely."""


@dataclass(frozen=True, slots=True)
class DriftLimits:
    """From which index on a shift is to be watched, and from which it has moved."""

    since: date
    watch: float
    moved: float
    basis: Text

    def judge(self, name: str, index: float) -> Shift:
        """Say how an index stands."""
        level = (
            ShiftLevel.MOVED if index >= self.moved else ShiftLevel.WATCH if index >= self.watch else ShiftLevel.STEADY
        )
        return Shift(name=name, index=round(index, 6), level=level)


@cache
def _limits() -> tuple[DriftLimits, ...]:
    text = files("beijiang").joinpath("mining", "reference", "drift.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(
        DriftLimits(
            date.fromisoformat(row["since"]),
            float(row["watch"]),
            float(row["moved"]),
            Text(row["basis_zh"], row["basis_en"]),
        )
        for row in rows
    )


def drift_limits(day: date) -> DriftLimits:
    """Return the limits in force on a day."""
    return max((one for one in _limits() if one.since <= day), key=lambda one: one.since)


def crossed(run: ScoreRun, before: Sequence[ScoreRun]) -> bool:
    """Tell whether data moved over the limit at a run that had not at the last one before it (``before``: newest first)."""
    last = next((one for one in before if one.state is ScoreState.DONE), None)
    return _moved(run) and not (last is not None and _moved(last))


def _moved(run: ScoreRun) -> bool:
    return run.worst is not None and run.worst.level is ShiftLevel.MOVED


def stability(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the population stability index of two sets of shares over the same bins."""
    pairs = ((max(b, LEAST), max(a, LEAST)) for b, a in zip(before, after, strict=True))
    return sum((a - b) * math.log(a / b) for b, a in pairs)
