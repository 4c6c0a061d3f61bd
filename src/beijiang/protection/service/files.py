"""Write a governed table as the file a person asked for: CSV, Excel, JSON or Parquet.

Everything streams from the gate's batches, so memory does not grow with the table. Formats that must be finished before the
first byte (Excel, Parquet) are written to a temporary file first.
"""

from __future__ import annotations

import hashlib
import io
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, TypeAlias, TypeVar

from beijiang.kit import Invalid
from beijiang.protection.models.results import FileMark
from beijiang.tables import Filter, GovernedTable

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 1 << 20
BATCH = 65_536
SHEET_HEADER = 240
"""Characters that the head of a printed sheet holds."""
EXCEL_ROWS = 1_048_575
"""Data rows that one sheet holds below its header row."""
EXCEL_CELL = 32_767
"""Characters that one cell of a sheet holds."""
EXCEL_DIGITS = 15
"""Significant digits that a number in a sheet keeps; longer ones are written as text."""
EXCEL_FIRST_YEAR = 1901
CUT_MARK = "…（超出单元格上限，全文见 CSV / cell limit, full text in the CSV）"
FORMULA_START = r"^[=+\-@\t\r＝＋－＠]"
PLAIN_NUMBER = r"^[+-]?[0-9][0-9,]*(\.[0-9]+)?$"


class DownloadFormat(StrEnum):
    """The files a reader may ask for."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
    PARQUET = "parquet"


class DownloadEncoding(StrEnum):
    """Encodings of a CSV; the two for spreadsheets also disarm text that looks like a formula."""

    UTF8 = "utf-8"
    UTF8_BOM = "utf-8-sig"
    GB18030 = "gb18030"


MEDIA_TYPES = {
    DownloadFormat.CSV: "text/csv",
    DownloadFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    DownloadFormat.JSON: "application/json",
    DownloadFormat.PARQUET: "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadOrder:
    """What a reader wants as a file; ``zone`` is the time zone in which moments are written."""

    form: DownloadFormat
    encoding: DownloadEncoding = DownloadEncoding.UTF8
    filters: tuple[Filter, ...] = ()
    mark: FileMark | None = None
    """What the file says of its grade and of who took it: in the first line of a CSV, above and beside the table of a
    sheet, in the metadata of Parquet."""
    zone: str = "Asia/Shanghai"
    request: str = ""
    """What was asked, as ``GET /path?query``; its digest is in the receipt."""
    seed: bytes | None = None
    """Of the order of the rows, by which a file tells where it came from."""


Source: TypeAlias = "GovernedTable | _Result"
Rows = TypeVar("Rows", bound=Any)


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way: what it is called, what it is, and its bytes."""

    file_name: str
    media_type: str
    content: Iterator[bytes]
    contract: str = ""
    """The data contract that it is delivered under, as a line of a header."""
    receipt: str = ""
    """The id of the receipt, by which the reader proves what was delivered."""
    in_doubt: tuple[str, ...] = ()
    """The columns of it that are being looked into (校核)."""


def write(governed: Source, order: DownloadOrder) -> Iterator[bytes]:
    """Return the bytes of ``governed`` in the ordered form.

    The first piece is made before this returns, so that a failing read is an error and not a torn file.
    """
    makers = {
        DownloadFormat.CSV: _csv,
        DownloadFormat.JSON: _json,
        DownloadFormat.PARQUET: _parquet,
        DownloadFormat.XLSX: _xlsx,
    }
    content = makers[order.form](governed, order)
    return chain([next(content, b"")], content)


def receipted(governed: GovernedTable, order: DownloadOrder) -> Iterator[bytes]:
    """Return the bytes of a file; once the last is out, its digest and that of the request are added to the receipt."""

    def sent(response: str, size: int) -> None:
        governed.delivered(_digests(order.request, response), size)

    return fingerprinted(write(governed, order), sent)


