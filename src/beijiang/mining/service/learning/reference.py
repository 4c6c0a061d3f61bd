"""How the training rows were spread, so that what is scored later can be held against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from beijiang.mining.service.learning.encoding import Encoder

    Numbers = npt.NDArray[np.float64]

__all__ = ["SCORE", "Bins", "Spread"]

TENTHS: Final = 10
SCORE: Final = "__score__"
"""The name under which the prediction itself is watched; no feature is called so."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Stretches of a number, or the places of a list; the last bin is for what is missing."""

    name: str
    edges: tuple[float, ...]
    places: int
    """Of a list with all others; 0 for numbers."""

    @property
    def many(self) -> int:
        """Return how many bins there are."""
        return (self.places or len(self.edges) + 1) + 1

    def count(self, values: Numbers) -> npt.NDArray[np.int64]:
        """Return how many values fall into each."""
        there = ~np.isnan(values)
        kept = values if there.all() else values[there]
        missing = len(values) - len(kept)
        if self.places:
            counted = np.bincount(np.clip(kept.astype(np.int64), 0, self.places - 1), minlength=self.places)
            return np.append(counted, missing)
        # A pass over all values for each of a few edges is several times as quick as a search for each value.
        below = [0, *(int(np.count_nonzero(kept < edge)) for edge in self.edges), len(kept)]
        return np.append(np.diff(below), missing)


@dataclass(frozen=True, slots=True)
class Spread:
    """The bins of all features and of the prediction, and the shares of the training rows in them."""

    bins: tuple[Bins, ...]
    shares: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, encoder: Encoder, rows: Numbers, said: Numbers, classes: int) -> Self:
        """Look at the training rows and what a model says of them (one number a row)."""
        made = []
        for place, one in enumerate(encoder.encodings):
            listed = 0 if one.values is None else len(one.values) + 1
            made.append(Bins(one.name, () if listed else _tenths(rows[:, place]), listed))
        made.append(Bins(SCORE, () if classes else _tenths(said), classes))
        columns = [rows[:, place] for place in range(rows.shape[1])] + [said]
        shares = []
        for bins, values in zip(made, columns, strict=True):
            counted = bins.count(values)
            shares.append(tuple((counted / max(1, counted.sum())).tolist()))
        return cls(tuple(made), tuple(shares))

    def to_json(self) -> list[dict[str, Any]]:
        """Return it as JSON has it."""
        return [
            {"name": bins.name, "edges": list(bins.edges), "places": bins.places, "shares": list(shares)}
            for bins, shares in zip(self.bins, self.shares, strict=True)
        ]

    @classmethod
    def from_json(cls, value: list[Mapping[str, Any]]) -> Self:
        """Read what ``to_json`` gave."""
        bins = tuple(Bins(str(one["name"]), tuple(map(float, one["edges"])), int(one["places"])) for one in value)
        return cls(bins, tuple(tuple(map(float, one["shares"])) for one in value))


def _tenths(values: Numbers) -> tuple[float, ...]:
    there = values[np.isfinite(values)]
    if not len(there):
        return ()
    return tuple(np.unique(np.quantile(there, np.linspace(0, 1, TENTHS + 1)[1:-1])).tolist())
