"""What lineage refuses."""

from __future__ import annotations

from beijiang.kit import Denied, Invalid, NotFound

__all__ = ["BadEvent", "foreign_namespace", "no_column", "no_path", "not_yet"]


class BadEvent(Invalid):
    """An event that is none of OpenLineage 2-0-2, or over the limits; each reason is told."""

    code = "event_invalid"
    status = 400


def no_column(table: str, column: str) -> NotFound:
    """Return the error for a column that a table has not, or had not at that moment."""
    return NotFound(
        f"数据表“{table}”没有“{column}”这一列，或当时还没有。请在表的页面查看列名。",
        f"Table {table} has no column {column}, or had none then. See the columns on the page of the table.",
        code="column_not_found",
    )


def no_path() -> NotFound:
    """Return the error for two columns of which neither was made from the other."""
    return NotFound(
        "两列之间没有血缘：谁也不是由另一列得出的。",
        "There is no path: neither column was made from the other.",
        code="no_path",
    )


def foreign_namespace(wanted: str) -> Denied:
    """Return the error for an event in the name of another department."""
    return Denied(
        f"事件的命名空间须是本部门的“{wanted}”。请修改发送方的配置。",
        f"The namespace of an event must be that of your department, {wanted}. Change the sender's configuration.",
        code="foreign_namespace",
    )


def not_yet(table: str) -> NotFound:
    """Return the error for a moment before a table's first version."""
    return NotFound(
        f"当时还没有数据表“{table}”。请选更晚的时刻。",
        f"There was no table {table} at that moment. Choose a later one.",
        code="table_not_yet",
    )
