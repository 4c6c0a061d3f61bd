"""Indicators of assessment as dated data: what A and B are, which way is better, how much it weighs (`standards.md` 10.1)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Final

from beijiang.kit import Invalid, Text, Word

__all__ = ["Book", "BookState", "Direction", "Indicator", "Kind", "check_weights", "indicators", "packaged", "shipped"]

WEIGHT_MOST: Final = 100.0
FEWEST: Final = 2
"""A department is ranked only by at least so many scored indicators, where a book does not say otherwise."""


class Direction(Word):
    """Which way is better."""

    UP = "up", "越高越好", "higher is better"
    DOWN = "down", "越低越好", "lower is better"


class Kind(Word):
    """What an indicator gives."""

    RATE = "rate", "比率", "a share in per cent"
    COUNT = "count", "计数", "a count, shown and not scored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One indicator; ``state`` ones measure how things are, the others what happened in the period."""

    id: str
    name: Text
    a: Text
    b: Text
    kind: Kind
    direction: Direction
    state: bool
    weight: float
    target: float | None
    """Per cent from which it scores in full; None: 100 (or 0 where lower is better)."""
    basis: str
    since: date

    def score(self, a: float, b: float) -> float:
        """Return the score of A of B, 0 to 100."""
        rate = min(max(a / b, 0.0), 1.0)
        if self.direction is Direction.DOWN:
            return 100.0 * (1.0 - rate)
        full = (self.target or 100.0) / 100.0
        return 100.0 * min(rate / full, 1.0)


class BookState(Word):
    """How a set of weights stands."""

    PROPOSED = "proposed", "待审批", "waiting"
    APPROVED = "approved", "已批准", "approved"
    RETURNED = "returned", "已退回", "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Weights of indicators, agreed by two people; they count for periods that begin on ``since`` or later."""

    version: int
    weights: Mapping[str, float]
    fewest: int
    since: date
    state: BookState
    reason: str
    by: str
    by_name: str
    at: datetime | None
    decided_by: str = ""
    decided_name: str = ""
    decided_at: datetime | None = None
    decision: str = ""

    def weight(self, indicator: str) -> float:
        """Return what an indicator weighs; what is not named weighs nothing."""
        return self.weights.get(indicator, 0.0)


def packaged(name: str) -> list[dict[str, str]]:
    """Return the rows of one packaged table."""
    text = files("beijiang").joinpath("assess", "reference", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def indicators() -> Mapping[str, Indicator]:
    """Return the indicators by id, in their order."""
    return {
        row["id"]: Indicator(
            id=row["id"],
            name=Text(row["name_zh"], row["name_en"]),
            a=Text(row["a_zh"], row["a_en"]),
            b=Text(row["b_zh"], row["b_en"]),
            kind=Kind(row["kind"]),
            direction=Direction(row["direction"]),
            state=row["state"] == "true",
            weight=float(row["weight"]),
            target=float(row["target"]) if row["target"] else None,
            basis=row["basis"],
            since=date.fromisoformat(row["since"]),
        )
        for row in packaged("indicators")
    }


@cache
def shipped() -> Book:
    """Return the weights that ship with the platform, version 0: a beginning, and no decision of any authority."""
    return Book(
        version=0,
        weights={one.id: one.weight for one in indicators().values()},
        fewest=FEWEST,
        since=min(one.since for one in indicators().values()),
        state=BookState.APPROVED,
        reason="平台内置 / shipped with the platform",
        by="system",
        by_name="平台",
        at=None,
    )


def check_weights(weights: Mapping[str, float], fewest: int) -> dict[str, float]:
    """Return weights that can be used, every indicator named.

    Raises:
        Invalid: an indicator is unknown or a mere count, a weight is below 0 or above 100, or all are 0 (``bad_weight``).

    """
    known = indicators()
    for name, weight in weights.items():
        if name not in known or not 0 <= weight <= WEIGHT_MOST:
            raise Invalid(
                f"权重“{name[:40]}”不可用：须为已有指标，数值 0 到 100。",
                f'The weight "{name[:40]}" cannot be used: it names an indicator and is 0 to 100.',
                code="bad_weight",
            )
        if weight and known[name].kind is Kind.COUNT:
            raise Invalid(
                f"“{known[name].name.zh}”是计数，只展示不计分，权重须为 0。",
                f'"{known[name].name.en}" is a count that is shown and not scored; its weight is 0.',
                code="bad_weight",
            )
    whole = {name: float(weights.get(name, 0.0)) for name in known}
    if not any(whole.values()) or not 1 <= fewest <= len(known):
        raise Invalid(
            "至少一项指标须有权重；参加排名所需的指标数至少为 1。",
            "One indicator at least has a weight, and a rank needs 1 indicator at least.",
            code="bad_weight",
        )
    return whole
