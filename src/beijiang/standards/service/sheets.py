"""The registry as files: CSV and Excel out, the same and GBK in; a row is the flat form of an element or of a code."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from beijiang.kit import Invalid, Language, Text, TooLarge, guard_formula, normalise
from beijiang.standards.models import (
    CODE_FIELDS,
    DAY_FIELDS,
    ELEMENT_FIELDS,
    RULE_FIELDS,
    SET_FIELDS,
    YEAR_FIELDS,
    CalendarYear,
    CodeSet,
    Entry,
    EntryKind,
    flat_code,
    flat_day,
    flat_of,
    flat_set,
)
from beijiang.standards.service.papers import Paper, PaperTable, paper_file

__all__ = ["Sheet", "SheetFormat", "read", "text_file", "text_tables", "write"]

BYTES_MOST: Final = 8 << 20
UNPACKED_MOST: Final = 200 << 20
ROWS_MOST: Final = 50_000
_COLUMNS_MOST: Final = 40
_GUARDED: Final = re.compile(r"^'(?=[=+\-@\t\r\n＝＋－＠])")

_CODES: Final[Mapping[str, Text]] = {**SET_FIELDS, **CODE_FIELDS}
_DAYS: Final[Mapping[str, Text]] = {**DAY_FIELDS, **{name: YEAR_FIELDS[name] for name in ("basis", "verified")}}
_FIELDS: Final = {
    EntryKind.ELEMENT: ELEMENT_FIELDS,
    EntryKind.CODE_SET: _CODES,
    EntryKind.RULE: RULE_FIELDS,
    EntryKind.CALENDAR: _DAYS,
}
_TITLES: Final = {
    EntryKind.ELEMENT: "数据元",
    EntryKind.CODE_SET: "代码集",
    EntryKind.RULE: "法规规则",
    EntryKind.CALENDAR: "工作日历",
}
_NEEDED: Final = {
    EntryKind.ELEMENT: {"id", "name_zh"},
    EntryKind.CODE_SET: {"code_set", "code"},
    EntryKind.RULE: {"id", "topic_zh", "basis"},
    EntryKind.CALENDAR: {"date", "kind", "basis"},
}


class SheetFormat(StrEnum):
    """The form of a file."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"
    """For paper; it is written and never read."""

    @property
    def media_type(self) -> str:
        """Return what the file is, for the browser."""
        return {
            "csv": "text/csv; charset=utf-8",
            "pdf": "application/pdf",
            "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }[self.value]


_CELL: Final = 32_767
"""Characters that a cell of a workbook holds."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of one kind, as they stand in a file; each with the number of its line."""

    kind: EntryKind
    rows: tuple[tuple[int, Mapping[str, str]], ...]


def write(entries: Iterable[Entry], kind: EntryKind, form: SheetFormat, language: Language) -> bytes:
    """Return entries of one kind as a file that ``read`` gives back unchanged."""
    fields = _FIELDS[kind]
    head = [text.in_language(language) for text in fields.values()]
    rows = [[row[name] for name in fields] for row in _rows(entries)]
    return text_file([(_TITLES[kind], [head, *rows])], form, title=_TITLES[kind])


def read(name: str, content: bytes) -> Sequence[Sheet]:
    """Read a file by its content: CSV in UTF-8 or GBK, or a workbook, whose sheets that are none of ours are left out.

    Raises:
        TooLarge: the file, what it unpacks to, or its number of rows.
        Invalid: it cannot be read, or has no table of elements or codes.

    """
    found = [sheet for sheet in map(_sheet, text_tables(content)) if sheet is not None]
    if not found:
        needed = ("、".join(ELEMENT_FIELDS[n].zh for n in ("id", "name_zh")), "id, name_zh")
        raise Invalid(
            f"“{name[:100]}”中没有数据元表、代码表或工作日历。数据元表需要列“{needed[0]}”，代码表需要“代码集、代码”，工作日历需要“日期、安排、依据文件”，可先导出一份作为模板。",
            f'"{name[:100]}" has no table of elements (columns {needed[1]}), codes (code_set, code) or days (date, kind, basis). Export one as a template.',
            code="no_registry_table",
        )
    return found


def text_tables(content: bytes) -> list[list[list[str]]]:
    """Return the sheets of a workbook, or the one of a CSV file in UTF-8 or GBK, as lines of text.

    Raises:
        TooLarge: the file, what it unpacks to, or its number of rows.
        Invalid: it cannot be read.

    """
    if len(content) > BYTES_MOST:
        raise TooLarge("文件超过 8 MB。", "The file is over 8 MB.", detail={"limit_bytes": BYTES_MOST})
    return _from_workbook(content) if content.startswith(b"PK\x03\x04") else [_from_csv(content)]


def _rows(entries: Iterable[Entry]) -> Iterable[dict[str, str]]:
    for entry in entries:
        if isinstance(entry, CalendarYear):
            head = flat_of(entry)
            yield from ({**head, **flat_day(one)} for one in entry.days)
        elif not isinstance(entry, CodeSet):
            yield flat_of(entry)
        else:
            head = flat_set(entry)
            yield from ({**head, **flat_code(value)} for value in entry.values)


def text_file(
    pages: Sequence[tuple[str, Sequence[Sequence[str]]]],
    form: SheetFormat,
    *,
    title: str,
    language: Language = Language.ZH,
) -> bytes:
    """Return pages of text of which a spreadsheet runs nothing and rounds no number: the first as CSV, all in other forms.

    Each has a name and its lines, the first page's first line being its head. The same pages give the same bytes.

    Raises:
        TooLarge: more lines than anybody would print.

    """
    if form is SheetFormat.CSV:
        out = io.StringIO(newline="")
        csv.writer(out).writerows([guard_formula(cell) for cell in line] for line in pages[0][1])
        return out.getvalue().encode("utf-8-sig")
    if form is SheetFormat.PDF:
        return paper_file(Paper(title, [PaperTable(name, lines[0], lines[1:]) for name, lines in pages], (), language))
    return _workbook(pages, title)


def _workbook(pages: Sequence[tuple[str, Sequence[Sequence[str]]]], title: str) -> bytes:
    import xlsxwriter

    book_out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(book_out, options) as book:
        book.set_properties({"title": title, "created": datetime(2026, 1, 1)})  # noqa: DTZ001 - the same bytes each time
        bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        for number, (name, lines) in enumerate(pages):
            page = book.add_worksheet(name)
            page.freeze_panes(1, 0)
            page.set_column(0, max(len(lines[0]) - 1, 0), 18, text)
            for at, cells in enumerate(lines):
                for place, words in enumerate(cells):
                    if words:
                        page.write_string(at, place, words[:_CELL], bold if not number and not at else text)
    return book_out.getvalue()


def _from_csv(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            raise Invalid(
                "文件既不是 UTF-8 也不是 GBK 编码。", "The file is neither UTF-8 nor GBK.", code="bad_encoding"
            ) from None
    try:
        rows = []
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            rows.append([_GUARDED.sub("", cell) for cell in row])
            _check_size(rows)
    except csv.Error:
        raise Invalid("CSV 文件不完整。", "The CSV file is broken.", code="bad_csv") from None
    return rows


def _from_workbook(content: bytes) -> list[list[list[str]]]:
    import python_calamine

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if sum(member.file_size for member in package.infolist()) > UNPACKED_MOST:
                raise TooLarge("工作簿解开后过大。", "The workbook unpacks to too much.")
        tables = []
        with python_calamine.load_workbook(io.BytesIO(content)) as book:
            for name in book.sheet_names:
                rows = [[_cell(value) for value in row] for row in book.get_sheet_by_name(name).to_python()]
                _check_size(rows)
                tables.append(rows)
    except (zipfile.BadZipFile, python_calamine.CalamineError, OSError, ValueError):
        raise Invalid("工作簿无法打开。", "The workbook cannot be opened.", code="bad_workbook") from None
    return tables


def _check_size(rows: Sequence[Sequence[str]]) -> None:
    if len(rows) > ROWS_MOST:
        raise TooLarge(f"超过 {ROWS_MOST} 行。", f"More than {ROWS_MOST} rows.")


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date | datetime):
        return value.isoformat()[:10]
    return str(value)


def _sheet(rows: Sequence[Sequence[str]]) -> Sheet | None:
    """Return a table with its columns named as we name them; None where the head is none of ours."""
    if not rows:
        return None
    head = [normalise(cell) for cell in rows[0][:_COLUMNS_MOST]]
    for kind in (EntryKind.CODE_SET, EntryKind.ELEMENT, EntryKind.RULE, EntryKind.CALENDAR):
        names = {normalise(word): name for name, text in _FIELDS[kind].items() for word in (name, text.zh, text.en)}
        fields = [names.get(word, "") for word in head]
        if set(fields) >= _NEEDED[kind]:
            body = [
                (line, {name: cell for name, cell in zip(fields, row, strict=False) if name})
                for line, row in enumerate(rows[1:], 2)
                if any(cell.strip() for cell in row)
            ]
            return Sheet(kind, tuple(body))
    return None
