"""What quality refuses."""

from __future__ import annotations

from beijiang.kit import Conflict, NotFound, Refused

__all__ = ["no_finding", "no_rule", "no_run", "no_ticket", "not_held", "ticket_changed", "too_slow"]


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


def too_slow() -> Refused:
    """Return the error for a rule that took all the time that there was for it."""
    return Refused(
        "规则没有在限定的时间内算完，已停止。若是 SQL 指标：请先筛选或汇总再关联，用等值条件关联，少用嵌套的子查询，然后再试；其他规则请稍后重新检查。",
        "The rule was not counted within its time and was stopped. A number by SQL: filter or aggregate before you join, join by equal columns, nest fewer queries, and try again; any other rule: check again later.",
        code="rule_too_slow",
    )


def no_ticket() -> NotFound:
    """Return the error for a ticket that is missing, or not this reader's to see."""
    return NotFound(
        "没有这件工单。请在工单列表中查看。",
        "There is no such ticket. See the list of tickets.",
        code="ticket_not_found",
    )


def ticket_changed() -> Conflict:
    """Return the error for a ticket that somebody else moved in the meantime."""
    return Conflict(
        "工单刚被别人办理过，请重新查看。", "Somebody just moved the ticket; look again.", code="ticket_changed"
    )


def no_finding() -> NotFound:
    """Return the error for a finding of a monitor that is missing, hidden, or over."""
    return NotFound(
        "没有这条监测发现，或者它已经过去。", "There is no such finding, or it is over.", code="finding_not_found"
    )
