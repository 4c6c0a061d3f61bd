"""What quality refuses."""

from __future__ import annotations

from beijiang.kit import Conflict, NotFound

__all__ = ["no_rule", "no_run", "not_held"]


def no_rule() -> NotFound:
    """Return the error for a rule that is missing, retired, or hidden."""
    return NotFound(
        "没有这条质量规则，或者它已停用。请在表的质量页查看。",
        "There is no such rule, or it is retired. See the quality page of the table.",
        code="rule_not_found",
    )


def no_run() -> NotFound:
    """Return the error for a run that is missing or hidden."""
    return NotFound(
        "没有这次质量检查。请先检查一次。", "There is no such quality run. Run a check first.", code="run_not_found"
    )


def not_held(version: int) -> Conflict:
    """Return the error for a version that no critical rule keeps back."""
    return Conflict(
        f"第 {version} 版没有被质量规则挡下，无需放行。",
        f"Version {version} is not held back by quality rules; there is nothing to release.",
        code="not_held",
    )
