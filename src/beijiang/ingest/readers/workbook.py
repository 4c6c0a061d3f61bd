"""Excel and OpenDocument workbooks: every sheet a table, with titles, merged and two-row headers understood.

Cells come as text: a date cell as 2003-01-02 (with the time where a column has any), a number as Excel holds it.
The sheet is loaded once by fastexcel, from a copy whose merged ranges and real extent were read beforehand.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import fastexcel
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from beijiang.ingest.readers.celltext import (
    ROUNDED,
    clock_times,
    lost_digits,
    oddities,
    spell,
    without_midnight,
    without_noise,
)
from beijiang.ingest.readers.contract import (
    BadReason,
    BadRow,
    Note,
    RawBatch,
    ReadLimits,
    ReadOptions,
    SourceTable,
)
from beijiang.ingest.readers.guard import broken, check_workbook
from beijiang.ingest.readers.headers import TOTALS, check_width, find_header, footer
from beijiang.ingest.readers.package import too_many_cells, too_much_memory, unpacked
from beijiang.ingest.readers.probe import fits
from beijiang.ingest.readers.sheets import Merge, ods_repeats
from beijiang.ingest.readers.source import Source
from beijiang.kit import Invalid, Text

__all__ = ["SheetTable", "sheets_of"]

_Kind = Literal["string", "float", "boolean"]
_HEAD = 30
_BATCH = 65_536


def sheets_of(source: Source, options: ReadOptions, kind: str) -> list[SourceTable]:
    """Return one table for each sheet that has cells, or the one that ``options.sheet`` names.

    Raises ``Invalid`` (``broken_file``, ``unknown_sheet``, ``empty_file``, ``unsafe_workbook``) and ``TooLarge``.
    """
    path = source.path()
    if kind in {"xlsx", "ods"}:
        check_workbook(path, source.leaf, options.limits)
    if kind == "xlsx":
        # The copy is unlinked at the end of the block; the open reader keeps it for as long as it is needed.
        with unpacked(path, source.leaf, options.limits, options.sheet) as package:
            scans, split = package.scans, package.split
            parts = (package.path, *([package.lower] if split else []))
            if package.doubtful:
                _try_out(parts, source, options)
            books = [_opened(part, source) for part in parts]
    else:
        if kind == "ods":
            _check_ods(path, source.leaf, options.limits)
        _try_out((path,), source, options)
        books, scans, split = [_opened(path, source)], {}, frozenset()
    sheets: list[SheetTable] = []
    for name in _names(books[0], source, options.sheet):
        merges = scans[name].merges if name in scans else _merges(path, name) if kind == "xls" else ()
        long = scans[name].long_numbers if name in scans else True
        parts_of = tuple(books if name in split else books[:1])
        table = SheetTable(source, options, Sheet(parts_of, name, kind, merges, long_numbers=long))
        if table.columns:
            sheets.append(table)
    tables = sheets if options.sheet else _visible(sheets)
    if not tables:
        raise Invalid(
            f"工作簿“{source.leaf}”的所有工作表都是空的。",
            f'All sheets of workbook "{source.leaf}" are empty.',
            code="empty_file",
            detail={"file": source.leaf},
        )
    return list(tables)


def _visible(sheets: list[SheetTable]) -> list[SheetTable]:
    """Leave hidden sheets out where others are shown, and say so: drafts and code lists are not handed in."""
    shown = [sheet for sheet in sheets if not sheet.hidden]
    hidden = [sheet.sheet.name for sheet in sheets if sheet.hidden]
    if not shown or not hidden:
        return sheets
    text = Text(
        f"隐藏的工作表没有读取：{'、'.join(hidden)}。如需读取，请用“工作表”（--sheet）指定。",
        f"Hidden sheets were not read: {', '.join(hidden)}. Name one with --sheet to read it.",
    )
    shown[0].notes = (*shown[0].notes, Note("hidden_sheets", text))
    return shown


def _try_out(parts: tuple[Path, ...], source: Source, options: ReadOptions) -> None:
    """Refuse (``workbook_too_large``) a workbook that takes more memory than one may, before it takes ours."""
    for part in parts:
        if not fits(part, options.sheet, options.limits.max_workbook_memory):
            raise too_much_memory(source.leaf)


def _opened(path: Path, source: Source) -> fastexcel.ExcelReader:
    try:
        return fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        raise _unreadable(source, error) from error


def _names(workbook: fastexcel.ExcelReader, source: Source, wanted: str | None) -> list[str]:
    """Return the names of the sheets to read, or say that there is none of the ``wanted`` name."""
    names = workbook.sheet_names
    if wanted is None:
        return names
    if wanted not in names:
        raise Invalid(
            f"工作簿“{source.leaf}”里没有工作表“{wanted}”，现有：{'、'.join(names)}。",
            f'Workbook "{source.leaf}" has no sheet "{wanted}"; it has: {", ".join(names)}.',
            code="unknown_sheet",
            detail={"sheet": wanted, "sheets": list(names)},
        )
    return [wanted]


def _unreadable(source: Source, error: Exception) -> Invalid:
    if "password" in str(error).lower() or "encrypt" in str(error).lower():
        return Invalid(
            f"工作簿“{source.leaf}”设有密码。请去掉密码后提交。",
            f'Workbook "{source.leaf}" is protected by a password. Remove it and hand the file in again.',
            code="encrypted_file",
            detail={"file": source.leaf},
        )
    return broken(source.leaf, "Excel")


def _merges(path: Path, sheet: str) -> tuple[Merge, ...]:
    """Read the merged ranges of a sheet of an old workbook."""
    from python_calamine import CalamineWorkbook

    with CalamineWorkbook.from_path(str(path)) as workbook:
        ranges = workbook.get_sheet_by_name(sheet).merged_cell_ranges or []
    return tuple(Merge(a[0], a[1], b[0], b[1]) for a, b in ranges)


def _check_ods(path: Path, name: str, limits: ReadLimits) -> None:
    try:
        with zipfile.ZipFile(path) as package, package.open("content.xml") as stream:
            repeats = ods_repeats(stream)
    except KeyError as error:
        raise broken(name, "ODS") from error
    if repeats > limits.max_sheet_cells:
        raise too_many_cells(name, repeats, limits)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of an open workbook, and its merged ranges."""

    books: tuple[fastexcel.ExcelReader, ...]
    """One reader, or two of which each has a part of the rows."""
    name: str
    kind: str
    merges: tuple[Merge, ...]
    long_numbers: bool
    """It may have number cells of 16 digits and more."""


