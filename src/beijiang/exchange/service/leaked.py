"""Read a file that got out as plain texts, whatever became of its form: CSV, Excel, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Leaked", "plain", "read_leaked"]

_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_HEAD: Final = 4000
_DIGITS: Final = 40
_SHORT: Final = 40
"""Rows of a sheet that may be one of facts about the file."""


@dataclass(frozen=True, slots=True)
class Leaked:
    """The columns of a file under whatever names, as lists of texts; and all that it says beside its rows."""

    names: tuple[str, ...]
    columns: tuple[tuple[str | None, ...], ...]
    said: str

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return len(self.columns[0]) if self.columns else 0


def read_leaked(content: bytes) -> Leaked:
    """Return what stands in a file.

    Raises:
        Invalid: none of the forms, or no rows (``trace_file``).

    """
    try:
        if content[:4] == b"PAR1":
            return _parquet(content)
        if content[:2] == b"PK":
            return _workbook(content)
        if content.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"[":
            return _json(content)
        return _csv(content)
    except (ValueError, KeyError, OSError, csv.Error, RecursionError) as error:
        raise _unreadable() from error


def plain(value: Any) -> str | None:
    """Return a value as a text that does not depend on the form of its file: numbers without idle zeros, dates as ISO."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == value.time().min else value.isoformat(sep="T")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).strip()
    if text[:1] == "'" and len(text) > 1:
        text = text[1:].strip()
    if text.lower() in {"true", "false"}:
        return text.lower()
    return _number(text) if text and len(text) <= _DIGITS and _NUMBER.fullmatch(text) else text or None


def _number(text: str) -> str:
    if text[0] == "0" and text.isdigit():
        return text  # a code that begins with zeros
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return (
        "0"
        if not number
        else f"{number.normalize():f}"
        if abs(number.adjusted()) < _DIGITS
        else str(number.normalize())
    )


def _made(names: Sequence[Any], rows: Sequence[Sequence[Any]], said: str) -> Leaked:
    wide = [[*row, *([None] * (len(names) - len(row)))][: len(names)] for row in rows]
    columns = tuple(tuple(plain(value) for value in column) for column in zip(*wide, strict=True))
    if not columns:
        raise _unreadable()
    return Leaked(tuple(str(name) for name in names), columns, said)


def _csv(content: bytes) -> Leaked:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    lines = text.splitlines(keepends=True)
    notes = [line for line in lines[:5] if line.startswith("#")]
    csv.field_size_limit(1 << 24)
    rows = [row for row in csv.reader(io.StringIO("".join(lines[len(notes) :]))) if row]
    return _made(rows[0] if rows else [], rows[1:], "".join(notes) + text[:_HEAD])


def _workbook(content: bytes) -> Leaked:
    import python_calamine

    try:
        with python_calamine.load_workbook(io.BytesIO(content)) as book:
            sheets = [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]
    except python_calamine.CalamineError as error:
        raise _unreadable() from error
    said = "\n".join(
        str(cell) for sheet in sheets for row in (*sheet[:3], *(sheet if len(sheet) < _SHORT else ())) for cell in row
    )
    first = next((sheet for sheet in sheets if len(sheet) > 1), [])
    filled = [sum(cell not in ("", None) for cell in row) for row in first[:4]]
    head = filled.index(max(filled)) if filled else 0
    names = first[head] if first else []
    rows = [row for sheet in sheets if sheet and len(sheet[0]) == len(names) for row in sheet[head + 1 :]]
    return _made(names, rows, said)


def _json(content: bytes) -> Leaked:
    found = json.loads(content.decode("utf-8-sig"))
    rows = [row for row in found if isinstance(row, dict)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _made(names, [[row.get(name) for name in names] for row in rows], "")


def _parquet(content: bytes) -> Leaked:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        rows = parquet.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        raise _unreadable() from error
    told = rows.schema.metadata or {}
    columns = tuple(tuple(plain(value) for value in column.to_pylist()) for column in rows.columns)
    if not columns:
        raise _unreadable()
    said = "\n".join(value.decode("utf-8", "replace") for value in told.values())
    return Leaked(tuple(rows.column_names), columns, said)


def _unreadable() -> Invalid:
    return Invalid(
        "读不出这个文件的行。可追踪 CSV、Excel（xlsx）、JSON 数组与 Parquet；加密包请先用 beijiang unpack 打开。",
        "No rows can be read from this file. CSV, Excel (xlsx), JSON arrays and Parquet are traced; open a package with beijiang unpack first.",
        code="trace_file",
    )
