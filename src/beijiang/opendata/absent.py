"""What the portal says of what is not there for a reader."""

from __future__ import annotations

from beijiang.kit import NotFound

__all__ = ["no_rows", "unknown_department"]


def unknown_department() -> NotFound:
    """Return the error of a department that is not there, or has published nothing: both look the same."""
    return NotFound(
        "没有这个部门，或者它还没有发布数据。",
        "There is no such department, or it has published nothing yet.",
        code="unknown_department",
    )


def no_rows() -> NotFound:
    """Return the error of rows that are not open to this reader."""
    return NotFound(
        "这个数据集没有向您开放的数据行。", "This data set has no rows that are open to you.", code="no_open_rows"
    )
