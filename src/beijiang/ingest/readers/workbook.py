"""Excel and OpenDocument workbooks: every sheet a table, with titles, merged and two-row headers understood.

Cells come as text: a date cell as 2003-01-02 (with the time where a column has any), a number as Excel holds it.
The sheet is loaded once by fastexcel, from a copy whose merged ranges and real extent were read beforehand.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Literal

import fastexcel
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from beijiang.ingest.readers.contract import Note, RawBatch, ReadLimits, ReadOptions, SourceTable
from beijiang.ingest.readers.guard import broken, check_workbook
from beijiang.ingest.readers.headers import check_width, find_header
from beijiang.ingest.readers.package import too_many_cells, too_much_memory, unpacked
from beijiang.ingest.readers.probe import fits
from beijiang.ingest.readers.sheets import Merge, ods_repeats
from beijiang.ingest.readers.source import Source
from beijiang.kit import Invalid, Text

__all__ = ["SheetTable", "sheets_of"]

_HEAD = 30
_BATCH = 65_536
_MIDNIGHT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} 00:00:00$"
_TIMED = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} (?:0[1-9]|1[0-9]|2[0-3]|00:0[1-9]|00:[1-5]|00:00:0[1-9]|00:00:[1-5])"
_ROUNDED = r"^-?[0-9]+\.[0-9]{9}$"
_NOISY = r"^-?[0-9]{7,}\.[0-9]{9}$"
"""With seven digits before the point, nine after it are all that a double holds."""


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
    tables: list[SourceTable] = []
    for name in _names(books[0], source, options.sheet):
        merges = scans[name].merges if name in scans else _merges(path, name) if kind == "xls" else ()
        table = SheetTable(source, options, Sheet(tuple(books if name in split else books[:1]), name, kind, merges))
        if table.columns:
            tables.append(table)
    if not tables:
        raise Invalid(
            f"工作簿“{source.leaf}”的所有工作表都是空的。",
            f'All sheets of workbook "{source.leaf}" are empty.',
            code="empty_file",
            detail={"file": source.leaf},
        )
    return tables


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


class SheetTable(SourceTable):
    """One sheet of a workbook. It is held in memory from opening until its rows have been read once."""

    def __init__(self, source: Source, options: ReadOptions, sheet: Sheet) -> None:
        self.source = source
        self.sheet = sheet
        self.file_name = source.name
        self.inner_name = f"{source.inner} › {sheet.name}" if source.inner else sheet.name
        self.format = sheet.kind
        self._held: pa.RecordBatch | None = self._load()
        held = self._held
        check_width(held.num_columns, options.limits, self.label)
        grid = [list(row.values()) for row in held.slice(0, _HEAD).to_pylist()] if held.num_columns else []
        reach = {row for m in sheet.merges for row in range(m.top + 1, m.bottom + 1) if m.top < _HEAD}
        header = find_header(grid, options.header, merges=frozenset(reach))
        self.header, self.columns, self.notes = header.template, header.columns, header.notes
        self.row_estimate = max(0, held.num_rows - header.rows)
        if self.row_estimate == 0 and self.columns:
            nothing = Note("no_rows", Text("只有表头，没有数据行。", "There is a header but not one row."))
            self.notes = (*self.notes, nothing)

    def _load(self) -> pa.RecordBatch:
        """Load the sheet as text columns named c0, c1, ... with row 1 of the sheet as the first row."""
        cells = self._cells("string")
        self.left = min(cells, default=0)
        columns = [column.cast(pa.string()) for column in cells.values()]
        cut: list[int] = []
        for index, (empty, midnight, rounded) in enumerate(_oddities(columns)):
            if empty:
                # A workbook may store an empty text, which is an empty cell.
                full = pc.not_equal(columns[index], "")
                columns[index] = pc.if_else(full, columns[index], pa.scalar(None, pa.string()))
            if midnight:
                columns[index] = _without_midnight(columns[index])
            if rounded:
                columns[index], more = _without_noise(columns[index])
                cut.extend([index] if more else [])
        self._restore(columns, cut)
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
                wanted = text.str.contains(_ROUNDED).fill_null(value=False) & exact.is_not_null()
                columns[index] = _spell(text, wanted, exact.filter(wanted))

    def _cells(self, dtype: Literal["string", "float"], only: frozenset[int] | None = None) -> dict[int, pa.Array]:
        """Load the columns (or ``only`` some) by their number in the sheet, the parts of a large sheet at once."""
        load = partial(_load_part, name=self.sheet.name, dtype=dtype, only=only)
        try:
            with ThreadPoolExecutor(len(self.sheet.books)) as pool:
                upper, *lower = pool.map(load, self.sheet.books)
        except fastexcel.FastExcelError as error:
            raise broken(self.source.leaf, "Excel") from error
        return _joined(upper, lower[0]) if lower else upper

    def batches(self) -> Iterator[RawBatch]:
        """Yield the rows below the header; blank rows are left out, vertically merged cells are filled down."""
        held, self._held = self._held, None
        if held is None:
            held = self._load()
        top = self.header.title_rows + self.header.header_rows
        held = self._filled(held, top)
        names = list(self.columns)
        for start in range(top, held.num_rows, _BATCH):
            piece = held.slice(start, _BATCH)
            rows = pa.RecordBatch.from_arrays(piece.columns[: len(names)], names=names)
            numbers = pl.int_range(start + 1, start + 1 + rows.num_rows, eager=True).to_arrow()
            keep = _any_cell(rows)
            if not pc.all(keep).as_py():
                rows, numbers = rows.filter(keep), numbers.filter(keep)
            yield RawBatch(rows, numbers)

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


def _load_part(
    book: fastexcel.ExcelReader, name: str, dtype: Literal["string", "float"], only: frozenset[int] | None
) -> dict[int, pa.Array]:
    use = None if only is None else lambda column: column.absolute_index in only
    sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes=dtype, use_columns=use)
    numbers = [c.absolute_index for c in sheet.selected_columns]
    return dict(zip(numbers, sheet.to_arrow().columns, strict=True))


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


def _oddities(columns: list[pa.StringArray]) -> list[tuple[bool, bool, bool]]:
    """Tell for each column whether it holds empty texts, midnights, and numbers cut to nine decimals."""
    if not columns:
        return []
    frame = pl.DataFrame([pl.Series(f"c{i}", column) for i, column in enumerate(columns)])
    checks = (
        (pl.all() == "").any().name.suffix("e"),
        pl.all().str.ends_with(" 00:00:00").any().name.suffix("m"),
        pl.all().str.contains(_ROUNDED).any().name.suffix("r"),
    )
    found = frame.select(*checks).row(0)
    width = len(columns)
    return list(zip(found[:width], found[width : 2 * width], found[2 * width :], strict=True))


def _without_noise(column: pa.StringArray) -> tuple[pa.StringArray, bool]:
    """Respell 1234567.890000001: its digits still name one double. Also tell whether shorter ones were cut."""
    text = pl.Series(column)
    noisy = text.str.contains(_NOISY).fill_null(value=False)
    spelled = _spell(text, noisy, text.filter(noisy).cast(pl.Float64)) if noisy.any() else column
    return spelled, bool(text.filter(~noisy).str.contains(_ROUNDED).any())


def _spell(text: pl.Series, wanted: pl.Series, exact: pl.Series) -> pa.StringArray:
    """Write the ``wanted`` cells as the shortest decimals that name the doubles ``exact``, without an exponent."""
    short = exact.cast(pl.String).str.strip_suffix(".0")
    long = short.str.contains("e", literal=True).arg_true()
    if long.len():
        short = short.scatter(long, [f"{Decimal(v):f}" for v in short.gather(long).to_list()])
    return text.scatter(wanted.arg_true(), short).to_arrow().cast(pa.string())


def _without_midnight(column: pa.StringArray) -> pa.StringArray:
    """Write a column of days without 00:00:00; a column with any other time of day keeps it everywhere."""
    text = pl.Series(column)
    at_midnight = text.str.ends_with(" 00:00:00").fill_null(value=False)
    if text.filter(~at_midnight).str.contains(_TIMED).any():
        return column
    days = at_midnight & text.str.contains(_MIDNIGHT)
    return text.zip_with(~days, text.str.head(10)).to_arrow().cast(pa.string())


def _any_cell(rows: pa.RecordBatch) -> pa.BooleanArray:
    keep = pc.is_valid(rows.column(0))
    for column in rows.columns[1:]:
        if pc.all(keep).as_py():
            break
        keep = pc.or_(keep, pc.is_valid(column))
    return keep
