"""Which encoding a text file is in, found on the whole file, and its lines as UTF-8 with every bad line on record.

GB18030 is the national character set (GB 18030-2022) and holds GBK and GB2312; Big5 comes from older systems of
partners. A line feed is never part of a multi-byte character in these encodings, so that a bad byte stays in its line.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa

from beijiang.ingest.readers.contract import RAW_EXCERPT, BadReason
from beijiang.ingest.readers.source import Source
from beijiang.kit import Invalid

__all__ = ["CARRIAGE_RETURN", "Detected", "Flaw", "LineStream", "TextChunk", "chinese_or_utf8", "detect"]

CHUNK = 4 << 20
SAMPLE = 256 << 10
CARRIAGE_RETURN = "\ue00d"
"""Stands for a lone carriage return while a chunk is parsed; the reader puts the real one back."""
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\x84\x31\x95\x33", "gb18030"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_ALIASES = {
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "cp936": "gb18030",
    "utf8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf_8": "utf-8",
    "cp950": "big5",
    "utf16": "utf-16-le",
    "utf-16": "utf-16-le",
    "latin-1": "latin-1",
    "ascii": "utf-8",
}
_SUPPORTED = frozenset({"utf-8", "gb18030", "big5", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "latin-1"})
_MOSTLY = 0.9
_BIG5_COMMON = 0.8
_UTF8_DAMAGE = 0.2
"""Up to this share of non-ASCII bytes may be broken before a file stops being taken for UTF-8."""
_BINARY_SHARE = 0.05
_ENOUGH_DAMAGE = 1000
_ASCII_END, _LEAD = 0x80, 0xC0
_BIG5_LEVEL_1 = range(0xA1, 0xC7)


@dataclass(frozen=True, slots=True)
class Detected:
    """The encoding of a whole file; ``clean`` when every byte of it was seen to be well formed."""

    encoding: str
    bom: int
    clean: bool


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one physical line, and its text with the bad bytes escaped."""

    reason: BadReason
    excerpt: str


@dataclass(slots=True)
class TextChunk:
    """Whole physical lines in UTF-8, each ended by a line feed."""

    data: bytes
    flaws: dict[int, Flaw] = field(default_factory=dict)
    """Physical line (from 1) -> flaw. The line itself is still in ``data``, escaped, so that lines keep counting."""
    first_line: int = 1
    lines: int = 0
    has_lone_cr: bool = False


def detect(source: Source, wanted: str = "auto") -> Detected:
    """Find the encoding over all bytes of ``source``; a byte order mark decides, then UTF-8, UTF-16, GB18030, Big5.

    Raises ``Invalid`` (``binary_file``, ``empty_file``, ``unknown_encoding``).
    """
    head = source.head(SAMPLE)
    if not head:
        raise Invalid(
            f"文件“{source.leaf}”是空的（0 字节）。请检查导出是否成功后重新提交。",
            f'File "{source.leaf}" is empty (0 bytes). Check the export and hand it in again.',
            code="empty_file",
            detail={"file": source.leaf},
        )
    marked = next(((mark, name) for mark, name in _BOMS if head.startswith(mark)), None)
    if wanted != "auto":
        name = _ALIASES.get(wanted.lower(), wanted.lower())
        if name not in _SUPPORTED:
            raise Invalid(
                f"不支持的编码“{wanted}”。可用：{'、'.join(sorted(_SUPPORTED))}，或 auto。",
                f'Encoding "{wanted}" is not supported. Use one of {", ".join(sorted(_SUPPORTED))}, or auto.',
                code="unknown_encoding",
                detail={"encoding": wanted},
            )
        if marked and marked[1][:6] == name[:6]:
            return Detected(marked[1], len(marked[0]), clean=False)  # the mark knows the order of the bytes
        return Detected(name, 0, clean=False)
    if marked:
        return Detected(marked[1], len(marked[0]), clean=False)
    wide = _wide_unmarked(head)
    if wide:
        return Detected(wide, 0, clean=False)
    _refuse_binary(source, head)
    return _narrow(source)


def _wide_unmarked(head: bytes) -> str | None:
    """Recognise UTF-16 without a mark: line feeds, commas, digits and blanks have a zero beside them, on one side."""
    even = head[: len(head) // 2 * 2]
    units = len(even) // 2
    if units == 0 or b"\x00" not in even:
        return None
    low_zero = even[0::2].count(0)
    high_zero = even[1::2].count(0)
    for zeros, others, name in ((high_zero, low_zero, "utf-16-le"), (low_zero, high_zero, "utf-16-be")):
        if zeros < units * 0.02 or others > zeros * 0.1:
            continue
        text = even.decode(name, errors="replace")
        plain = sum(1 for c in text if c in "\r\n\t" or " " <= c <= "~" or "　" <= c <= "鿿" or "！" <= c <= "～")
        if plain >= len(text) * _MOSTLY:
            return name
    return None


_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r\x0c\x1a\x1b\x1c\x1d\x1e\x1f\x01\x00")
_MAGIC = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"%PDF": "PDF",
    b"\x7fELF": "ELF",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip",
    b"MZ\x90": "EXE",
    b"GIF8": "GIF",
    b"\xd0\xcf\x11\xe0": "OLE",
}