class SheetTable(SourceTable):
    """One sheet of a workbook. It is held in memory from opening until its rows have been read once."""

    def __init__(self, source: Source, options: ReadOptions, sheet: Sheet) -> None:
        self.source = source
        self.sheet = sheet
        self.file_name = source.name
        self.inner_name = f"{source.inner} › {sheet.name}" if source.inner else sheet.name
        self.format = sheet.kind
        self.hidden = False
        self._held: pa.RecordBatch | None = self._load()
        held = self._held
        check_width(held.num_columns, options.limits, self.label)
        grid = [list(row.values()) for row in held.slice(0, _HEAD).to_pylist()] if held.num_columns else []
        reach = {row for m in sheet.merges for row in range(m.top + 1, m.bottom + 1) if m.top < _HEAD}
        header = find_header(grid, options.header, merges=frozenset(reach))
        self.header, self.columns, self.notes = header.template, header.columns, header.notes
        self.end = held.num_rows - self._below(held, header.rows)
        self.row_estimate = max(0, self.end - header.rows)
        if self.row_estimate == 0 and self.columns:
            nothing = Note("no_rows", Text("只有表头，没有数据行。", "There is a header but not one row."))
            self.notes = (*self.notes, nothing)

    def _below(self, held: pa.RecordBatch, top: int) -> int:
        """Count the rows below the data, and note what they say."""
        start = max(top, held.num_rows - _HEAD)
        rows = [list(row.values()) for row in held.slice(start).to_pylist()] if held.num_columns else []
        if not rows:
            return 0
        first = pl.Series(held.column(0))
        likely = first.filter(first.str.starts_with("合") | first.str.starts_with("总") | first.str.starts_with("共"))
        totals = likely.str.replace_all(r"\s", "").is_in(sorted(TOTALS)).sum()
        below = footer(rows, int(totals))
        if below:
            said = "；".join(text for row in rows[len(rows) - below :] if (text := " ".join(c for c in row if c)))
            note = Text(f"跳过表尾的合计与说明：{said}", f"Skipped the total and the notes below the table: {said}")
            self.notes = (*self.notes, Note("footer_skipped", note))
        return below

    def _load(self) -> pa.RecordBatch:
        """Load the sheet as text columns named c0, c1, ... with row 1 of the sheet as the first row."""
        cells = self._cells("string")
        self.left = min(cells, default=0)
        columns = [column.cast(pa.string()) for column in cells.values()]
        cut: list[int] = []
        long: list[int] = []
        for index, (empty, midnight, rounded, early, digits) in enumerate(
            oddities(columns, long=self.sheet.long_numbers)
        ):
            if empty:
                # A workbook may store an empty text, which is an empty cell.
                full = pc.not_equal(columns[index], "")
                columns[index] = pc.if_else(full, columns[index], pa.scalar(None, pa.string()))
            if early:
                columns[index] = clock_times(columns[index])
            if midnight:
                columns[index] = without_midnight(columns[index])
            if rounded:
                columns[index], more = without_noise(columns[index])
                cut.extend([index] if more else [])
            long.extend([index] if digits else [])
        self._restore(columns, cut)
        self.lost = self._lost(columns, long)
        names = [f"c{i}" for i in range(len(columns))]
        return pa.RecordBatch.from_arrays(columns, names=names) if columns else pa.RecordBatch.from_pydict({})

    def _restore(self, columns: list[pa.StringArray], cut: list[int]) -> None:
        """Give long fractions all their digits: the text form of the library stops at nine, after rounding."""
        if not cut:
            return
        exacts = self._cells("float", frozenset(self.left + index for index in cut))
        for index in cut:
            text, exact = pl.Series(columns[index]), pl.Series(exacts[self.left + index])
            if exact.len() == text.len():
                wanted = text.str.contains(ROUNDED).fill_null(value=False) & exact.is_not_null()
                columns[index] = spell(text, wanted, exact.filter(wanted))

    def _lost(self, columns: list[pa.StringArray], long: list[int]) -> dict[int, pl.Series]:
        """Find the numbers of which the workbook kept 15 digits only: identifiers that were typed as numbers."""
        if not long:
            return {}
        # Read as yes or no, a number gives a value and a text gives none.
        numbers = self._cells("boolean", frozenset(self.left + index for index in long))
        found = {i: lost_digits(columns[i], numbers[self.left + i]) for i in long}
        return {index: lost for index, lost in found.items() if lost.any()}

    def _cells(self, dtype: _Kind, only: frozenset[int] | None = None) -> dict[int, pa.Array]:
        """Load the columns (or ``only`` some) by their number in the sheet, the parts of a large sheet at once."""
        load = partial(_load_part, name=self.sheet.name, dtype=dtype, only=only)
        try:
            with ThreadPoolExecutor(len(self.sheet.books)) as pool:
                (self.hidden, upper), *lower = pool.map(load, self.sheet.books)
        except fastexcel.FastExcelError as error:
            raise broken(self.source.leaf, "Excel") from error
        return _joined(upper, lower[0][1]) if lower else upper

    def batches(self) -> Iterator[RawBatch]:
        """Yield the rows below the header; blank rows are left out, vertically merged cells are filled down."""
        held, self._held = self._held, None
        if held is None:
            held = self._load()
        top = self.header.title_rows + self.header.header_rows
        held = self._filled(held.slice(0, self.end), top)
        names = list(self.columns)
        for start in range(top, held.num_rows, _BATCH):
            piece = held.slice(start, _BATCH)
            rows = pa.RecordBatch.from_arrays(piece.columns[: len(names)], names=names)
            numbers = pl.int_range(start + 1, start + 1 + rows.num_rows, eager=True).to_arrow()
            keep = _any_cell(rows)
            bad = self._bad_rows(rows, start)
            if bad:
                gone = pl.int_range(start + 1, start + 1 + rows.num_rows, eager=True).is_in([b.line for b in bad])
                keep = pc.and_(keep, (~gone).to_arrow())
            if not pc.all(keep).as_py():
                rows, numbers = rows.filter(keep), numbers.filter(keep)
            yield RawBatch(rows, numbers, bad)

    def _bad_rows(self, rows: pa.RecordBatch, start: int) -> list[BadRow]:
        """Return the rows with an identifier whose last digits the workbook did not keep."""
        places: dict[int, str] = {}
        for index, lost in self.lost.items():
            here = lost.slice(start, rows.num_rows).arg_true().to_list()
            places = dict.fromkeys(here, self.columns[index]) | places
        return [
            BadRow(start + at + 1, places[at], BadReason.DIGITS_LOST, _digits_lost(places[at]), _cells_of(rows, at))
            for at in sorted(places)
        ]

    def _filled(self, held: pa.RecordBatch, top: int) -> pa.RecordBatch:
        down = [m for m in self.sheet.merges if m.bottom > m.top >= top and 0 <= m.left - self.left < held.num_columns]
        if not down:
            return held
        columns = list(held.columns)
        for index in sorted({m.left - self.left for m in down}):
            cells = columns[index].to_pylist()
            for merge in down:
                if merge.left - self.left == index and merge.top < len(cells):
                    end = min(merge.bottom + 1, len(cells))
                    cells[merge.top : end] = [cells[merge.top]] * (end - merge.top)
            columns[index] = pa.array(cells, pa.string())
        return pa.RecordBatch.from_arrays(columns, names=held.schema.names)


