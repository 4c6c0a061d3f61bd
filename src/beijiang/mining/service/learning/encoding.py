"""From features to the numbers that a model takes: learned once on the training rows, kept with the model, and the same ever after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beijiang.mining.models.learning import GROUP_LEAST

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Encoder", "Encoding"]

VALUES_MOST: Final = 100
"""Different texts of one feature that are told apart, none of them of fewer than ``GROUP_LEAST`` rows; all others count as one."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One feature: a number with what stands for a missing one, or texts of a closed list."""

    name: str
    values: tuple[str, ...] | None = None
    middle: float = 0.0
    mean: float = 0.0
    spread: float = 1.0

    @property
    def numeric(self) -> bool:
        """Tell whether it is a number."""
        return self.values is None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        if self.values is not None:
            return {"name": self.name, "values": list(self.values)}
        return {"name": self.name, "middle": self.middle, "mean": self.mean, "spread": self.spread}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave."""
        if "values" in value:
            return cls(str(value["name"]), tuple(map(str, value["values"])))
        return cls(str(value["name"]), None, float(value["middle"]), float(value["mean"]), float(value["spread"]))

    def codes(self, column: Any) -> npt.NDArray[np.int64]:
        """Return the place of each text in the list, one more for all others, and -1 for nothing."""
        listed = self.values or ()
        found = pc.fill_null(pc.index_in(column, value_set=pa.array(listed, pa.string())), len(listed))
        codes = np.asarray(found, dtype=np.int64)
        return np.where(np.asarray(pc.is_null(column)), -1, codes) if column.null_count else codes


@dataclass(frozen=True, slots=True)
class Encoder:
    """All features of a model in their order."""

    encodings: tuple[Encoding, ...]

    @classmethod
    def learned(cls, rows: pa.Table, names: Sequence[str]) -> Self:
        """Look at the training rows."""
        return cls(tuple(_learned(name, rows.column(name).combine_chunks()) for name in names))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the features."""
        return tuple(one.name for one in self.encodings)

    @property
    def listed(self) -> tuple[int, ...]:
        """Return the places of those that are texts."""
        return tuple(place for place, one in enumerate(self.encodings) if not one.numeric)

    def plain(self, rows: Mapping[str, Any]) -> npt.NDArray[np.float64]:
        """Return one column a feature: numbers, or places in the lists; what is missing is not-a-number."""
        made = np.empty((_length(rows), len(self.encodings)), order="F")
        for place, one in enumerate(self.encodings):
            column = rows[one.name]
            if one.numeric:
                made[:, place] = column.to_numpy(zero_copy_only=False)
            else:
                codes = one.codes(column)
                made[:, place] = codes
                made[codes < 0, place] = np.nan
        return made

    def spread(self, plain: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return what linear models take: numbers by their spread, texts as one column a value, nothing missing."""
        parts = []
        for place, one in enumerate(self.encodings):
            column = plain[:, place]
            if one.values is None:
                parts.append(((np.where(np.isnan(column), one.middle, column) - one.mean) / one.spread)[:, None])
            else:
                parts.append((column[:, None] == np.arange(len(one.values) + 1)).astype(np.float64))
        return np.concatenate(parts, axis=1)

    def to_json(self) -> list[dict[str, Any]]:
        """Return it as JSON has it."""
        return [one.to_json() for one in self.encodings]

    @classmethod
    def from_json(cls, value: Sequence[Mapping[str, Any]]) -> Self:
        """Read what ``to_json`` gave."""
        return cls(tuple(Encoding.from_json(one) for one in value))


def _length(rows: Mapping[str, Any]) -> int:
    return len(next(iter(rows.values())))


def _learned(name: str, column: Any) -> Encoding:
    if pa.types.is_floating(column.type):
        values = column.drop_null().to_numpy(zero_copy_only=False)
        values = values[np.isfinite(values)]
        if not len(values):
            return Encoding(name)
        return Encoding(name, None, float(np.median(values)), float(values.mean()), float(values.std()) or 1.0)
    counted = [one for one in pc.value_counts(column.drop_null()).to_pylist() if one["counts"] >= GROUP_LEAST]
    counted.sort(key=lambda one: (-one["counts"], one["values"]))
    return Encoding(name, tuple(sorted(one["values"] for one in counted[:VALUES_MOST])))
