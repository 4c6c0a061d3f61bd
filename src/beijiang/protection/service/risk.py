"""Further checks of a release: closeness of sensitive attributes, cells that can be derived, and what the treatment comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.protection.models.counting import closeness, derivable
from beijiang.protection.models.releases import Finding, Outcome

if TYPE_CHECKING:
    from sqlglot import exp

    from beijiang.protection.models.releases import Limits

__all__ = ["closeness_of", "complement", "effect"]

TOTALS: Final = ("合计", "总计", "小计", "总数", "全部", "全区", "全市", "Total", "total")
"""How tables say that a row is a total."""
_BASIS_T: Final = "security 5.3: t-closeness reported; GB/T 37964"
_BASIS_EFFECT: Final = "GB/T 42460-2023; standards 7.7 row 8"
_DIRECT, _STRIPPED, _ACCEPTABLE, _AGGREGATED = 1, 2, 3, 4
Count = Callable[["exp.Select"], Mapping[str, int]]


def closeness_of(
    table: str, keys: Sequence[str], sensitive: Sequence[str], limits: Limits, count: Count, *, asked: bool
) -> Finding:
    """Report t of each sensitive attribute in thousandths; demanded only where a limit is in force."""
    limit = limits.values.get("t")
    basis = limits.basis.get("t", _BASIS_T)
    if not asked or not keys or not sensitive:
        return Finding(check="t", outcome=Outcome.NOT_APPLICABLE, limit=limit, basis=basis)
    numbers = {name: count(closeness(table, keys, name))["t"] for name in sensitive}
    outcome = Outcome.NOTED
    if limit is not None:
        outcome = Outcome.PASSED if max(numbers.values()) <= limit else Outcome.FAILED
    return Finding(check="t", outcome=outcome, numbers=numbers, limit=limit, columns=tuple(sensitive), basis=basis)


def complement(table: str, keys: Sequence[str], counts: Sequence[str], limits: Limits, count: Count) -> Finding:
    """Look for suppressed cells that a shown total gives away: each needs a second suppressed cell beside it."""
    basis = limits.basis["cell"]
    if not keys or not counts:
        return Finding(check="complement", outcome=Outcome.NOT_APPLICABLE, limit=0, basis=basis)
    numbers = {name: sum(count(derivable(table, keys, name, TOTALS)).values()) for name in counts}
    outcome = Outcome.FAILED if any(numbers.values()) else Outcome.PASSED
    return Finding(check="complement", outcome=outcome, numbers=numbers, limit=0, columns=tuple(counts), basis=basis)


def effect(findings: Sequence[Finding], *, persons: bool, aggregate: bool) -> Finding:
    """Note the grade of de-identification: 1 direct identifiers, 2 without them, 3 risk acceptable, 4 aggregated.

    GB/T 42460-2023 grades how far data are from the persons; data that are not about persons have none.
    """
    outcomes = {one.check: one.outcome for one in findings}
    if aggregate and outcomes["identifiers"] is not Outcome.FAILED:
        grade = _AGGREGATED
    elif not persons:
        return Finding(check="effect", outcome=Outcome.NOT_APPLICABLE, basis=_BASIS_EFFECT)
    elif Outcome.FAILED in {outcomes["identifiers"], outcomes["levels"]}:
        grade = _DIRECT
    else:
        grade = _ACCEPTABLE if outcomes["k"] is Outcome.PASSED and outcomes["l"] is not Outcome.FAILED else _STRIPPED
    return Finding(check="effect", outcome=Outcome.NOTED, numbers={"grade": grade}, basis=_BASIS_EFFECT)
