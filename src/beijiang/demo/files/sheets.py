"""Write workbooks as an office would, with the same bytes for the same cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeAlias

__all__ = ["Cell", "Group", "Sheet", "flat_columns", "write_workbook"]

Cell: TypeAlias = str | int | float | date | None
_BORN = datetime(2026, 11, 2, 8, 30, tzinfo=UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Group:
    """A heading: alone it spans both header rows, with ``columns`` it stands merged above them."""

    name: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: lines above the header (merged over the width), a header of one or two rows, and the cells."""

    name: str
    headings: tuple[Group, ...]
    rows: Iterable[Sequence[Cell]]
    above: tuple[str, ...] = ()


def flat_columns(headings: Sequence[Group]) -> tuple[str, ...]:
    """Return the column names that a reader makes of the header: ``上级_下级``."""
    return tuple(
        name
        for group in headings
        for name in ([f"{group.name}_{column}" for column in group.columns] if group.columns else [group.name])
    )


def write_workbook(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write the sheets; dates become real Excel dates, everything else what it is."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"strings_to_urls": False, "default_date_format": "yyyy-mm-dd"})
    book.set_properties({"created": _BORN, "author": "演示数据"})
    formats = {
        "title": book.add_format({"bold": True, "align": "center", "font_size": 14}),
        "head": book.add_format({"bold": True, "align": "center", "valign": "vcenter", "border": 1}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    for sheet in sheets:
        _write_sheet(book.add_worksheet(sheet.name), sheet, formats)
    book.close()


def _write_sheet(page: Any, sheet: Sheet, formats: dict[str, Any]) -> None:
    width = len(flat_columns(sheet.headings))
    for number, text in enumerate(sheet.above):
        page.merge_range(number, 0, number, width - 1, text, formats["title"] if number == 0 else None)
    top = len(sheet.above)
    deep = any(group.columns for group in sheet.headings)
    _write_header(page, sheet.headings, top, formats["head"], deep=deep)
    epoch = date(1899, 12, 30).toordinal()
    for row, cells in enumerate(sheet.rows, start=top + 1 + deep):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                page.write_string(row, column, cell)
            elif isinstance(cell, date):
                page.write_number(row, column, cell.toordinal() - epoch, formats["date"])
            elif cell is not None:
                page.write_number(row, column, cell)


def _write_header(page: Any, headings: Sequence[Group], top: int, style: Any, *, deep: bool) -> None:
    column = 0
    for group in headings:
        if not group.columns:
            if deep:
                page.merge_range(top, column, top + 1, column, group.name, style)
            else:
                page.write_string(top, column, group.name, style)
            column += 1
            continue
        last = column + len(group.columns) - 1
        if last > column:
            page.merge_range(top, column, top, last, group.name, style)
        else:
            page.write_string(top, column, group.name, style)
        for offset, name in enumerate(group.columns):
            page.write_string(top + 1, column + offset, name, style)
        column = last + 1
