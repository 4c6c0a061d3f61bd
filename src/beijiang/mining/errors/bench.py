"""What the work-bench refuses."""

from __future__ import annotations

from beijiang.kit import Conflict, Invalid, NotFound

__all__ = ["id_taken", "no_query", "no_run", "unfit"]


def id_taken() -> Conflict:
    """Return the error for an id that another run has."""
    return Conflict("这个查询编号已经用过。", "This id of a query has been used.", code="query_id_taken")


def no_query() -> NotFound:
    """Return the error for a saved query that is missing, removed, or somebody else's."""
    return NotFound(
        "没有这个已存查询，或者它没有共享给您。",
        "There is no such saved query, or it is not shared with you.",
        code="saved_query_not_found",
    )


def no_run() -> NotFound:
    """Return the error for a query that is not open, or somebody else's."""
    return NotFound(
        "没有这个未结束的查询，它可能已经结束。",
        "No such query is open; it may have ended.",
        code="query_not_found",
    )


def unfit(zh: str, en: str) -> Invalid:
    """Return the error for a draft that cannot be saved."""
    return Invalid(zh, en, code="saved_query_unfit")
