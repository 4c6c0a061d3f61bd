"""DBF (dBase, FoxPro, shapefile attributes): GBK names and values, a .cpg beside it where there is one."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from beijiang.ingest.readers.contract import (
    RAW_EXCERPT,
    BadReason,
    BadRow,
    HeaderTemplate,
    Note,
    RawBatch,
    ReadOptions,
    SourceTable,
)
from beijiang.ingest.readers.encoding import chinese_or_utf8
from beijiang.ingest.readers.guard import broken
from beijiang.ingest.readers.headers import check_width, unique_names
from beijiang.ingest.readers.records import bad_text
from beijiang.ingest.readers.source import Source
from beijiang.kit import Invalid, Text, ahead

__all__ = ["DbfTable"]

_HEADER = struct.Struct("<B3BLHH20x")
_FIELD = struct.Struct("<11sc4xBB14x")
_END = 0x0D
_DELETED = 0x2A
_VERSIONS = frozenset({0x02, 0x03, 0x04, 0x05, 0x30, 0x31, 0x32, 0x43, 0x63, 0x83, 0x8B, 0x8C, 0xCB, 0xF5, 0xFB})
_KINDS = frozenset(b"CNFLDIBTYM@+OGPVQW0")
_CODE_PAGES = {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5", 0x03: "", 0x57: "", 0x00: ""}
_WORD, _DOUBLE = 4, 8
_ROWS = 20_000
_SAMPLE_ROWS = 20_000
_CENTURY_DAYS = 1_721_425
"""Julian day number of 0001-01-01, less one day's ordinal."""


_MEMO_DROPPED = Note(
    "memo_dropped",
    Text("备注型字段的内容在另一个文件里，未读取。", "Memo fields live in a second file and are not read."),
)


@dataclass(frozen=True, slots=True)
class _Column:
    raw_name: bytes
    kind: str
    offset: int
    size: int
    decimals: int


