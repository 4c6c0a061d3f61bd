"""What a commit asks for, held against what there can be and what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.kit import Conflict, Invalid
from beijiang.tables.models import (
    STATE_COLUMNS,
    VALID_FROM,
    CommitRequest,
    WriteMode,
    require_no_state_columns,
    subject_of,
)
from beijiang.tables.store.schema import check_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.tables.store.metadata import TableRow

__all__ = ["agreed_key", "check_request", "key_of", "without_moments"]

MAX_NAME: Final = 200
MAX_RUN_ID: Final = 100


def check_request(request: CommitRequest) -> None:
    """Return if a name, a mode and columns can be used as they are.

    Raises:
        Invalid: they cannot.

    """
    name = request.table
    is_plain = name.strip() == name != "" and len(name) <= MAX_NAME and name.isprintable()
    if not is_plain or name in {".", ".."} or "/" in name or "\\" in name:
        raise Invalid(
            f"表名不可用：需为 1 至 {MAX_NAME} 个可显示字符，首尾无空格，不含 / 和 \\。",
            f"The table name cannot be used: 1 to {MAX_NAME} printable characters without / and \\, no blank at either end.",
            code="table_name",
        )
    if not request.run_id or len(request.run_id) > MAX_RUN_ID:
        raise Invalid("提交需要运行编号。", "A commit needs a run id.", code="run_id")
    if request.mode in {WriteMode.ROLLBACK, WriteMode.COMPACT}:
        raise Invalid(
            "写入方式应为 append、merge、replace 或 history。",
            "The mode must be append, merge, replace or history.",
            code="write_mode",
        )
    if request.complete and request.mode is not WriteMode.HISTORY:
        raise Invalid(
            "只有保留历史的写入可以是完整的。", "Only a write that keeps history can be complete.", code="write_mode"
        )
    check_schema(request.schema)
    if request.mode is WriteMode.HISTORY:
        require_no_state_columns(request.schema.names)


def agreed_key(row: TableRow, request: CommitRequest) -> tuple[str, ...]:
    """Return what identifies a row, as pinned or as asked for.

    Raises:
        Conflict: ``key_differs``.

    """
    wanted, held = request.key, subject_of(row.key) if row.history else row.key
    if held and wanted and held != wanted:
        raise Conflict(
            f"表 {row.name} 的主键是 {'、'.join(held)}，与本次指定的 {'、'.join(wanted)} 不同。请使用已有主键。",
            f"The key of table {row.name} is {', '.join(held)}, not {', '.join(wanted)}. Use the existing key.",
            code="key_differs",
            detail={"key": list(held), "requested": list(wanted)},
        )
    return row.key or key_of(request)


def key_of(request: CommitRequest) -> tuple[str, ...]:
    """Return what identifies a row of the table that a request would make: of a state also when it began."""
    return (*request.key, VALID_FROM) if request.mode is WriteMode.HISTORY and request.key else request.key


def without_moments(schema: pa.Schema) -> pa.Schema:
    """Return the columns of a history table that rows come with."""
    import pyarrow as pa

    return pa.schema([field for field in schema if field.name not in STATE_COLUMNS])