def fingerprinted(content: Iterable[bytes], sent: Callable[[str, int], None]) -> Iterator[bytes]:
    """Hand on the bytes of a file; once the last is out, ``sent`` is told the SHA-256 of them all, and how many they were."""
    digest, size = hashlib.sha256(), 0
    for piece in content:
        digest.update(piece)
        size += len(piece)
        yield piece
    sent(digest.hexdigest(), size)


def digests(request: str, content: bytes) -> dict[str, str]:
    """Return what a receipt keeps of an answer that was sent whole: the SHA-256 of what was asked and of its bytes."""
    return _digests(request, hashlib.sha256(content).hexdigest())


def _digests(request: str, response: str) -> dict[str, str]:
    asked = {"request": hashlib.sha256(request.encode()).hexdigest()} if request else {}
    return {**asked, "response": response}


class _Result:
    """A result that is held in memory, read as a governed table is."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self.columns = [_Named(name) for name in rows.column_names]

    def batches(self, filters: Sequence[Filter] = (), *, seed: bytes | None = None) -> Iterator[pa.RecordBatch]:
        del filters, seed
        yield from self._rows.to_batches(BATCH)

    @property
    def rows(self) -> pa.Table:
        return self._rows


@dataclass(frozen=True, slots=True)
class _Named:
    name: str


class FileMaker:
    """Writes results of queries as downloads are written; moments in the zone of the installation."""

    def __init__(self, zone: str) -> None:
        self._zone = zone

    def __call__(
        self, rows: pa.Table, form: str, mark: FileMark | None, encoding: DownloadEncoding | None = None
    ) -> Iterator[bytes]:
        """Return the bytes of ``rows``; a marked CSV is one for spreadsheets, unless an encoding is named."""
        encoding = encoding or (DownloadEncoding.UTF8 if mark is None else DownloadEncoding.UTF8_BOM)
        order = DownloadOrder(form=parse_format(form), encoding=encoding, mark=mark, zone=self._zone)
        return write(_Result(rows), order)


def file_name(title: str, version: int, order: DownloadOrder) -> str:
    """Return what the file is called."""
    return f"{title}_v{version}.{order.form.value}"


def media_type(order: DownloadOrder) -> str:
    """Return the media type, with the character set where the format has one."""
    if order.form is not DownloadFormat.CSV:
        return MEDIA_TYPES[order.form]
    charset = "gb18030" if order.encoding is DownloadEncoding.GB18030 else "utf-8"
    return f"text/csv; charset={charset}; header=present"


def parse_format(value: str) -> DownloadFormat:
    """Read the ``format`` parameter."""
    try:
        return DownloadFormat(value.lower())
    except ValueError:
        raise Invalid(
            f"没有这种下载格式。可选：{'、'.join(DownloadFormat)}。",
            f"There is no such download format. Choose one of: {', '.join(DownloadFormat)}.",
            code="unknown_format",
            detail={"offered": list(DownloadFormat)},
        ) from None


def parse_encoding(value: str) -> DownloadEncoding:
    """Read the ``encoding`` parameter."""
    try:
        return DownloadEncoding(value.lower())
    except ValueError:
        raise Invalid(
            f"没有这种编码。可选：{'、'.join(DownloadEncoding)}。",
            f"There is no such encoding. Choose one of: {', '.join(DownloadEncoding)}.",
            code="unknown_encoding",
            detail={"offered": list(DownloadEncoding)},
        ) from None


def _csv(governed: Source, order: DownloadOrder) -> Iterator[bytes]:
    import pyarrow as pa
    from pyarrow import csv

    guard = order.encoding is not DownloadEncoding.UTF8
    names = [column.name for column in governed.columns]
    shown = _as_text(pa.array(names, pa.string()), guard=guard, zone=order.zone).to_pylist()
    mark = "\ufeff".encode() if order.encoding is DownloadEncoding.UTF8_BOM else b""
    note = "" if order.mark is None else f"# {' '.join(order.mark.line.split())}\n"
    head = mark + _recode(note.encode() + _csv_line(shown), order.encoding)
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    for batch in governed.batches(filters=order.filters, seed=order.seed):
        buffer = io.BytesIO()
        columns = [_as_text(values, guard=guard, zone=order.zone) for values in batch.columns]
        csv.write_csv(pa.table(columns, names=[str(i) for i in range(len(columns))]), buffer, options)
        yield head + _recode(buffer.getvalue(), order.encoding)
        head = b""
    if head:
        yield head


def _csv_line(values: Sequence[str]) -> bytes:
    quoted = ['"' + v.replace('"', '""') + '"' if any(c in v for c in ',"\r\n') else v for v in values]
    return (",".join(quoted) + "\n").encode()


def _recode(content: bytes, encoding: DownloadEncoding) -> bytes:
    return content.decode().encode("gb18030") if encoding is DownloadEncoding.GB18030 else content


def _as_text(values: pa.Array, *, guard: bool, zone: str) -> pa.Array:
    """Give moments in their ISO form and the rest as it is; disarm formulas where a spreadsheet reads the file."""
    import pyarrow as pa

    values = _plain_array(values, zone)
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _disarmed(values) if guard else values
    if pa.types.is_timestamp(kind):
        return _iso(values)
    return values


def _disarmed(values: pa.Array) -> pa.Array:
    """Put an apostrophe before text that a spreadsheet would run; a written number such as -3.5 stays as it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    armed = pc.and_(
        pc.match_substring_regex(values, FORMULA_START), pc.invert(pc.match_substring_regex(values, PLAIN_NUMBER))
    )
    apostrophe = pc.binary_join_element_wise(pa.scalar("'", values.type), values, pa.scalar("", values.type))
    return pc.if_else(armed, apostrophe, values)