def _refuse_binary(source: Source, head: bytes) -> None:
    kind = next((name for mark, name in _MAGIC.items() if head.startswith(mark)), None)
    controls = len(head) - len(head.translate(None, _CONTROL))
    nuls = head.count(0)
    if kind or controls > len(head) * _BINARY_SHARE or nuls > len(head) * 0.3:
        found = kind or "binary"
        raise Invalid(
            f"文件“{source.leaf}”不是文本文件（内容像 {found}）。请交 CSV、Excel、JSON、Parquet、DBF 或它们的 ZIP。",
            f'File "{source.leaf}" is not a text file (its content looks like {found}). '
            "Hand in CSV, Excel, JSON, Parquet, DBF or a ZIP of these.",
            code="binary_file",
            detail={"file": source.leaf, "looks_like": found},
        )


def _narrow(source: Source) -> Detected:
    """Decide between UTF-8, GB18030 and Big5 over the whole stream."""
    broken = high = 0
    sample = bytearray()
    carry = b""
    with source.open() as stream:
        while True:
            block = stream.read(CHUNK)
            data = carry + block
            # A block ends inside a character at most three bytes before its end.
            cut = len(data) if not block else _utf8_boundary(data)
            carry = data[cut:]
            piece = data[:cut]
            if not _is_utf8(piece):
                bad, wide = _utf8_damage(piece)
                broken, high = broken + bad, high + wide
                if len(sample) < 4 * SAMPLE:
                    sample += _around_high(piece)
                if broken > _ENOUGH_DAMAGE and broken > high * _UTF8_DAMAGE and len(sample) >= SAMPLE:
                    return Detected(_chinese(bytes(sample)), 0, clean=False)
            elif broken:
                high += len(piece) - len(piece.translate(None, _HIGH))
            if not block:
                break
    if not broken:
        return Detected("utf-8", 0, clean=True)
    if high and broken <= high * _UTF8_DAMAGE:
        return Detected("utf-8", 0, clean=False)
    return Detected(_chinese(bytes(sample)), 0, clean=False)


_HIGH = bytes(range(128, 256))


def _utf8_boundary(data: bytes) -> int:
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < _ASCII_END:
            return len(data) - back + 1
        if byte >= _LEAD:
            return len(data) - back
    return len(data)


def _is_utf8(data: bytes) -> bool:
    """Validate without making a string: Arrow checks at memory speed."""
    offsets = pa.py_buffer(struct.pack("<qq", 0, len(data)))
    try:
        pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)]).cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _utf8_damage(data: bytes) -> tuple[int, int]:
    high = len(data) - len(data.translate(None, _HIGH))
    return data.decode("utf-8", errors="replace").count("�") - data.count("�".encode()), high


def _around_high(data: bytes) -> bytes:
    """Return the lines of ``data`` from its first non-ASCII byte on, up to the size of a sample."""
    try:
        data.decode("ascii")
    except UnicodeDecodeError as error:
        begin = data.rfind(b"\n", 0, error.start) + 1
        return data[begin : begin + SAMPLE]
    return b""


def _chinese(sample: bytes) -> str:
    """Tell GB18030 from Big5 by which reading gives common characters: GB2312's square, or Big5's first level."""
    simplified = sample.decode("gb18030", errors="replace")
    wide = [c for c in simplified if not c.isascii()]
    in_square = len("".join(wide).encode("gb2312", errors="ignore")) // 2
    if not wide or in_square >= len(wide) * _MOSTLY:
        return "gb18030"
    traditional = sample.decode("big5", errors="replace")
    others = [c for c in traditional if not c.isascii()]
    coded = "".join(others).encode("big5", errors="ignore")
    common = sum(1 for lead in coded[0::2] if lead in _BIG5_LEVEL_1)
    damage = traditional.count("�")
    good = others and damage <= len(others) * 0.02 and common >= len(others) * _BIG5_COMMON
    return "big5" if good and in_square < len(wide) * 0.75 else "gb18030"


def chinese_or_utf8(sample: bytes) -> str:
    """Find the encoding of bytes without lines, such as the records of a DBF."""
    if _is_utf8(sample):
        return "gb18030" if sample.isascii() else "utf-8"
    return _chinese(sample)


