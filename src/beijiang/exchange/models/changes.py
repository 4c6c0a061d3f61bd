"""Plans of decisions: what approving a request would give, and what a change of a grant would take away, from whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from beijiang.protection import Handling

if TYPE_CHECKING:
    from beijiang.exchange.models.grants import Grant, GrantState
    from beijiang.exchange.models.requests import Move, PlannedStage, Problem
    from beijiang.exchange.models.terms import Terms, Way
    from beijiang.tables import Filter

__all__ = ["ChangePlan", "DecisionPlan", "GivePlan", "Less", "PushAtStake", "less_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Less:
    """What terms give less than others."""

    columns: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    """Items that were given as they are, and are masked now."""
    ways: tuple[Way, ...] = ()
    until: date | None = None
    """The last day, where it is an earlier one."""
    filters: tuple[Filter, ...] = ()
    """Conditions on the rows that were not there."""
    calls_per_day: int | None = None
    rows_per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAtStake:
    """A subscription that brings what a grant gives."""

    id: str
    name: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPlan:
    """What would happen if a request were approved so: what stands against it, what is given, and who decides next."""

    problems: tuple[Problem, ...]
    offered: Terms
    less: Less
    """What is given less than was asked for, by everybody so far."""
    stages: tuple[PlannedStage, ...]
    """What comes after; empty where it would be granted, or leave for the node that has the data."""
    leaves: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GivePlan:
    """What a department would get by a grant that it did not ask for, and what stands against it."""

    problems: tuple[Problem, ...]
    org_id: str
    terms: Terms
    held: tuple[str, ...]
    """Items that the department has under another grant already."""
    applications: tuple[str, ...]
    """Its hosted applications that read the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan:
    """What a change of a grant would do, from the very next access on."""

    move: Move
    grant: Grant
    after: GrantState
    ends: bool
    """Whether nothing can be had under it any more, for now or for good."""
    less: Less
    kept: tuple[str, ...]
    """Items taken away that its holder has under another grant all the same."""
    pushes: tuple[PushAtStake, ...]
    """Subscriptions that stop, or bring less."""
    keys: int
    """Valid API keys of its holder's by which it is used."""
    links: int
    """Profiles of Delta Sharing among them: links handed out are refused as well."""
    applications: tuple[str, ...]
    """Hosted applications of its holder's department that read the table."""
    calls: int
    """Accesses on the last days that it was used, of which no more than sixty are looked at."""
    rows: int
    last_used: date | None


def less_of(before: Terms, after: Terms) -> Less:
    """Return what terms give less than those before."""
    handled = {item.column: item.handling for item in after.items}
    return Less(
        columns=tuple(column for column in before.columns if column not in handled),
        masked=tuple(
            item.column
            for item in before.items
            if item.handling is Handling.AS_IS and handled.get(item.column) is Handling.MASKED
        ),
        ways=tuple(sorted(before.ways - after.ways)),
        until=after.until if after.until < before.until else None,
        filters=tuple(one for one in after.filters if one not in before.filters),
        calls_per_day=after.calls_per_day if after.calls_per_day != before.calls_per_day else None,
        rows_per_day=after.rows_per_day if after.rows_per_day != before.rows_per_day else None,
    )
