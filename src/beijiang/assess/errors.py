"""What assessment, statistical indicators and the work plan refuse."""

from __future__ import annotations

from beijiang.kit import Conflict, Invalid, NotFound, Refused

__all__ = [
    "decided",
    "draft_over",
    "draft_too_high",
    "frozen",
    "lines_open",
    "no_appeal",
    "no_book",
    "no_draft",
    "no_figure",
    "no_indicator",
    "no_mark",
    "no_sheet",
    "no_task",
    "no_value",
    "numbers_taken",
    "own_proposal",
    "reason_needed",
]


def no_sheet(period: str) -> NotFound:
    """Return the error for a period that was not computed."""
    return NotFound(
        f"{period} 还没有计算考核结果。请由数据局先计算。",
        f"{period} was not assessed yet. The data authority computes it first.",
        code="period_not_computed",
    )


def frozen(period: str) -> Conflict:
    """Return the error for a period whose results are closed."""
    return Conflict(
        f"{period} 的考核结果已冻结，只能经申诉更正。",
        f"The results of {period} are frozen; only an appeal changes them.",
        code="period_frozen",
    )


def no_indicator(name: str) -> NotFound:
    """Return the error for an unknown indicator of assessment."""
    return NotFound(f"没有考核指标“{name[:40]}”。", f'There is no indicator "{name[:40]}".', code="indicator_not_found")


def no_mark() -> NotFound:
    """Return the error for a department that has no mark on an indicator."""
    return NotFound(
        "该部门本期没有这项指标的事实。", "The department has no facts of this indicator.", code="mark_not_found"
    )


def no_appeal() -> NotFound:
    """Return the error for an appeal that is missing, or another department's."""
    return NotFound("没有这件申诉。", "There is no such appeal.", code="appeal_not_found")


def no_book() -> NotFound:
    """Return the error for weights that were never proposed."""
    return NotFound("没有这个版本的权重。", "There are no weights of this version.", code="weights_not_found")


def no_figure(code: str) -> NotFound:
    """Return the error for an unknown statistical indicator."""
    return NotFound(
        f"没有统计指标“{code[:60]}”。", f'There is no statistical indicator "{code[:60]}".', code="figure_not_found"
    )


def no_value() -> NotFound:
    """Return the error for a value that is missing or hidden."""
    return NotFound("没有这个指标值。", "There is no such value.", code="value_not_found")


def no_task() -> NotFound:
    """Return the error for an unknown task of the plan."""
    return NotFound("没有这项任务。", "There is no such task.", code="task_not_found")


def own_proposal() -> Refused:
    """Return the error for somebody who would decide on the own proposal."""
    return Refused(
        "不能审批自己提交的内容，请由另一人审批。",
        "You cannot decide on what you handed in yourself; somebody else has to.",
        code="self_approval",
    )


def decided() -> Conflict:
    """Return the error for what somebody decided in the meantime."""
    return Conflict("已有结论，不能再次处理。", "It is decided already.", code="already_decided")


def reason_needed() -> Invalid:
    """Return the error for missing words."""
    return Invalid("请写明理由或说明。", "Say why, or what was done.", code="reason_needed")


def no_draft() -> NotFound:
    """Return the error for a draft or a line of it that is missing, or read from another department's document."""
    return NotFound("没有这份草稿或这一行。", "There is no such draft, or no such line in it.", code="draft_not_found")


def draft_over() -> Conflict:
    """Return the error for a draft that was taken over or dropped."""
    return Conflict("这份草稿已经结束。", "The draft is over.", code="draft_over")


def lines_open(count: int) -> Conflict:
    """Return the error for a draft with lines that nobody decided on."""
    return Conflict(
        f"还有 {count} 行没有核对。请逐行对照原文，采用或不采用。",
        f"{count} lines are not checked yet. Accept or reject each beside its source.",
        code="lines_open",
        detail={"lines": count},
    )


def draft_too_high(grade: str) -> Refused:
    """Return the error for a plan that not all departments may read."""
    return Refused(
        f"文档级别为 {grade}，而督办任务全区部门可见，只能取自 L1、L2 文档。",
        f"The document is graded {grade}; all departments see the plan, which is taken from L1 and L2 documents only.",
        code="draft_grade",
    )


def numbers_taken(plan: str, numbers: list[str]) -> Conflict:
    """Return the error for numbers of tasks that occur twice, or are on the plan already."""
    told = "、".join(numbers[:10])
    return Conflict(
        f"计划“{plan}”里编号重复：{told}。请修改编号或另起计划名称。",
        f'Numbers occur twice in the plan "{plan}": {told}. Change them, or name another plan.',
        code="numbers_taken",
    )