def _plain_array(values: pa.Array, zone: str) -> pa.Array:
    """Undo dictionary coding, empty what is no number, and bring aware moments into the zone in which they are shown."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_floating(values.type):
        return pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        return values.cast(pa.timestamp(values.type.unit, zone))
    return values


def _iso(values: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    text = pc.strftime(values, format="%Y-%m-%dT%H:%M:%S%z" if values.type.tz else "%Y-%m-%dT%H:%M:%S")
    text = pc.replace_substring_regex(text, r"\.0+([+-]|$)", r"\1")
    return pc.replace_substring_regex(text, r"([+-]\d\d)(\d\d)$", r"\1:\2") if values.type.tz else text


def _json(governed: Source, order: DownloadOrder) -> Iterator[bytes]:
    import orjson

    separator = b"[\n"
    for batch in governed.batches(filters=order.filters, seed=order.seed):
        rows = [orjson.dumps(row, default=plain) for row in records(batch, order.zone)]
        if rows:
            yield separator + b",\n".join(rows)
            separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


def records(rows: pa.RecordBatch | pa.Table, zone: str) -> list[dict[str, Any]]:
    """Return rows as dictionaries, aware moments in ``zone``; serialise them with ``default=plain``."""
    names = rows.schema.names
    arrays = [c.combine_chunks() if hasattr(c, "combine_chunks") else c for c in rows.columns]
    columns = [_plain_array(values, zone).to_pylist() for values in arrays]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def plain(value: Any) -> Any:
    """Give a decimal as a JSON number when that loses nothing, otherwise as text."""
    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(repr(number)) == value else str(value)
    return str(value)


def _parquet(governed: Source, order: DownloadOrder) -> Iterator[bytes]:
    from pyarrow import parquet

    with tempfile.TemporaryFile() as file:
        writer = None
        for batch in governed.batches(filters=order.filters, seed=order.seed):
            batch = _marked(batch, order.mark)  # noqa: PLW2901 - the same rows with a line about them
            writer = writer or parquet.ParquetWriter(file, batch.schema, compression="zstd")
            writer.write_batch(batch)
        if writer is None:
            empty = (
                governed.rows if isinstance(governed, _Result) else governed.page(limit=1, filters=order.filters).rows
            )
            parquet.write_table(_marked(empty.slice(0, 0), order.mark), file)
        else:
            writer.close()
        yield from _rewound(file)


def _marked(rows: Rows, mark: FileMark | None) -> Rows:
    """Lay the facts of a mark into the metadata of the schema."""
    if mark is None:
        return rows
    facts = {f"beijiang.{name}": value for name, value in mark.facts.items()}
    marked: Rows = rows.replace_schema_metadata({**(rows.schema.metadata or {}), **facts})
    return marked


def _xlsx(governed: Source, order: DownloadOrder) -> Iterator[bytes]:
    import xlsxwriter

    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        book = xlsxwriter.Workbook(file.name, options)
        sheets = _Sheets(book, [column.name for column in governed.columns], order.mark)
        for batch in governed.batches(filters=order.filters, seed=order.seed):
            columns = [_plain_array(values, order.zone).to_pylist() for values in batch.columns]
            for values in zip(*columns, strict=True):
                sheets.add(values)
        if order.mark is not None:
            _about(book, order.mark)
        book.close()
        yield from _rewound(file)


def _about(book: Any, mark: FileMark) -> None:
    """Add a sheet with the facts of the mark."""
    sheet = book.add_worksheet("说明 About")
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 60)
    for row, (name, value) in enumerate(mark.facts.items()):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, _fitting(value))


class _Sheets:
    """Sheets of one workbook, a new one whenever the last is full; each begins with the header row."""

    def __init__(self, book: Any, names: Sequence[str], mark: FileMark | None = None) -> None:
        self._book = book
        self._names = names
        self._mark = mark
        self._head = book.add_format({"bold": True, "bg_color": "#EEF2F6", "bottom": 1})
        self._note = book.add_format({"bold": True, "font_color": "#8A5A00"})
        self._date = book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._open()

    def _open(self) -> None:
        self._row = 0
        self._sheet = self._book.add_worksheet()
        if self._mark is not None:
            self._sheet.write_string(0, 0, self._mark.line, self._note)
            self._sheet.set_header("&C" + self._mark.line.replace("&", "&&")[:SHEET_HEADER])
            self._sheet.set_footer("&C" + self._mark.line.replace("&", "&&")[:SHEET_HEADER])
            self._row = 1
        self._sheet.freeze_panes(self._row + 1, 0)
        for column, name in enumerate(self._names):
            self._sheet.write_string(self._row, column, name, self._head)
            self._sheet.set_column(column, column, min(40, max(10, 2 * len(name) + 2)))

    def add(self, values: Sequence[Any]) -> None:
        if self._row >= EXCEL_ROWS:
            self._open()
        self._row += 1
        for column, value in enumerate(values):
            self._cell(column, value)

    def _cell(self, column: int, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            self._sheet.write_boolean(self._row, column, value)
        elif isinstance(value, int | float | Decimal) and _sheet_keeps(value):
            self._sheet.write_number(self._row, column, value)
        elif isinstance(value, datetime) and value.year >= EXCEL_FIRST_YEAR:
            self._sheet.write_datetime(self._row, column, value.replace(tzinfo=None), self._moment)
        elif isinstance(value, date) and value.year >= EXCEL_FIRST_YEAR:
            self._sheet.write_datetime(self._row, column, value, self._date)
        else:
            self._sheet.write_string(self._row, column, _fitting(value))


def _sheet_keeps(value: float | Decimal) -> bool:
    """Tell whether a sheet's binary number holds ``value`` with all its digits."""
    if isinstance(value, float):
        return math.isfinite(value)
    return len(Decimal(value).normalize().as_tuple().digits) <= EXCEL_DIGITS


def _fitting(value: Any) -> str:
    text = value.isoformat() if isinstance(value, date | datetime) else str(value)
    return text if len(text) <= EXCEL_CELL else text[: EXCEL_CELL - len(CUT_MARK)] + CUT_MARK


def _rewound(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


def stamp(moment: datetime) -> str:
    """Return the day of ``moment`` as it stands in file names."""
    return moment.astimezone(UTC).strftime("%Y%m%d")