class LineStream:
    """Turn a byte stream into chunks of whole UTF-8 lines at codec speed; only a failing chunk is read line by line."""

    def __init__(
        self, stream: BinaryIO, detected: Detected, *, max_line: int, chunk: int = CHUNK, mac: bool = False
    ) -> None:
        self.stream = stream
        self.encoding = detected.encoding
        self.trusted = detected.clean
        self.max_line = max_line
        self.size = max(4, chunk // 4 * 4)
        self.mac = mac
        self.line = 1
        self.wide = detected.encoding.startswith(("utf-16", "utf-32"))
        self.unit = {"utf-16": 2, "utf-32": 4}.get(detected.encoding[:6], 1)
        self.feed = "\n".encode(detected.encoding)
        self.fresh = True
        if detected.bom:
            stream.read(detected.bom)

    def __iter__(self) -> Iterator[TextChunk]:
        carry = b""
        while True:
            block = self.stream.read(self.size)
            if self.mac:
                block = block.replace(b"\r", b"\n")
            data = carry + block if carry else block
            if not data:
                return
            if not block:
                whole, carry = (data if data.endswith(self.feed) else data + self.feed), b""
            else:
                cut = self._last_feed(data)
                whole, carry = data[:cut], data[cut:]
            if whole:
                yield self._chunk(whole)
            if len(carry) > self.max_line:
                chunk, carry = self._skip_line(carry)
                yield chunk

    def _last_feed(self, data: bytes) -> int:
        """Return the offset after the last line feed, on a code unit's boundary; 0 when there is none."""
        end = len(data)
        while (at := data.rfind(self.feed, 0, end)) >= 0:
            if at % self.unit == 0:
                return at + self.unit
            end = at + len(self.feed) - 1
        return 0

    def _skip_line(self, begun: bytes) -> tuple[TextChunk, bytes]:
        """Pass over the rest of a line that is longer than a record may be, keeping an excerpt."""
        excerpt = begun[: 4 * RAW_EXCERPT // self.unit * self.unit].decode(self.encoding, errors="replace")
        tail = begun[len(begun) // self.unit * self.unit :]
        while True:
            block = self.stream.read(self.size)
            if self.mac:
                block = block.replace(b"\r", b"\n")
            data = tail + block
            at = self._first_feed(data)
            if at >= 0 or not block:
                flaw = Flaw(BadReason.TOO_LONG, excerpt[:RAW_EXCERPT])
                chunk = TextChunk(b"\n", {self.line: flaw}, self.line, 1)
                self.line += 1
                return chunk, data[at + self.unit :] if at >= 0 else b""
            tail = data[len(data) // self.unit * self.unit :]

    def _first_feed(self, data: bytes) -> int:
        at = data.find(self.feed)
        while at >= 0 and at % self.unit:
            at = data.find(self.feed, at + 1)
        return at

    def _chunk(self, whole: bytes) -> TextChunk:
        flaws: dict[int, Flaw] = {}
        first = self.line
        data = self._to_utf8(whole, flaws)
        if b"\x00" in data:
            data = _mark_nuls(data, first, flaws)
        lines = data.count(b"\n")
        self.line += lines
        lone = False
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            lone = True
            data = data.replace(b"\r\n", b"\n").replace(b"\r", CARRIAGE_RETURN.encode())
        return TextChunk(data, flaws, first, lines, has_lone_cr=lone)

    def _to_utf8(self, whole: bytes, flaws: dict[int, Flaw]) -> bytes:
        if self.encoding == "utf-8":
            if self.trusted or _is_utf8(whole):
                return whole
        else:
            try:
                return whole.decode(self.encoding).encode()
            except UnicodeError:
                if self.wide:
                    return self._wide_by_line(whole, flaws)
        out = []
        for number, line in enumerate(whole.split(b"\n")[:-1], self.line):
            try:
                out.append(line.decode(self.encoding).encode())
            except UnicodeDecodeError:
                text = line.decode(self.encoding, errors="backslashreplace")
                flaws[number] = Flaw(BadReason.UNDECODABLE, text[:RAW_EXCERPT])
                out.append(text.encode())
        return b"\n".join([*out, b""])

    def _wide_by_line(self, whole: bytes, flaws: dict[int, Flaw]) -> bytes:
        text = whole.decode(self.encoding, errors="replace")
        if not text.endswith("\n"):
            text += "\n"
        for number, line in enumerate(text.split("\n")[:-1], self.line):
            if "�" in line:
                flaws[number] = Flaw(BadReason.UNDECODABLE, line[:RAW_EXCERPT])
        return text.encode()


def _mark_nuls(data: bytes, first: int, flaws: dict[int, Flaw]) -> bytes:
    """Put a visible ␀ in the place of each NUL and note the lines, so that only their rows are lost."""
    at, line, seen = data.find(b"\x00"), first, 0
    while at >= 0:
        line += data.count(b"\n", seen, at)
        end = data.find(b"\n", at)
        begin = data.rfind(b"\n", 0, at) + 1
        text = data[begin:end].decode("utf-8", errors="replace").replace("\x00", "␀")
        flaws.setdefault(line, Flaw(BadReason.NUL_BYTE, text[:RAW_EXCERPT]))
        seen = end
        at = data.find(b"\x00", end)
    return data.replace(b"\x00", "␀".encode())
