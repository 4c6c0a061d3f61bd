"""Events of MySQL's and MariaDB's binary log in row format, every value as the text that a snapshot would give.

Only what is needed to follow tables is read: where groups of events begin and end, statements, table maps and rows. A type that
cannot be read exactly is refused, never guessed.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeAlias

__all__ = [
    "TRUNCATES",
    "Event",
    "EventKind",
    "Reader",
    "RowsEvent",
    "TableMap",
    "Type",
    "UnreadableType",
    "images",
    "rows_of",
    "statement_of",
    "table_map",
]

_HEAD: Final = 19
_ROWS: Final = {23: 0, 24: 1, 25: 2, 30: 0, 31: 1, 32: 2}
"""Write, update and delete rows, in version 1 (MariaDB) and 2 (MySQL)."""
_SECOND: Final = 30

Values: TypeAlias = "list[str | None]"


class EventKind(IntEnum):
    """Kinds of event by their number in the log."""

    QUERY = 2
    ROTATE = 4
    FORMAT_DESCRIPTION = 15
    XID = 16
    TABLE_MAP = 19
    WRITE_ROWS = 23
    UPDATE_ROWS = 24
    DELETE_ROWS = 25
    XA_PREPARE = 38
    TRANSACTION_PAYLOAD = 40
    MARIADB_GTID = 162
    FIRST_COMPRESSED = 165
    LAST_COMPRESSED = 171


class Type(IntEnum):
    """Types of columns by their number in a table map."""

    TINY = 1
    SHORT = 2
    LONG = 3
    FLOAT = 4
    DOUBLE = 5
    LONGLONG = 8
    INT24 = 9
    DATE = 10
    YEAR = 13
    VARCHAR = 15
    BIT = 16
    TIMESTAMP2 = 17
    DATETIME2 = 18
    TIME2 = 19
    JSON = 245
    NEWDECIMAL = 246
    ENUM = 247
    SET = 248
    BLOB = 252
    VAR_STRING = 253
    STRING = 254
    GEOMETRY = 255


class UnreadableType(Exception):
    """A column's type or character set has no exact reader here."""

    def __init__(self, column: int) -> None:
        super().__init__(str(column))
        self.column = column


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its kind, when it was written, where the next one begins, and its body."""

    kind: int
    timestamp: int
    next: int
    body: bytes

    @classmethod
    def of(cls, packet: bytes, *, summed: bool) -> Event:
        """Read the head of an event; where the file is ``summed``, four bytes of checksum end it."""
        timestamp, kind, _, size, after, _ = struct.unpack_from("<IBIIIH", packet, 0)
        if kind in {EventKind.ROTATE, EventKind.FORMAT_DESCRIPTION}:  # of another file, perhaps: it says so itself
            summed = zlib.crc32(packet[: size - 4]) == int.from_bytes(packet[size - 4 : size], "little")
        return cls(kind, timestamp, after, packet[_HEAD : size - 4 if summed else size])

    @property
    def is_rows(self) -> bool:
        """It holds rows."""
        return self.kind in _ROWS


def statement_of(body: bytes) -> tuple[str, str]:
    """Return the default database and the text of a statement."""
    name, status = body[8], int.from_bytes(body[11:13], "little")
    at = 13 + status
    return body[at : at + name].decode(), body[at + name + 1 :].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Column:
    kind: int
    meta: int
    signed: bool
    charset: int
    words: tuple[bytes, ...] = ()
    """The values of an enum or set, in their order."""


@dataclass(frozen=True, slots=True)
class TableMap:
    """A table's shape as it was when rows were written."""

    id: int
    schema: str
    name: str
    names: tuple[str, ...]
    """Empty where the server does not write them (binlog_row_metadata is not FULL)."""
    columns: tuple[_Column, ...]
    readers: dict[int, Callable[[bytes, int], tuple[str | None, int]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowsEvent:
    """Rows of one table: what was done, and each row before and after it."""

    table: int
    kind: int
    """0 insert, 1 update, 2 delete."""
    body: bytes
    at: int


def _packed(body: bytes, at: int) -> tuple[int, int]:
    """Read a number of one to nine bytes."""
    first = body[at]
    if first < 251:  # noqa: PLR2004 - the protocol's
        return first, at + 1
    width = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(body[at + 1 : at + 1 + width], "little"), at + 1 + width


_META: Final[dict[int, int]] = {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 8: 0, 9: 0, 10: 0, 13: 0, 14: 0, 15: 2, 16: 2, 17: 1, 18: 1, 19: 1, 246: 2,
                247: 2, 248: 2, 249: 1, 250: 1, 251: 1, 252: 1, 253: 2, 254: 2, 255: 1, 245: 1, 7: 0, 11: 0, 12: 0, 140: 1, 141: 2}  # fmt: skip
_NUMBERS: Final = frozenset({1, 2, 3, 4, 5, 8, 9, 246})
_TEXTS: Final = frozenset({15, 252, 253, 254})
_CHOICES: Final = frozenset({247, 248})


def table_map(body: bytes) -> TableMap:
    """Read a table's shape."""
    number = int.from_bytes(body[:6], "little")
    at = 8
    size = body[at]
    schema = body[at + 1 : at + 1 + size].decode()
    at += size + 2
    size = body[at]
    name = body[at + 1 : at + 1 + size].decode()
    at += size + 2
    count, at = _packed(body, at)
    kinds = [*body[at : at + count]]
    at += count
    length, at = _packed(body, at)
    metas, place = [], at
    for index, kind in enumerate(kinds):
        width = _META.get(kind)
        if width is None:
            raise UnreadableType(index)
        big = kind in {246, 247, 248, 254}
        metas.append(int.from_bytes(body[place : place + width], "big" if big else "little"))
        place += width
    at += length + (count + 7) // 8
    real = [
        meta >> 8 if kind == Type.STRING and meta >> 8 in _CHOICES else kind
        for kind, meta in zip(kinds, metas, strict=True)
    ]
    told = _optional(body, at)
    signs = _signs(told.get(1, b""), real)
    sets = _charsets(told, real)
    words = _words(told, real)
    columns = tuple(
        _Column(k, m, i not in signs, sets.get(i, 0), words.get(i, ()))
        for i, (k, m) in enumerate(zip(real, metas, strict=True))
    )
    return TableMap(number, schema, name, tuple(_list(told.get(4, b""))), columns)


def _optional(body: bytes, at: int) -> dict[int, bytes]:
    told = {}
    while at < len(body):
        kind = body[at]
        size, at = _packed(body, at + 1)
        told[kind] = body[at : at + size]
        at += size
    return told


def _signs(bits: bytes, kinds: Sequence[int]) -> set[int]:
    """Return the columns without a sign; the bits count number columns only."""
    numbers = [i for i, k in enumerate(kinds) if k in _NUMBERS or k == Type.YEAR]
    return {c for n, c in enumerate(numbers) if n // 8 < len(bits) and bits[n // 8] & (0x80 >> n % 8)}


def _charsets(told: dict[int, bytes], kinds: Sequence[int]) -> dict[int, int]:
    """Return the collation of each text column: a common one with exceptions, or one after the other."""
    found: dict[int, int] = {}
    for common, each, which in ((2, 3, _TEXTS), (10, 11, _CHOICES)):
        columns = [i for i, k in enumerate(kinds) if k in which]
        if common in told:
            default, at = _packed(told[common], 0)
            found.update(dict.fromkeys(columns, default))
            while at < len(told[common]):
                index, at = _packed(told[common], at)
                found[columns[index]], at = _packed(told[common], at)
        elif each in told:
            at = 0
            for column in columns:
                found[column], at = _packed(told[each], at)
    return found


def _words(told: dict[int, bytes], kinds: Sequence[int]) -> dict[int, tuple[bytes, ...]]:
    found = {}
    for which, kind in ((5, 248), (6, 247)):
        data, at = told.get(which, b""), 0
        for column in (i for i, k in enumerate(kinds) if k == kind):
            if at >= len(data):
                break
            count, at = _packed(data, at)
            words = []
            for _ in range(count):
                size, at = _packed(data, at)
                words.append(data[at : at + size])
                at += size
            found[column] = tuple(words)
    return found


def _list(data: bytes) -> Iterator[str]:
    at = 0
    while at < len(data):
        size, at = _packed(data, at)
        yield data[at : at + size].decode()
        at += size


def rows_of(event: Event) -> RowsEvent:
    """Read the head of an event with rows; ``images`` cuts the rows themselves."""
    at = 8
    if event.kind >= _SECOND:
        at += int.from_bytes(event.body[8:10], "little")
    return RowsEvent(int.from_bytes(event.body[:6], "little"), _ROWS[event.kind], event.body, at)


Reader: TypeAlias = "Callable[[bytes, int], tuple[str | None, int]]"


def images(rows: RowsEvent, readers: Sequence[Reader]) -> Iterator[tuple[Values | None, Values | None]]:
    """Yield each row before and after the change.

    Raises:
        ValueError: a row is not told in full (``binlog_row_image`` is not FULL).

    """
    body = rows.body
    count, at = _packed(body, rows.at)
    width = (count + 7) // 8
    shown = [body[at : at + width]]
    at += width
    if rows.kind == 1:
        shown.append(body[at : at + width])
        at += width
    if any(sum(b.bit_count() for b in bits) < count for bits in shown) or count != len(readers):
        msg = "a row image that is not full"
        raise ValueError(msg)
    while at < len(body):
        first, at = _image(body, at, readers, width)
        if rows.kind == 1:
            second, at = _image(body, at, readers, width)
            yield first, second
        else:
            yield (None, first) if rows.kind == 0 else (first, None)


def _image(body: bytes, at: int, readers: Sequence[Reader], width: int) -> tuple[Values, int]:
    nulls = int.from_bytes(body[at : at + width], "little")
    at += width
    values: Values = []
    for index, reader in enumerate(readers):
        if nulls >> index & 1:
            values.append(None)
            continue
        value, at = reader(body, at)
        values.append(value)
    return values, at


TRUNCATES: Final = re.compile(r"^\s*(?>/\*.*?\*/\s*)*+TRUNCATE\s+\S", re.IGNORECASE | re.DOTALL)
"""A comment that was read is not read another way (``(?>``, ``*+``): thousands of them cost no more than their length."""
