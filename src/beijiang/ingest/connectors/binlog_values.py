"""Values of binary log rows as the canonical text of a snapshot: one small reader per type."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.ingest.connectors.binlog import Type, UnreadableType
from beijiang.ingest.connectors.zones import utc_text

if TYPE_CHECKING:
    from beijiang.ingest.connectors.binlog import Reader, TableMap

__all__ = ["readers_of"]

_BINARY: Final = 63
_LONG: Final = 256
"""Texts that may be this long in bytes have two bytes of length."""
_CODECS: Final = {
    "utf8mb4": "utf-8", "utf8mb3": "utf-8", "utf8": "utf-8", "ascii": "ascii", "gbk": "gbk", "gb2312": "gb2312",
    "gb18030": "gb18030", "big5": "big5", "utf16": "utf-16-be", "utf16le": "utf-16-le", "utf32": "utf-32-be", "ucs2": "utf-16-be",
}  # fmt: skip
_INTS: Final = {Type.TINY: 1, Type.SHORT: 2, Type.INT24: 3, Type.LONG: 4, Type.LONGLONG: 8}
_DIGITS: Final = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
"""Bytes of so many decimal digits."""


def readers_of(table: TableMap, natives: Sequence[str], charsets: dict[int, str], zone: str) -> list[Reader]:
    """Return, for each column of a table, what reads a value at a place and tells where the next one begins.

    ``natives`` are the server's types of the wanted columns, empty for others; ``charsets`` names the character set of a collation's number.

    Raises:
        UnreadableType: a column has a type that cannot be read exactly.

    """
    return [_reader(table, i, native, charsets, zone) for i, native in enumerate(natives)]


def _reader(table: TableMap, index: int, native: str, charsets: dict[int, str], zone: str) -> Reader:  # noqa: C901, PLR0911, PLR0912 - one line per type
    column = table.columns[index]
    kind, meta = column.kind, column.meta
    if kind in _INTS:
        return _integer(_INTS[Type(kind)], signed=column.signed)
    if kind == Type.YEAR:
        return lambda body, at: (str(body[at] + 1900 if body[at] else 0), at + 1)
    if kind == Type.FLOAT:
        return lambda body, at: (repr(struct.unpack_from("<f", body, at)[0]), at + 4)
    if kind == Type.DOUBLE:
        return lambda body, at: (repr(struct.unpack_from("<d", body, at)[0]), at + 8)
    if kind == Type.NEWDECIMAL:
        return _decimal(meta >> 8, meta & 0xFF)
    if kind == Type.DATE:
        return _date
    if kind == Type.DATETIME2:
        return _datetime(meta, zone)
    if kind == Type.TIMESTAMP2:
        return _timestamp(meta)
    if kind == Type.TIME2:
        return _time(meta)
    if kind == Type.BIT:
        return _bits(((meta >> 8) & 0xFF) * 8 + (meta & 0xFF))
    skipped = None if native else _skipped(kind, meta)
    if skipped is not None:
        return skipped
    decode = _decoder(column.charset, charsets, index)
    if kind == Type.ENUM:
        return _enum(meta & 0xFF, [decode(w) for w in column.words])
    if kind == Type.SET:
        return _set(meta & 0xFF, [decode(w) for w in column.words])
    if kind in {Type.VARCHAR, Type.VAR_STRING} and native.startswith(("varchar", "varbinary", "char")):
        return _text(1 if meta < _LONG else 2, decode)
    if kind == Type.STRING and native.startswith("char"):
        return _text(1 if _string_size(meta) < _LONG else 2, decode)
    if kind == Type.STRING and native.startswith("binary"):
        size = int(native[7:-1])
        return _text(1 if size < _LONG else 2, lambda raw: decode(raw.ljust(size, b"\0")))
    if kind == Type.BLOB and native.endswith(("text", "blob")):
        return _text(meta, decode)
    raise UnreadableType(index)


def _skipped(kind: int, meta: int) -> Reader | None:
    """Return what passes over a value that nobody wants."""
    if kind in {Type.BLOB, Type.GEOMETRY, Type.JSON}:
        return _text(meta, bytes.hex)
    if kind == Type.STRING:
        return _text(1 if _string_size(meta) < _LONG else 2, bytes.hex)
    return _text(1 if meta < _LONG else 2, bytes.hex) if kind in {Type.VARCHAR, Type.VAR_STRING} else None


def _string_size(meta: int) -> int:
    """Return the length in bytes, of which two bits are hidden in the type's byte."""
    return (((meta >> 8) & 0x30) ^ 0x30) << 4 | (meta & 0xFF)


def _decoder(collation: int, charsets: dict[int, str], index: int) -> Callable[[bytes], str]:
    name = charsets.get(collation, "")
    if collation == _BINARY or name == "binary":
        return lambda raw: "\\x" + raw.hex()
    if name == "latin1":
        return _latin1
    codec = _CODECS.get(name)
    if codec is None:
        raise UnreadableType(index)
    return lambda raw: raw.decode(codec)


