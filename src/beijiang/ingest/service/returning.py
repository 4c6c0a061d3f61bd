"""The return file: what a supplier must mend, in the supplier's own columns, as a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest.models import DUPLICATE_SAME
from beijiang.kit import Language, new_id

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from beijiang.ingest.models import Run
    from beijiang.ingest.store.quarantine import Quarantine

__all__ = ["write_return_file"]

_SHEET_ROWS: Final = 1_048_575
_CELL: Final = 32_767
_FORBIDDEN: Final = dict.fromkeys(map(ord, "[]:*?/\\"), "_")
_LEAD: Final = {Language.ZH: ("文件", "行号", "问题列", "原因"), Language.EN: ("File", "Line", "Column", "Reason")}
_WIDTHS: Final = (28, 8, 16, 48)


def write_return_file(run: Run, quarantine: Quarantine, folder: Path, language: Language) -> Path:
    """Write the workbook of a run's bad rows into ``folder`` and return its path; the caller removes it.

    One sheet per set of columns. Every cell is text: nothing that a supplier wrote is ever run as a formula or turned
    into a number. Repeats of rows that were kept are left out, because there is nothing to mend.
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
        # The same quarantine gives the same bytes.
        book.set_properties(
            {"title": f"{run.table} {run.id}", "created": run.submitted_at.astimezone(UTC).replace(tzinfo=None)}
        )
        bold, text = book.add_format({"bold": True, "bg_color": "#FDE9D9"}), book.add_format({"num_format": "@"})
        sheets = _Sheets(book, bold, text, language)
        for columns in _layouts(run):
            for row in _rows(quarantine, run, columns):
                sheets.write(columns, row)
        sheets.finish()
    return path


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
        where = f"{row['file_name']} › {row['inner']}" if row["inner"] else row["file_name"]
        reason = row["zh"] if self._language is Language.ZH else row["en"]
        cells = row["cells"] if row["cells"] is not None else [row["raw"]]
        lead = (where, str(row["line"]), row["column"] or "", reason)
        for index, value in enumerate((*lead, *cells)):
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
