"""What a linker hands over: pairs, the weights by which they were judged, and what each block brought."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DIFFERENT", "MISSING", "RARITY", "Bar", "BlockCount", "FieldWeights", "LevelWeight", "Linked", "Weights"]

MISSING: Final = "missing"
DIFFERENT: Final = "different"
"""Levels that every field has: one of both records does not tell (-1), and no other level holds (0)."""
RARITY: Final = "rarity"
"""Name of the bar that stands for how rare the values are which both records share."""
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class LevelWeight:
    """How a level speaks for a match: how often it holds among matches (m) and among other pairs (u)."""

    level: str
    m: float
    u: float

    @property
    def bayes(self) -> float:
        """Return the factor by which the odds of a match change where the level holds."""
        return self.m / self.u

    @property
    def weight(self) -> float:
        """Return the factor as bits (log2): above zero it speaks for a match, below against one."""
        return math.log2(self.bayes)


@dataclass(frozen=True, slots=True)
class FieldWeights:
    """Weights of one field by level; ``levels[0]`` is ``different``, the last is the most alike."""

    field: str
    levels: tuple[LevelWeight, ...]

    def at(self, level: int) -> LevelWeight | None:
        """Return the level of a number of ``Linked.pairs``; None for -1, which says nothing."""
        return self.levels[level] if level >= 0 else None


@dataclass(frozen=True, slots=True)
class Bar:
    """A step of the waterfall: what moved the odds, by how many bits, and where they stand after it."""

    field: str
    """``prior``, a field, or ``rarity``."""
    level: str
    weight: float
    total: float

    @property
    def probability(self) -> float:
        """Return the probability of a match after this step."""
        return 1 / (1 + math.pow(2.0, -self.total))


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned: the odds before anything is compared, and the weights of each field. Kept, it judges anew alike."""

    prior: float
    fields: tuple[FieldWeights, ...]

    def waterfall(self, levels: Mapping[str, int], probability: float) -> tuple[Bar, ...]:
        """Explain a pair of ``Linked.pairs``: its levels by field and its probability, as steps that add up to it.

        What the levels do not explain is the rarity of the values: 张伟 twice says less than 尉迟敬德 twice.
        """
        total = math.log2(self.prior / (1 - self.prior))
        bars = [Bar("prior", "", total, total)]
        for one in self.fields:
            found = one.at(levels.get(one.field, -1))
            weight = found.weight if found else 0.0
            total += weight
            bars.append(Bar(one.field, found.level if found else MISSING, weight, total))
        kept = min(max(probability, 2.0**-60), 1 - 2.0**-50)
        rest = math.log2(kept / (1 - kept)) - total
        if abs(rest) > 0.01 and 0 < probability < 1:  # noqa: PLR2004 - a hundredth of a bit is rounding
            bars.append(Bar(RARITY, "", rest, total + rest))
        return tuple(bars)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return asdict(self)

    @classmethod
    def of_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what ``as_dict`` wrote."""
        return cls(
            data["prior"],
            tuple(
                FieldWeights(one["field"], tuple(LevelWeight(**level) for level in one["levels"]))
                for one in data["fields"]
            ),
        )


@dataclass(frozen=True, slots=True)
class BlockCount:
    """What a block brought."""

    name: str
    pairs: int
    """Pairs whose records share its values."""
    added: int
    """Of these, the pairs that no block before it brought."""
    largest: int
    """Most records that share one value."""
    skipped: int
    """Records whose value too many share (``Block.most``), so that it brought no pairs."""


@dataclass(frozen=True, eq=False)
class Linked:
    """The outcome of a link."""

    pairs: pa.Table
    """``left`` < ``right`` (record ids), ``probability`` (double), ``block`` (int16, index of the first that brought the
    pair), and for each compared field an int8 of its name: -1 missing, 0 different, above it the more alike the higher.
    Sorted by ``left`` and ``right``."""
    weights: Weights
    blocks: tuple[BlockCount, ...]
    records: int
    compared: int
    """Pairs that were looked at."""
    trained: bool
    """Whether the weights were learned now; False: they were given."""
    seconds: Mapping[str, float]
    """Wall time by step: ``prepare``, ``block``, ``train``, ``score``."""


def rounded(value: float) -> float:
    """Return a learned number to six digits, so that the order in which threads add up cannot be seen in it."""
    return float(f"{value:.{_DIGITS}g}")
