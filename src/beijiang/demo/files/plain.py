"""Tables that an office exports cleanly: CSV in UTF-8, one header line, open to everybody unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TypeAlias

from beijiang.demo.files.delimited import lines
from beijiang.demo.files.handin import OPEN_LICENCE, HandIn, LoadMode, OpenType, ShareType
from beijiang.demo.files.scene import DEMO_NOTE, Scene

__all__ = ["Named", "PlainCell", "described", "write_plain"]

PlainCell: TypeAlias = str | int | float | date | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a table is called, whose it is, and where it stands in the catalog."""

    table: str
    title: str
    summary: str
    org_key: str
    category: str
    update_cycle: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    mode: LoadMode = LoadMode.REPLACE
    closed_because: str = ""
    """Why it is not open; empty where it is."""
    is_made_up: bool = True


def write_plain(scene: Scene, named: Named, rows: Iterable[Sequence[PlainCell]]) -> HandIn:
    """Write the rows as they are, and fill in the hand-in form."""
    texts = [[_text(cell) for cell in row] for row in rows]
    path = scene.path(f"{named.table}.csv")
    path.write_bytes(lines([named.columns, *texts]).encode())
    return described(path, named, len(texts))


def described(path: Path, named: Named, rows: int) -> HandIn:
    """Return the hand-in form of a table."""
    is_open = not named.closed_because
    return HandIn(
        path=path,
        org_key=named.org_key,
        table_name=named.table,
        title=named.title,
        summary=named.summary + (DEMO_NOTE if named.is_made_up else ""),
        columns=named.columns,
        key_columns=named.key,
        rows=rows,
        category=named.category,
        update_cycle=named.update_cycle,
        share_type=ShareType.UNCONDITIONAL,
        open_type=OpenType.UNCONDITIONAL if is_open else OpenType.NOT_OPEN,
        open_condition=named.closed_because,
        open_columns=named.columns if is_open else (),
        licence=OPEN_LICENCE if is_open else "",
        mode=named.mode,
    )


def _text(cell: PlainCell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    return str(cell)