def _latin1(raw: bytes) -> str:
    """Decode what the server calls latin1: Windows-1252, whose five holes are control characters."""
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(bytes([b]).decode("cp1252") if b not in {0x81, 0x8D, 0x8F, 0x90, 0x9D} else chr(b) for b in raw)


def _integer(width: int, *, signed: bool) -> Reader:
    return lambda body, at: (str(int.from_bytes(body[at : at + width], "little", signed=signed)), at + width)


def _text(width: int, decode: Callable[[bytes], str]) -> Reader:
    def read(body: bytes, at: int) -> tuple[str, int]:
        end = at + width + int.from_bytes(body[at : at + width], "little")
        return decode(body[at + width : end]), end

    return read


def _decimal(precision: int, scale: int) -> Reader:
    """Read digits that are packed by nines, the sign in the first bit, negative ones turned over."""
    whole = precision - scale
    parts = [_DIGITS[whole % 9], *([4] * (whole // 9))], [*([4] * (scale // 9)), _DIGITS[scale % 9]]
    size = sum(parts[0]) + sum(parts[1])

    def read(body: bytes, at: int) -> tuple[str, int]:
        raw = bytearray(body[at : at + size])
        negative = not raw[0] & 0x80
        raw[0] ^= 0x80
        if negative:
            raw = bytearray(b ^ 0xFF for b in raw)
        place, digits = 0, []
        for widths, odd in zip(parts, (whole % 9, scale % 9), strict=True):
            text = ""
            for position, width in enumerate(widths):
                is_odd = position == (0 if widths is parts[0] else len(widths) - 1)
                count = odd if is_odd else 9
                if count:
                    text += str(int.from_bytes(raw[place : place + width], "big")).zfill(count)
                place += width
            digits.append(text)
        front = digits[0].lstrip("0") or "0"
        shown = f"{front}.{digits[1]}" if scale else front
        return (f"-{shown}" if negative and shown.strip("0.") else shown), at + size

    return read


def _date(body: bytes, at: int) -> tuple[str, int]:
    number = int.from_bytes(body[at : at + 3], "little")
    return f"{number >> 9:04}-{number >> 5 & 15:02}-{number & 31:02}", at + 3


def _fraction(body: bytes, at: int, digits: int) -> tuple[int, int]:
    """Return microseconds, and where the next value begins."""
    width = (digits + 1) // 2
    return int.from_bytes(body[at : at + width], "big") * 100 ** (3 - width), at + width


def _datetime(digits: int, zone: str) -> Reader:
    def read(body: bytes, at: int) -> tuple[str, int]:
        packed = int.from_bytes(body[at : at + 5], "big") - (1 << 39)
        micros, end = _fraction(body, at + 5, digits)
        days, clock = packed >> 17, packed & 0x1FFFF
        year, month, day = (days >> 5) // 13, (days >> 5) % 13, days & 31
        hour, minute, second = clock >> 12, clock >> 6 & 63, clock & 63
        try:
            return utc_text(datetime(year, month, day, hour, minute, second, micros), zone), end  # noqa: DTZ001 - a wall clock's
        except (ValueError, OverflowError):
            text = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
            return f"'{text}{_tail(micros, digits)}'", end

    return read


def _tail(micros: int, digits: int) -> str:
    return f".{micros:06}"[: digits + 1] if digits else ""


def _timestamp(digits: int) -> Reader:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def read(body: bytes, at: int) -> tuple[str, int]:
        seconds = int.from_bytes(body[at : at + 4], "big")
        micros, end = _fraction(body, at + 4, digits)
        if not seconds and not micros:
            return f"'0000-00-00 00:00:00{_tail(0, digits)}'", end
        return utc_text(epoch + timedelta(seconds=seconds, microseconds=micros), "UTC"), end

    return read


def _time(digits: int) -> Reader:
    width = (digits + 1) // 2

    def read(body: bytes, at: int) -> tuple[str, int]:
        size = 3 + width
        number = int.from_bytes(body[at : at + size], "big") - (0x800000 << (8 * width))
        negative, number = number < 0, abs(number)
        clock, part = number >> (8 * width), number & ((1 << (8 * width)) - 1)
        micros = part * 100 ** (3 - width)
        hour, minute, second = clock >> 12 & 0x3FF, clock >> 6 & 63, clock & 63
        text = f"{hour:02}:{minute:02}:{second:02}{_tail(micros, digits)}"
        return f"-{text}" if negative else text, at + size

    return read


def _bits(count: int) -> Reader:
    width = (count + 7) // 8

    def read(body: bytes, at: int) -> tuple[str, int]:
        number = int.from_bytes(body[at : at + width], "big")
        return (str(number) if count == 1 else f"{number:0{count}b}"), at + width

    return read


def _enum(width: int, words: list[str]) -> Reader:
    def read(body: bytes, at: int) -> tuple[str, int]:
        number = int.from_bytes(body[at : at + width], "little")
        return words[number - 1] if number else "", at + width

    return read


def _set(width: int, words: list[str]) -> Reader:
    def read(body: bytes, at: int) -> tuple[str, int]:
        bits = int.from_bytes(body[at : at + width], "little")
        return ",".join(w for i, w in enumerate(words) if bits >> i & 1), at + width

    return read
