"""By when something may be disputed, and what law lets a department dispute it: dated data, each with its basis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from beijiang.exchange.models.disputes import DisputeGround, DisputeKind, RaiseLimit
from beijiang.exchange.models.flows import csv_rows
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue
    from beijiang.standards import Rule

__all__ = ["DisputeTerms", "ground_on"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeTerms:
    """What holds for a dispute about something, before it is raised."""

    kind: DisputeKind
    against: str
    title: str
    ground: DisputeGround | None
    rule: Rule | None
    """The rule of the time to raise it; None where no time runs, or no rule is active."""
    until: date | None
    late: bool

    @property
    def is_default(self) -> bool:
        """Tell whether the time is the project's own, which is no legal value."""
        return self.rule is not None and self.rule.profile == "project"

    @property
    def limit(self) -> RaiseLimit | None:
        """Return the last day and its rule; None where no time runs."""
        if self.rule is None or self.until is None:
            return None
        return RaiseLimit(
            until=self.until,
            rule=self.rule.id,
            days=int(self.rule.value),
            basis=self.rule.basis,
            since=self.rule.effective_from,
            is_default=self.is_default,
        )

    def facts(self) -> dict[str, JsonValue]:
        """Return what the log keeps, and what the API tells."""
        ground, rule = self.ground, self.rule
        return {
            "ground": None if ground is None else ground.basis,
            "ground_since": None if ground is None else ground.since.isoformat(),
            "ground_verified": None if ground is None else ground.verified,
            "rule": None if rule is None else rule.id,
            "rule_basis": None if rule is None else rule.basis,
            "rule_since": None if rule is None else rule.effective_from,
            "until": None if self.until is None else self.until.isoformat(),
        }


def ground_on(kind: DisputeKind, day: date) -> DisputeGround | None:
    """Return the newest text in force on a day; None before there was one."""
    found = [one for one in _grounds() if kind in one.kinds and one.since <= day]
    return max(found, key=lambda one: one.since, default=None)


@cache
def _grounds() -> tuple[DisputeGround, ...]:
    return tuple(
        DisputeGround(
            kinds=frozenset(DisputeKind(word) for word in row["kinds"].split()),
            basis=row["basis"],
            since=date.fromisoformat(row["effective_from"]),
            verified=row["verified"] == "true",
            text=Text(row["zh"], row["en"]),
        )
        for row in csv_rows("dispute_grounds")
    )
