"""Calendar effects: found by least squares on changes against the same period of last year, taken out and put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

__all__ = ["Effects", "effects_of"]

SURE: Final = 2.5
"""Least ratio of an effect to its standard error: below it, an effect is not believed."""
_LEAST: Final = 18


@dataclass(frozen=True, slots=True)
class Effects:
    """What one unit of each regressor adds; 0 where nothing was found."""

    festival: float = 0.0
    working_day: float = 0.0

    def of(self, calendar: Numbers) -> Numbers:
        """Return what the calendar adds to each period."""
        added: Numbers = calendar @ np.array([self.festival, self.working_day])
        return added


def effects_of(values: Numbers, calendar: Numbers, season: int) -> Effects:
    """Return the effects that are sure; differences over a season hold neither trend nor season.

    The less sure of two regressors is left out first, and the other one is judged again without it.
    """
    if season == 1 or len(values) - season < _LEAST:
        return Effects()
    change = values[season:] - values[:-season]
    moved = calendar[season:] - calendar[:-season]
    used = [column for column in (0, 1) if np.ptp(moved[:, column]) > 0]
    while used:
        found, sure = _fitted(change, moved[:, used])
        least = int(np.argmin(sure))
        if sure[least] >= SURE:
            both = dict(zip(used, found, strict=True))
            return Effects(float(both.get(0, 0.0)), float(both.get(1, 0.0)))
        del used[least]
    return Effects()


def _fitted(change: Numbers, moved: Numbers) -> tuple[Numbers, Numbers]:
    """Return the slopes beside a constant, and each one's ratio to its standard error."""
    left = np.column_stack([np.ones(len(change)), moved])
    solved: Numbers = np.linalg.lstsq(left, change, rcond=None)[0].astype(np.float64)
    rest = change - left @ solved
    spread = float(rest @ rest) / max(1, len(change) - left.shape[1])
    error: Numbers = np.sqrt(np.maximum(np.diag(np.linalg.pinv(left.T @ left)) * spread, 1e-300))
    return solved[1:], np.abs(solved[1:]) / error[1:]
