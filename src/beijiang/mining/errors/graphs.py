"""What graphs refuse."""

from __future__ import annotations

from beijiang.kit import Invalid, NotFound, Refused, TooLarge, Unavailable

__all__ = ["draft_unfit", "graph_blind", "graph_too_large", "graph_too_long", "no_graph", "no_node"]


def draft_unfit(zh: str, en: str) -> Invalid:
    """Return the error for a graph that cannot be declared."""
    return Invalid(zh, en, code="graph_unfit")


def no_graph() -> NotFound:
    """Return the error for a graph that is missing, removed, or not for this reader."""
    return NotFound(
        "没有这个关系图，或者您无权使用它。", "There is no such graph, or you may not use it.", code="graph_not_found"
    )


def no_node() -> NotFound:
    """Return the error for a party that the reader's graph does not hold."""
    return NotFound(
        "关系图中没有这个主体。请按名称查找。",
        "The graph holds no such party. Look for it by name.",
        code="graph_party_not_found",
    )


def graph_blind(column: str) -> Refused:
    """Return the error for a key without which nothing can be joined."""
    shown = column[:60]
    return Refused(
        f"列“{shown}”对您脱敏或不可见，不能据以连成关系图。请申请该列的授权。",
        f'The column "{shown}" is masked or withheld for you, and nothing can be joined by it. Ask for a grant of it.',
        code="graph_key_masked",
    )


def graph_too_large(megabytes: int) -> TooLarge:
    """Return the error for a graph that does not fit into its memory."""
    return TooLarge(
        f"关系图超过内存上限 {megabytes} MB。请缩小表的范围，或由管理员提高 graph_memory_mb。",
        f"The graph needs more than {megabytes} MB. Narrow its tables, or have graph_memory_mb raised.",
        code="graph_too_large",
    )


def graph_too_long(seconds: float) -> Unavailable:
    """Return the error for a question that takes too long."""
    return Unavailable(
        f"关系图计算超过 {seconds:g} 秒，已停止。请换一个范围较小的问题。",
        f"The graph took longer than {seconds:g} s and was stopped. Ask something narrower.",
        code="graph_too_long",
    )
