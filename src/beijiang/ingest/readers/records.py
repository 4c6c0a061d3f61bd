"""Records of delimited text out of chunks of lines: Arrow does the parsing, this keeps the books.

Every physical line ends up in exactly one place: a row, a bad row, or a blank line.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from beijiang.ingest.readers.contract import RAW_EXCERPT, BadReason, BadRow, RawBatch, ReadLimits
from beijiang.ingest.readers.dialect import cells
from beijiang.ingest.readers.encoding import CARRIAGE_RETURN, Flaw, TextChunk
from beijiang.kit import Text

__all__ = ["RecordParser", "bad_text"]

_SENTINEL = "\x02\ue00e\x02"
_STRAY_LOOK = 50
_FEW_LINES = 3
_FEW_RECORDS = 2


def bad_text(reason: BadReason, zh: str = "", en: str = "") -> Text:
    """Say in both languages why a row was set aside."""
    base = {
        BadReason.UNDECODABLE: Text("这一行有无法按文件编码解读的字节", "bytes that the file's encoding does not know"),
        BadReason.NUL_BYTE: Text("这一行含有空字符（NUL）", "the line holds a NUL byte"),
        BadReason.TOO_LONG: Text("记录或单元格过长", "the record or a cell is too long"),
        BadReason.UNCLOSED_QUOTE: Text(
            "引号没有成对，这一行无法读成一条记录", "a quote is not closed, the line is no record"
        ),
        BadReason.WRONG_WIDTH: Text("单元格数与表头不符", "the number of cells differs from the header"),
    }.get(reason, Text("", ""))
    return Text(base.zh + zh, base.en + en)


@dataclass(slots=True)
class _Parsed:
    """What Arrow made of one piece of text, before anything is judged."""

    table: pa.Table
    wrong: list[tuple[int, int, str]] = field(default_factory=list)
    """(record number from 0, cells, raw text) of each record of another width."""

    @property
    def total(self) -> int:
        """Count the records, good and wrong."""
        return int(self.table.num_rows) + len(self.wrong)

    def good_records(self) -> list[int]:
        """Return the record number of each row of the table."""
        if not self.wrong:
            return list(range(self.total))
        wrong = {number for number, _, _ in self.wrong}
        return [i for i in range(self.total) if i not in wrong]


@dataclass(frozen=True, slots=True)
class _Huge:
    """A quoted field that is larger than a record may be, while it is passed over."""

    line: int
    excerpt: str


class RecordParser:
    """Parse consecutive chunks of whole lines; ``feed`` each, then ``finish``."""

    def __init__(self, columns: tuple[str, ...], delimiter: str, limits: ReadLimits) -> None:
        self.width = len(columns)
        self.delimiter = delimiter
        self.limits = limits
        # Arrow gets plain keys; the true names are put back on the finished batch.
        self.keys = [f"c{i}" for i in range(self.width)]
        self.convert = pacsv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(self.keys, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )
        self.schema = pa.schema([(name, pa.string()) for name in columns])
        self.sentinel = (_SENTINEL + delimiter * (self.width - 1) + "\n").encode()
        self.carry = b""
        self.carry_line = 0
        self.flaws: dict[int, Flaw] = {}
        self.lone_cr = False
        self.huge: _Huge | None = None

    def feed(self, chunk: TextChunk) -> Iterator[RawBatch]:
        """Parse the lines of ``chunk`` after what was carried over."""
        data, line, lines = chunk.data, chunk.first_line, chunk.lines
        oldest = self.carry_line if self.carry else line
        self.flaws = {at: flaw for at, flaw in self.flaws.items() if at >= oldest} | chunk.flaws
        self.lone_cr = self.lone_cr or chunk.has_lone_cr
        if self.huge is not None:
            end = _closing_line_end(data)
            if end is None:
                return
            yield self._huge_row(self.huge)
            self.huge = None
            passed = data.count(b"\n", 0, end)
            data, line, lines = data[end:], line + passed, lines - passed
        if self.carry:
            data, lines = self.carry + data, lines + line - self.carry_line
            line, self.carry = self.carry_line, b""
        yield from self._piece(data, line, lines, last=False)

    def finish(self) -> Iterator[RawBatch]:
        """Parse what is left: an open quote at the end of the file costs its line, not the lines after it."""
        if self.huge is not None:
            yield self._huge_row(self.huge)
        data, self.carry = self.carry, b""
        yield from self._piece(data, self.carry_line, data.count(b"\n"), last=True)

    def _piece(self, data: bytes, line: int, lines: int, *, last: bool) -> Iterator[RawBatch]:
        while data:
            parsed, taken, passed = self._parse(data, lines)
            if parsed.total:
                batch, again = self._book(parsed, line, data[:taken], passed)
                yield batch
                for text, at in again:
                    yield from self._piece(text, at, text.count(b"\n"), last=True)
            data, line, lines = data[taken:], line + passed, lines - passed
            if not data:
                return
            if not last and len(data) <= self.limits.max_record_bytes:
                self.carry, self.carry_line = data, line
                return
            if not last and not self._is_stray(data):
                self.huge = _Huge(line, data[: 4 * RAW_EXCERPT].decode(errors="replace")[:RAW_EXCERPT])
                return
            first = data[: data.index(b"\n")].decode(errors="replace")[:RAW_EXCERPT]
            yield self._only_bad(
                BadRow(line, None, BadReason.UNCLOSED_QUOTE, bad_text(BadReason.UNCLOSED_QUOTE), first)
            )
            data, line, lines = data[data.index(b"\n") + 1 :], line + 1, lines - 1

    def _parse(self, data: bytes, lines: int) -> tuple[_Parsed, int, int]:
        """Return the closed records of ``data``, and how many bytes and lines they take."""
        if b'"' not in data:
            return self._arrow(data), len(data), lines
        parsed = self._arrow(data + self.sentinel)
        final = parsed.total - 1
        if parsed.wrong and parsed.wrong[-1][0] == final:
            parsed.wrong.pop()
            closed = False
        else:
            closed = parsed.table.column(0)[-1].as_py() == _SENTINEL
            parsed.table = parsed.table.slice(0, parsed.table.num_rows - 1)
        if closed:
            return parsed, len(data), lines
        taken = parsed.total + sum(_inner_feeds(parsed.table)) + sum(text.count("\n") for _, _, text in parsed.wrong)
        at = len(data)
        for _ in range(lines - taken):
            at = data.rfind(b"\n", 0, at - 1) + 1
        return parsed, at, taken

    def _arrow(self, data: bytes) -> _Parsed:
        wrong: list[tuple[int, int, str]] = []

        def note(row: pacsv.InvalidRow) -> str:
            wrong.append((row.number - 1, row.actual_columns, row.text))
            return "skip"

        table = pacsv.read_csv(
            pa.BufferReader(data),
            read_options=pacsv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=self.keys),
            parse_options=pacsv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=note
            ),
            convert_options=self.convert,
        )
        return _Parsed(table, wrong)

    def _is_stray(self, data: bytes) -> bool:
        """Tell a forgotten quote from a huge quoted field: after a forgotten one, the next lines are good records."""
        return self._mostly_records(data.split(b"\n", _STRAY_LOOK + 1)[1:-1])

    def _mostly_records(self, lines: list[bytes], least: int = 1) -> bool:
        """Tell whether half of the lines, and the ``least`` number, look like records; one of delimiters alone holds nothing."""
        mark = self.delimiter.encode()
        good = sum(1 for text in lines if text.count(mark) == self.width - 1 and text.strip(mark))
        return self.width > 1 and good >= max(least, len(lines) / 2)

    def _book(self, parsed: _Parsed, line: int, data: bytes, lines: int) -> tuple[RawBatch, list[tuple[bytes, int]]]:
        """Give every record its line, take out the flawed, blank and over-long ones; also return text to read again."""
        starts = self._starts(parsed, line, lines)
        flawed = self._flawed(starts, line, line + lines)
        table = parsed.table.rename_columns(self.schema.names)
        if self.lone_cr:
            table = _restore_cr(table)
        bad: list[BadRow] = []
        again: list[tuple[bytes, int]] = []
        swallowed = self._swallowed(starts, line, data)
        for number, own in swallowed.items():
            first, rest = own.split(b"\n", 1)
            excerpt = first.decode(errors="replace")[:RAW_EXCERPT]
            bad.append(
                BadRow(starts[number], None, BadReason.UNCLOSED_QUOTE, bad_text(BadReason.UNCLOSED_QUOTE), excerpt)
            )
            again.append((rest, starts[number] + 1))
            flawed.pop(number, None)
        for number, width, text in parsed.wrong:
            if number in swallowed:
                continue
            if number in flawed:
                bad.append(self._flaw_row(starts[number], flawed[number], text))
            else:
                bad.append(self._wrong_width(starts[number], width, text))
        batch = self._rows(parsed, table, starts, flawed, set(swallowed))
        batch.bad = sorted([*bad, *batch.bad], key=lambda row: row.line)
        return batch, again

    def _swallowed(self, starts: range | list[int], line: int, data: bytes) -> dict[int, bytes]:
        """Return the records (number -> text) in which a stray quote has swallowed records of their own."""
        if isinstance(starts, range):
            return {}
        texts: list[bytes] = []
        found: dict[int, bytes] = {}
        ends = [*starts[1:], line + data.count(b"\n")]
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if end - start > _FEW_LINES:
                texts = texts or data.split(b"\n")
                own = texts[start - line : end - line]
                if self._mostly_records([b'"' if b'"' in text else text for text in own[1:-1]], _FEW_RECORDS):
                    found[number] = b"\n".join([*own, b""])
        return found

    def _rows(
        self, parsed: _Parsed, table: pa.Table, starts: range | list[int], flawed: dict[int, Flaw], gone: set[int]
    ) -> RawBatch:
        good = parsed.good_records() if parsed.wrong or flawed or gone else []
        numbers = starts if not parsed.wrong else [starts[i] for i in good]
        drop = _blank_rows(table) | {index for index, record in enumerate(good) if record in gone}
        bad: list[BadRow] = []
        if flawed:
            for index, record in enumerate(good):
                if record in flawed:
                    drop.add(index)
                    raw = tuple(v or "" for v in table.slice(index, 1).to_pylist()[0].values())
                    bad.append(self._flaw_row(numbers[index], flawed[record], raw))
        for index, column in self._over_long(table):
            if index not in drop:
                drop.add(index)
                raw = tuple((v or "")[:RAW_EXCERPT] for v in table.slice(index, 1).to_pylist()[0].values())
                text = bad_text(
                    BadReason.TOO_LONG,
                    f"：超过 {self.limits.max_cell_chars:,} 字",
                    f": over {self.limits.max_cell_chars:,} characters",
                )
                bad.append(BadRow(numbers[index], column, BadReason.TOO_LONG, text, raw))
        lines = pa.array(numbers, pa.int64()) if isinstance(numbers, list) else pa.arange(numbers.start, numbers.stop)
        if drop:
            keep = pa.array([i not in drop for i in range(table.num_rows)], pa.bool_())
            table, lines = table.filter(keep), lines.filter(keep)
        batches = table.combine_chunks().to_batches()
        return RawBatch(batches[0] if batches else empty_batch(self.schema), lines, bad)

    def _starts(self, parsed: _Parsed, line: int, lines: int) -> range | list[int]:
        """Return the physical line at which each record begins."""
        if parsed.total == lines:
            return range(line, line + lines)
        feeds = [0] * parsed.total
        for record, count in zip(parsed.good_records(), _inner_feeds(parsed.table), strict=True):
            feeds[record] = count
        for number, _, text in parsed.wrong:
            feeds[number] = text.count("\n")
        starts = []
        for count in feeds:
            starts.append(line)
            line += count + 1
        return starts

    def _flawed(self, starts: range | list[int], first: int, end: int) -> dict[int, Flaw]:
        """Return the records (by number) that touch a flawed line."""
        touched: dict[int, Flaw] = {}
        for at, flaw in self.flaws.items():
            if first <= at < end and len(starts):
                touched.setdefault(bisect_right(starts, at) - 1, flaw)
        return touched

    def _over_long(self, table: pa.Table) -> Iterator[tuple[int, str]]:
        limit = self.limits.max_cell_chars
        for name in table.column_names:
            column = table.column(name)
            if (pc.max(pc.binary_length(column)).as_py() or 0) > limit:
                too_long = pc.greater(pc.utf8_length(column), limit)
                for index in pc.indices_nonzero(pc.fill_null(too_long, False)).to_pylist():
                    yield index, name

    def _wrong_width(self, line: int, width: int, text: str) -> BadRow:
        if self.lone_cr:
            text = text.replace(CARRIAGE_RETURN, "\r")
        why = bad_text(
            BadReason.WRONG_WIDTH,
            f"：表头 {self.width} 列，这一行 {width} 个单元格",
            f": the header has {self.width} columns, this row {width} cells",
        )
        raw = cells(text, self.delimiter) if len(text) <= self.limits.max_cell_chars else text[:RAW_EXCERPT]
        return BadRow(line, None, BadReason.WRONG_WIDTH, why, raw)

    def _flaw_row(self, line: int, flaw: Flaw, raw: tuple[str, ...] | str) -> BadRow:
        if flaw.reason is BadReason.TOO_LONG:
            zh, en = f"：超过 {self.limits.max_record_bytes:,} 字节", f": over {self.limits.max_record_bytes:,} bytes"
            return BadRow(line, None, flaw.reason, bad_text(flaw.reason, zh, en), flaw.excerpt)
        return BadRow(line, None, flaw.reason, bad_text(flaw.reason), raw)

    def _huge_row(self, huge: _Huge) -> RawBatch:
        return self._only_bad(self._flaw_row(huge.line, Flaw(BadReason.TOO_LONG, huge.excerpt), huge.excerpt))

    def _only_bad(self, bad: BadRow) -> RawBatch:
        return RawBatch(empty_batch(self.schema), pa.array([], pa.int64()), [bad])


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch of ``schema`` without rows."""
    return pa.RecordBatch.from_arrays([pa.array([], kind) for kind in schema.types], schema=schema)


def _inner_feeds(table: pa.Table) -> list[int]:
    """Count the line feeds inside each row's cells."""
    total = None
    for column in table.columns:
        count = pc.fill_null(pc.count_substring(column, "\n"), 0)
        total = count if total is None else pc.add(total, count)
    return total.to_pylist() if total is not None else []


def _blank_rows(table: pa.Table) -> set[int]:
    """Return the rows without any cell: blank lines, and lines of nothing but delimiters."""
    if table.num_columns == 0 or table.column(0).null_count == 0:
        return set()
    blank = pc.is_null(table.column(0))
    for column in table.columns[1:]:
        if not pc.any(blank).as_py():
            return set()
        blank = pc.and_(blank, pc.is_null(column))
    return set(pc.indices_nonzero(blank).to_pylist())


def _restore_cr(table: pa.Table) -> pa.Table:
    columns = [pc.replace_substring(column, CARRIAGE_RETURN, "\r") for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _closing_line_end(data: bytes) -> int | None:
    """Return the offset after the line in which an open quoted field closes; None when it stays open."""
    at = 0
    while (at := data.find(b'"', at)) >= 0:
        if data[at + 1 : at + 2] != b'"':
            return data.index(b"\n", at) + 1
        at += 2
    return None
