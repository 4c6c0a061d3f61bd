"""How a run changes its table: what was asked for, against what the table is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.ingest.errors import remove_needs_key
from beijiang.ingest.models import IngestRequest, RunMode
from beijiang.kit import Conflict, Invalid
from beijiang.tables import kind_differs

if TYPE_CHECKING:
    from beijiang.tables import TableInfo

__all__ = ["not_taken", "settle_mode"]


def settle_mode(request: IngestRequest, table: TableInfo | None) -> IngestRequest:
    """Decide the mode and the key once, when the run is submitted.

    Raises:
        Invalid: a merge without a key.
        Conflict: the mode does not fit the table.

    """
    if request.mode is RunMode.REMOVE:
        if table is None or not table.subject:
            raise remove_needs_key(request.into)
        return replace(request, key=tuple(table.subject))
    key = request.key or (table.subject if table is not None and request.mode is not RunMode.REPLACE else ())
    keeps = table is not None and table.history
    mode = request.mode
    if mode is RunMode.AUTO:
        mode = RunMode.HISTORY if keeps else RunMode.MERGE if key else RunMode.APPEND
    if table is not None and keeps != (mode is RunMode.HISTORY):
        raise kind_differs(table.name, keeps_history=keeps)
    if mode in {RunMode.MERGE, RunMode.HISTORY} and not key:
        raise Invalid(
            "合并和保留历史需要主键。请用 --key 指定能唯一确定一行的列。",
            "A merge, or to keep history, needs a key. Name the columns that identify a row with --key.",
            code="key_required",
        )
    if mode is RunMode.APPEND and table is not None and table.key:
        raise Conflict(
            f"表“{table.name}”有主键（{'、'.join(table.key)}），追加会产生重复。请用合并方式（--mode merge）。",
            f'Table "{table.name}" has a key ({", ".join(table.key)}); appending would repeat rows. Use --mode merge.',
            code="append_to_keyed_table",
            detail={"key": [*table.key]},
        )
    return replace(request, mode=mode, key=tuple(key))


def not_taken(files: list[tuple[str, str]], taken: dict[str, str]) -> list[tuple[str, str]]:
    """Leave out the files, each a digest and a name, that ``taken`` has.

    Raises:
        Conflict: none is left.

    """
    left = [(s, n) for s, n in files if s not in taken]
    if left:
        return left
    names = [n for _, n in files]
    raise Conflict(
        f"这些文件已追加到该表，无需再次提交：{'、'.join(names[:5])}。确需再次追加请加 --again。",
        f"These files were appended to the table before: {', '.join(names[:5])}. Add --again to append them once more.",
        code="already_taken_in",
        detail={"runs": [*sorted(set(taken.values()))]},
    )
