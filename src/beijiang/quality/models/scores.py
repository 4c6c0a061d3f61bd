"""Scorecards: how raw facts become a score, by weights that are versioned data and can be changed and recomputed.

GB/T 36344 gives indicators, not weights: those of a scorecard are a decision of the data authority.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from beijiang.kit import Invalid, Text
from beijiang.quality.models.rules import FALLING, Severity
from beijiang.quality.models.runs import Fact, Outcome

__all__ = ["DimensionScore", "IndicatorScore", "Score", "Scorecard", "check_weights", "points", "score"]

HUNDRED = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Weights of dimensions and indicators; what is not named weighs 1. Old versions are kept."""

    version: int
    name: Text
    dimensions: Mapping[str, float] = field(default_factory=dict)
    """By the two digits of a dimension."""
    indicators: Mapping[str, float] = field(default_factory=dict)
    """By the four digits of an indicator."""
    critical_cap: float | None = None
    """The most that a dimension can score while a critical rule of it fails, 0 to 100."""
    failed_runs_count: bool = False
    """Whether a rule that ended in an error counts as 0; otherwise it is left out."""
    reason: str = ""
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IndicatorScore:
    """One indicator: the sums of A and B over its rules and the score, None where nothing was assessed."""

    code: str
    a: int
    b: int
    rules: int
    score: float | None


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """One of the six dimensions."""

    code: str
    score: float | None
    capped: bool
    indicators: tuple[IndicatorScore, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A table's score by one scorecard, with how many of the 20 indicators it rests on."""

    total: float | None
    assessed: int
    scorecard: int
    dimensions: tuple[DimensionScore, ...]


def score(facts: Iterable[Fact], codes: Sequence[str], card: Scorecard) -> Score:
    """Compute a score from facts; ``codes`` are the indicators that there are."""
    known = list(facts)
    dimensions = []
    for dimension in dict.fromkeys(code[:2] for code in codes):
        mine = [_indicator(code, known, card) for code in codes if code[:2] == dimension]
        mean = _mean((i.score, card.indicators.get(i.code, 1.0)) for i in mine)
        broken = any(
            f.indicator[:2] == dimension and f.severity is Severity.CRITICAL and f.outcome is Outcome.FAILED
            for f in known
        )
        capped = broken and mean is not None and card.critical_cap is not None and mean > card.critical_cap
        dimensions.append(DimensionScore(dimension, card.critical_cap if capped else mean, capped, tuple(mine)))
    total = _mean((d.score, card.dimensions.get(d.code, 1.0)) for d in dimensions)
    assessed = sum(i.score is not None for d in dimensions for i in d.indicators)
    return Score(total, assessed, card.version, tuple(dimensions))


def points(value: float | None) -> float | None:
    """Return a score to one decimal, cut and not rounded: 100 is said of what has no fault only."""
    return None if value is None else math.floor(value * 10 + 1e-9) / 10


def _indicator(code: str, facts: Sequence[Fact], card: Scorecard) -> IndicatorScore:
    mine = [f for f in facts if f.indicator == code]
    a, b = sum(f.a for f in mine), sum(f.b for f in mine)
    errors = sum(f.outcome is Outcome.ERROR for f in mine) if card.failed_runs_count else 0
    if not b and not errors:
        return IndicatorScore(code, a, b, len(mine), None)
    x = a / b if b else 0.0
    good = HUNDRED * (1 - x if code in FALLING and b else x)
    counted = sum(f.b > 0 for f in mine)
    return IndicatorScore(code, a, b, len(mine), good * counted / (counted + errors) if errors else good)


def _mean(pairs: Iterable[tuple[float | None, float]]) -> float | None:
    known = [(value, weight) for value, weight in pairs if value is not None and weight > 0]
    weights = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / weights if weights else None


def check_weights(weights: Mapping[str, float], codes: Iterable[str]) -> None:
    """Return if weights are for codes that there are, and none is negative.

    Raises:
        Invalid: a code is unknown, or a weight is none.

    """
    known = set(codes)
    for code, weight in weights.items():
        if code not in known or not 0 <= weight <= HUNDRED:
            raise Invalid(
                f"权重“{code[:10]}”不可用：代码须为 GB/T 36344 的维度或指标，数值 0 到 100。",
                f'The weight "{code[:10]}" cannot be used: the code is a dimension or indicator of GB/T 36344, the value 0 to 100.',
                code="bad_weight",
            )
