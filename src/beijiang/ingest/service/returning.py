"""The return file: what a supplier must mend, in the supplier's own columns, as a workbook."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest.models import DUPLICATE_SAME
from beijiang.kit import Language, guard_formula, new_id

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from beijiang.ingest.models import Run
    from beijiang.ingest.store.quarantine import Quarantine

__all__ = ["write_csv", "write_return_file", "write_rows"]

_SHEET_ROWS: Final = 1_048_575
_CELL: Final = 32_767
_FORBIDDEN: Final = dict.fromkeys(map(ord, "[]:*?/\\"), "_")
_LEAD: Final = {Language.ZH: ("文件", "行号", "问题列", "原因"), Language.EN: ("File", "Line", "Column", "Reason")}
_WIDTHS: Final = (28, 8, 16, 48)


def write_return_file(run: Run, quarantine: Quarantine, folder: Path, language: Language) -> Path:
    """Write the workbook of a run's bad rows into ``folder`` and return its path; the caller removes it.

    Repeats of rows that were kept are left out, because there is nothing to mend.
    """
    rows = ((columns, row) for columns in _layouts(run) for row in _rows(quarantine, run, columns))
    return write_rows(f"{run.table} {run.id}", run.submitted_at, rows, folder, language)


def write_rows(
    title: str, at: datetime, rows: Iterable[tuple[tuple[str, ...], dict[str, Any]]], folder: Path, language: Language
) -> Path:
    """Write rows, each with the columns of its file, as a workbook in ``folder`` and return its path.

    One sheet per set of columns. Every cell is text: nothing that a supplier wrote is ever run as a formula or turned
    into a number. The same rows give the same bytes.
    """
    import xlsxwriter

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{new_id('return')}.xlsx"
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(str(path), {**options, "tmpdir": str(folder)}) as book:
        book.set_properties({"title": title, "created": at.astimezone(UTC).replace(tzinfo=None)})
        bold, text = book.add_format({"bold": True, "bg_color": "#FDE9D9"}), book.add_format({"num_format": "@"})
        sheets = _Sheets(book, bold, text, language)
        for columns, row in rows:
            sheets.write(columns, row)
        sheets.finish()
    return path


def write_csv(
    title: str, at: datetime, rows: Iterable[tuple[tuple[str, ...], dict[str, Any]]], folder: Path, language: Language
) -> Path:
    """Write rows as one CSV file that spreadsheets open rightly (UTF-8 with a mark); a new header where columns change.

    What a spreadsheet would run as a formula gets an apostrophe in front, as in every CSV of the platform.
    """
    del title, at
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{new_id('return')}.csv"
    known: tuple[str, ...] | None = None
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        for columns, row in rows:
            if columns != known:
                if known is not None:
                    out.writerow([])
                out.writerow([*_LEAD[language], *columns])
                known = columns
            out.writerow([guard_formula(value) for value in _line(row, language)])
    return path


def _line(row: dict[str, Any], language: Language) -> list[str]:
    """Return a row as it goes back: where it stands, what is wrong, and its cells."""
    where = f"{row['file_name']} › {row['inner']}" if row["inner"] else row["file_name"]
    reason = row["zh"] if language is Language.ZH else row["en"]
    cells = row["cells"] if row["cells"] is not None else [row["raw"]]
    return [where, str(row["line"]), row["column"] or "", reason, *(cell or "" for cell in cells)]


def _columns_of(run: Run) -> list[tuple[str, ...]]:
    files: Any = run.report["files"]
    return [tuple(f["columns"]) for f in files]


def _layouts(run: Run) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(_columns_of(run)))


def _rows(quarantine: Quarantine, run: Run, columns: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    layouts = _columns_of(run)
    for rows in quarantine.batches():
        for row in rows:
            if row["reason"] != DUPLICATE_SAME and layouts[row["source"]] == columns:
                yield row


class _Sheets:
    """Sheets of one workbook, written row after row."""

    def __init__(self, book: Workbook, bold: Format, text: Format, language: Language) -> None:
        self._book = book
        self._bold = bold
        self._text = text
        self._language = language
        self._sheet: Worksheet | None = None
        self._columns: tuple[str, ...] | None = None
        self._at = 0

    def write(self, columns: tuple[str, ...], row: dict[str, Any]) -> None:
        """Write one bad row, on a new sheet where the columns change or the sheet is full."""
        if self._sheet is None or columns != self._columns or self._at >= _SHEET_ROWS:
            self._open(columns)
        sheet = self._sheet
        assert sheet is not None  # noqa: S101  # opened a line above
        self._at += 1
        for index, value in enumerate(_line(row, self._language)):
            if value:
                sheet.write_string(self._at, index, value[:_CELL], self._text)

    def _open(self, columns: tuple[str, ...]) -> None:
        name = f"{'退回' if self._language is Language.ZH else 'Return'}{len(self._book.worksheets()) + 1}"
        self._sheet = self._book.add_worksheet(name.translate(_FORBIDDEN))
        self._columns, self._at = columns, 0
        for index, width in enumerate(_WIDTHS):
            self._sheet.set_column(index, index, width)
        self._sheet.freeze_panes(1, 0)
        for index, title in enumerate((*_LEAD[self._language], *columns)):
            self._sheet.write_string(0, index, title[:_CELL], self._bold)

    def finish(self) -> None:
        """Leave at least one sheet, so that the workbook opens."""
        if self._sheet is None:
            self._open(())
