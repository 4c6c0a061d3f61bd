"""Rules by which somebody is the real controller (实际控制人): dated data with their basis in law, no code."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from beijiang.kit import Invalid, Text

__all__ = ["ControlRule", "control_rules", "rule_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRule:
    """From when to when which part of the votes makes a controller."""

    id: str
    since: date
    until: date | None
    """The first day on which it held no more."""
    majority: float
    majority_reached: bool
    """Whether exactly so much is enough."""
    block: float
    block_reached: bool
    """The least that the largest block must hold, where nobody has the majority, to be presumed the controller."""
    basis: Text

    def is_majority(self, share: float) -> bool:
        """Tell whether a part of the votes is a majority; a rounding error of the tenth digit decides nothing."""
        return share > self.majority + 1e-9 or (self.majority_reached and share >= self.majority - 1e-9)

    def is_block(self, share: float) -> bool:
        """Tell whether the largest block is enough for the presumption."""
        return share > self.block + 1e-9 or (self.block_reached and share >= self.block - 1e-9)


@cache
def control_rules() -> tuple[ControlRule, ...]:
    """Return the packaged rules, oldest first."""
    text = files("beijiang").joinpath("mining", "reference", "control.csv").read_text("utf-8")
    return tuple(
        ControlRule(
            id=row["id"],
            since=date.fromisoformat(row["since"]),
            until=date.fromisoformat(row["until"]) if row["until"] else None,
            majority=float(row["majority"]) / 100,
            majority_reached=row["majority_reached"] == "yes",
            block=float(row["block"]) / 100,
            block_reached=row["block_reached"] == "yes",
            basis=Text(row["basis_zh"], row["basis_en"]),
        )
        for row in csv.DictReader(text.splitlines())
    )


def rule_at(at: date) -> ControlRule:
    """Return the rule in force on a day.

    Raises:
        Invalid: before the first rule (``graph_no_rule``).

    """
    for rule in control_rules():
        if rule.since <= at and (rule.until is None or at < rule.until):
            return rule
    first = control_rules()[0].since
    raise Invalid(
        f"{first} 之前没有登记认定实际控制人的规则。",
        f"No rule on real controllers is on file for days before {first}.",
        code="graph_no_rule",
    )
