"""CSV, TSV and their relatives: found delimiter and header, exact line numbers, and no bad row lost.

The stream is cut at line ends, each chunk is parsed by Arrow, and a sentinel record appended to a chunk that holds
quotes tells whether the chunk ended inside an open quoted field; such a record is carried into the next chunk.
Every chunk's records are matched to physical lines, so that quarantine can point at the place.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from itertools import islice

from beijiang.ingest.readers.contract import Note, RawBatch, ReadOptions, SourceTable
from beijiang.ingest.readers.dialect import sniffed, split_sample
from beijiang.ingest.readers.encoding import CARRIAGE_RETURN, Flaw, LineStream, TextChunk, detect
from beijiang.ingest.readers.headers import Grid, check_width, find_header
from beijiang.ingest.readers.records import RecordParser
from beijiang.ingest.readers.source import Source
from beijiang.kit import Invalid, Text, TooLarge, ahead

__all__ = ["DelimitedTable"]

_SAMPLE = 1 << 20
_FULL = 0.6


class DelimitedTable(SourceTable):
    """One delimited text file."""

    delimiter: str
    encoding: str

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source = source
        self.limits = options.limits
        self.file_name = source.name
        self.inner_name = source.inner
        self.detected = detect(source, options.encoding)
        self.encoding = self.detected.encoding
        first = source.head(_SAMPLE)
        feed = "\n".encode(self.encoding)
        self.mac = feed not in first and "\r".encode(self.encoding) in first and not self.encoding.startswith("utf-")
        self.mac = self.mac or (self.encoding == "utf-8" and b"\n" not in first and b"\r" in first)
        sample, flaws = self._sample()
        self._refuse_monster(sample, flaws)
        head, asked = sample[: 256 << 10], _usable(options.delimiter)
        self.delimiter, grid = (asked, split_sample(head, asked)) if asked else sniffed(head, source.suffix)
        if not grid:
            # One record fills the sample: a header of many columns, or a quote that never closes.
            grid = [sample.split("\n", 1)[0].split(self.delimiter)]
        check_width(max(len(row) for row in grid), self.limits, self.label)
        even, width = _even(grid)
        header = find_header(even, options.header, width=width)
        self.header, self.columns = header.template, header.columns
        self.format = "tsv" if self.delimiter == "\t" else "csv"
        self.skip_lines = self._lines_of(sample, header.rows)
        empty = () if self._has_rows(sample) else (_EMPTY_NOTE,)
        self.notes = (*header.notes, *empty)

    def _stream(self) -> Iterator[TextChunk]:
        with self.source.open() as stream:
            limits = self.limits
            lines = LineStream(
                stream, self.detected, max_line=limits.max_record_bytes, chunk=limits.chunk_bytes, mac=self.mac
            )
            yield from lines

    def _sample(self) -> tuple[str, dict[int, Flaw]]:
        parts: list[bytes] = []
        flaws: dict[int, Flaw] = {}
        stream = self._stream()
        try:
            for chunk in stream:
                parts.append(chunk.data)
                flaws.update(chunk.flaws)
                if sum(map(len, parts)) >= _SAMPLE:
                    break
        finally:
            stream.close()  # type: ignore[attr-defined]  # generators have it; the iterator type does not say so
        return b"".join(parts).decode(errors="replace").replace(CARRIAGE_RETURN, "\r"), flaws

    def _refuse_monster(self, sample: str, flaws: dict[int, Flaw]) -> None:
        """Refuse a file whose very first line is no header: too long to be one, or without any text at all."""
        if not sample.strip() and not flaws:
            raise Invalid(
                f"文件“{self.source.leaf}”里没有任何文字，只有空行或空格。",
                f'File "{self.source.leaf}" holds no text, only blank lines.',
                code="empty_file",
                detail={"file": self.source.leaf},
            )
        if 1 in flaws and flaws[1].reason == "too_long":
            width = max(flaws[1].excerpt.count(d) for d in ",\t;|")
            if width > 1:
                raise TooLarge(
                    f"“{self.label}”第 1 行超过 {self.limits.max_record_bytes:,} 字节，列数远超上限 {self.limits.max_columns:,}。请检查换行与分隔符。",
                    f'Line 1 of "{self.label}" is over {self.limits.max_record_bytes:,} bytes: far more columns than the '
                    f"limit of {self.limits.max_columns:,}. Check line ends and the delimiter.",
                    code="too_many_columns",
                    detail={"limit": self.limits.max_columns},
                )
            raise TooLarge(
                f"“{self.label}”第 1 行超过 {self.limits.max_record_bytes:,} 字节，无法作为表头。请检查换行。",
                f'Line 1 of "{self.label}" is over {self.limits.max_record_bytes:,} bytes and cannot be a header. Check the line ends.',
                code="record_too_long",
                detail={"limit": self.limits.max_record_bytes},
            )

    def _lines_of(self, sample: str, records: int) -> int:
        """Count the physical lines that the first ``records`` records take."""
        if records == 0:
            return 0
        reader = csv.reader(StringIO(sample, newline=""), delimiter=self.delimiter)
        try:
            for _ in islice(reader, records):
                pass
        except csv.Error:
            return records
        return reader.line_num

    def _has_rows(self, sample: str) -> bool:
        rest = sample.split("\n", self.skip_lines)
        return len(rest) > self.skip_lines and bool(rest[-1].strip())

    def batches(self) -> Iterator[RawBatch]:
        """Parse the file in chunks of a few megabytes, one chunk ahead of the caller; a small file is one chunk."""
        return self._parse() if self.source.size <= self.limits.chunk_bytes else ahead(self._parse)

    def _parse(self) -> Iterator[RawBatch]:
        parser = RecordParser(self.columns, self.delimiter, self.limits)
        rows = 0
        for chunk in self._stream():
            if chunk.first_line <= self.skip_lines:
                _drop_lines(chunk, self.skip_lines - chunk.first_line + 1)
            for batch in parser.feed(chunk):
                rows += batch.rows.num_rows
                self._check_rows(rows)
                yield batch
        yield from parser.finish()

    def _check_rows(self, rows: int) -> None:
        if rows > self.limits.max_rows:
            raise TooLarge(
                f"“{self.label}”超过 {self.limits.max_rows:,} 行的上限，请拆分后提交。",
                f'"{self.label}" has more than {self.limits.max_rows:,} rows; split it.',
                code="too_many_rows",
                detail={"limit": self.limits.max_rows},
            )


_EMPTY_NOTE = Note("no_rows", Text("只有表头，没有数据行。", "There is a header but not one row."))


def _usable(delimiter: str | None) -> str | None:
    """Return the delimiter that somebody asked for, if a text can be cut at it."""
    if delimiter and (len(delimiter) > 1 or delimiter in '"\r\n\x00'):
        raise Invalid(
            "分隔符应为一个字符，且不能是引号或换行。请换一个，或留空由平台识别。",
            "A delimiter is one character, neither a quote nor a line end. Choose another, or leave it to be found.",
            code="bad_delimiter",
        )
    return delimiter


def _even(grid: list[list[str]]) -> tuple[Grid, int]:
    """Cut the sample's rows to the usual width, or the header's: a ragged row must not widen the table."""
    usual = Counter(len(row) for row in grid if len(row) > 1)
    width = max(usual.items(), key=lambda pair: (pair[1], pair[0]), default=(1, 0))[0]
    header = next((row for row in grid if len(row) >= width * _FULL), [])
    named = max((i for i, cell in enumerate(header, 1) if cell.strip()), default=0)
    width = max(width, named)
    return [row[:width] for row in grid], width


def _drop_lines(chunk: TextChunk, count: int) -> None:
    """Take the first ``count`` lines, or all there are, out of ``chunk``."""
    at = 0
    for _ in range(min(count, chunk.lines)):
        at = chunk.data.index(b"\n", at) + 1
        chunk.first_line += 1
        chunk.lines -= 1
    chunk.data = chunk.data[at:]