class DbfTable(SourceTable):
    """One DBF file; deleted records are left out, memo fields (in a second file) read as empty."""

    def __init__(self, source: Source, options: ReadOptions, *, code_page: str | None = None) -> None:
        self.source = source
        self.file_name = source.name
        self.inner_name = source.inner
        self.format = "dbf"
        head, sample = self._open()
        names = b"\n".join(f.raw_name for f in self.fields)
        wanted = options.encoding if options.encoding != "auto" else (code_page or _CODE_PAGES.get(head[29], ""))
        self.encoding = wanted if _known(wanted) else chinese_or_utf8(names + b"\n" + sample)
        check_width(len(self.fields), options.limits, self.label)
        self.columns, notes = unique_names(
            [f.raw_name.decode(self.encoding, errors="replace").strip() for f in self.fields]
        )
        self.header = HeaderTemplate(0, 0, self.columns)
        self.row_estimate = self.records
        if any(f.kind in "MGP" for f in self.fields):
            notes = (*notes, _MEMO_DROPPED)
        if not self.records:
            notes = (*notes, Note("no_rows", Text("只有表头，没有数据行。", "There is a header but not one row.")))
        self.notes = notes

    def _open(self) -> tuple[bytes, bytes]:
        """Read what the head says of the records; return the head, and the first records to find the encoding by."""
        with self.source.open() as stream:
            head = stream.read(32)
            if len(head) < 32 or head[0] not in _VERSIONS:  # noqa: PLR2004  # the fixed header
                raise broken(self.source.leaf, "DBF")
            _, _, _, _, self.records, self.start, self.width = _HEADER.unpack(head)
            self.fields = _fields(stream.read(max(0, self.start - 32)), self.source)
            if self.width < 1 or sum(f.size for f in self.fields) + 1 > self.width:
                raise broken(self.source.leaf, "DBF")
            return head, stream.read(min(_SAMPLE_ROWS, self.records) * self.width)

    def batches(self) -> Iterator[RawBatch]:
        """Yield the records; row numbers are record numbers from 1, deleted ones counted."""
        return ahead(self._read)

    def _read(self) -> Iterator[RawBatch]:
        number = 1
        with self.source.open() as stream:
            stream.read(self.start)
            while number <= self.records:
                block = stream.read(min(_ROWS, self.records - number + 1) * self.width)
                count = len(block) // self.width
                if count == 0:
                    break
                yield self._batch(block, count, number)
                number += count
        if number <= self.records:
            raise Invalid(
                f"DBF 文件“{self.source.leaf}”应有 {self.records:,} 条记录，只有 {number - 1:,} 条。文件不完整，请重新导出。",
                f'DBF file "{self.source.leaf}" should hold {self.records:,} records and has {number - 1:,}. Export it again.',
                code="broken_file",
                detail={"file": self.source.leaf, "expected": self.records, "found": number - 1},
            )

    def _batch(self, block: bytes, count: int, first: int) -> RawBatch:
        columns: list[list[str | None]] = [[] for _ in self.fields]
        numbers: list[int] = []
        bad: list[BadRow] = []
        for index in range(count):
            record = block[index * self.width : (index + 1) * self.width]
            if record[0] == _DELETED:
                continue
            try:
                cells = [self._cell(f, record[f.offset : f.offset + f.size]) for f in self.fields]
            except UnicodeDecodeError:
                raw = record[1:].decode(self.encoding or "gb18030", errors="backslashreplace")[:RAW_EXCERPT]
                bad.append(BadRow(first + index, None, BadReason.UNDECODABLE, bad_text(BadReason.UNDECODABLE), raw))
                continue
            numbers.append(first + index)
            for column, cell in zip(columns, cells, strict=True):
                column.append(cell)
        rows = pa.RecordBatch.from_arrays([pa.array(c, pa.string()) for c in columns], names=list(self.columns))
        return RawBatch(rows, pa.array(numbers, pa.int64()), bad)

    def _cell(self, field: _Column, raw: bytes) -> str | None:
        kind = field.kind
        if kind in "MGP0":
            return None
        if kind in "IB+OT@Y" and len(raw) in {_WORD, _DOUBLE} and not (kind == "B" and len(raw) != _DOUBLE):
            return _binary(kind, raw, field.decimals)
        text = raw.rstrip(b"\x00 ").decode(self.encoding or "gb18030")
        if kind == "C":
            return text.rstrip() or None
        text = text.strip().strip("\x00")
        if kind == "D":
            return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == _DOUBLE and text.isdigit() else text or None
        if kind == "L":
            return {"T": "true", "Y": "true", "F": "false", "N": "false"}.get(text.upper())
        return None if set(text) <= {"*"} else text


def _known(encoding: str) -> bool:
    """Tell whether an encoding was named, and is one that Python reads."""
    try:
        return bool(encoding) and bool(codecs.lookup(encoding))
    except LookupError:
        return False


def _binary(kind: str, raw: bytes, decimals: int) -> str | None:
    """Write a binary field as text: integers, doubles, currency, and Julian date-times."""
    if kind in "I+" and len(raw) == _WORD:
        return str(struct.unpack("<i", raw)[0])
    if kind in "BO":
        value = struct.unpack("<d", raw)[0]
        return f"{value:.{decimals}f}" if decimals else repr(value).removesuffix(".0")
    if kind == "Y":
        return f"{struct.unpack('<q', raw)[0] / 10_000:.4f}"
    day, millis = struct.unpack("<ii", raw)
    if not day:
        return None
    from datetime import datetime, timedelta

    moment = datetime(1, 1, 1) + timedelta(days=day - _CENTURY_DAYS - 1, milliseconds=millis)  # noqa: DTZ001
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _fields(block: bytes, source: Source) -> list[_Column]:
    fields: list[_Column] = []
    offset = 1
    for at in range(0, len(block) - 31, 32):
        if block[at] == _END:
            break
        raw, kind, size, decimals = _FIELD.unpack(block[at : at + 32])
        if kind[0] not in _KINDS:
            raise broken(source.leaf, "DBF")
        if kind == b"C":
            size += decimals << 8
            decimals = 0
        fields.append(_Column(raw.split(b"\x00", 1)[0], kind.decode(), offset, size, decimals))
        offset += size
    if not fields:
        raise broken(source.leaf, "DBF")
    return fields