def _cells_of(rows: pa.RecordBatch, at: int) -> tuple[str, ...]:
    return tuple(column[at].as_py() or "" for column in rows.columns)


def _digits_lost(column: str) -> Text:
    return Text(
        f"“{column}”在工作簿里是数值，只保留 15 位有效数字，末几位已丢失；请把该列设为文本格式，重新填写后提交",
        f'"{column}" is a number cell, which keeps 15 digits; the last ones are gone. Make the column text, fill it in anew',
    )


def _load_part(
    book: fastexcel.ExcelReader, name: str, dtype: _Kind, only: frozenset[int] | None
) -> tuple[bool, dict[int, pa.Array]]:
    """Return whether the sheet is hidden, and its columns by their number."""
    use = None if only is None else lambda column: column.absolute_index in only
    sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes=dtype, use_columns=use)
    numbers = [c.absolute_index for c in sheet.selected_columns]
    return sheet.visible != "visible", dict(zip(numbers, sheet.to_arrow().columns, strict=True))


def _joined(upper: dict[int, pa.Array], lower: dict[int, pa.Array]) -> dict[int, pa.Array]:
    """Lay two parts of a sheet over each other: each has all rows from the first, null where the other has cells."""
    heights = [len(next(iter(part.values()), ())) for part in (upper, lower)]
    both = min(heights)
    found = {**upper, **lower}
    result = {}
    for number in range(min(found, default=0), max(found, default=-1) + 1):
        kind = found[number].type if number in found else pa.string()
        over, under = (part.get(number, pa.nulls(h, kind)) for part, h in zip((upper, lower), heights, strict=True))
        top, below = over.slice(0, both), under.slice(0, both)
        if below.null_count < both:
            top = pc.coalesce(below, top)
        rest = over.slice(both) if len(over) > both else under.slice(both)
        result[number] = pa.concat_arrays([top, rest])
    return result


def _any_cell(rows: pa.RecordBatch) -> pa.BooleanArray:
    keep = pc.is_valid(rows.column(0))
    for column in rows.columns[1:]:
        if pc.all(keep).as_py():
            break
        keep = pc.or_(keep, pc.is_valid(column))
    return keep
