"""Messages of PostgreSQL's built-in output plug-in ``pgoutput``, protocol version 1 (the manual's "Logical Replication Message Formats")."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final, TypeAlias

__all__ = ["Begin", "Cell", "Commit", "Message", "Relation", "RelationColumn", "Row", "Truncate", "Untouched", "decode", "lsn", "lsn_text"]  # fmt: skip

_NEW, _OLD, _TEXT, _NULL = b"NOtn"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Untouched(Enum):
    """Stands for a value that is stored out of line and that the update did not touch, so that the log leaves it out."""

    UNTOUCHED = "u"


Cell: TypeAlias = "str | Untouched | None"


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction that was committed; its changes follow."""

    commit: int
    """Where its commit stands in the log."""
    at: str
    xid: int


@dataclass(frozen=True, slots=True)
class Commit:
    """The end of a transaction."""

    end: int
    """Where the log goes on behind it."""


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """A column as it was when the change was made."""

    name: str
    oid: int
    modifier: int
    in_key: bool
    """It belongs to the replica identity, so the log holds its old value."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table's shape; comes before its first change, and again whenever the shape has changed."""

    id: int
    schema: str
    name: str
    identity: str
    columns: tuple[RelationColumn, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """An insert (``new`` only), update, or delete (``old`` only)."""

    relation: int
    kind: str
    """I, U or D."""
    old: list[Cell] | None
    old_is_whole: bool
    """``old`` has every column, not only the replica identity's."""
    new: list[Cell] | None


@dataclass(frozen=True, slots=True)
class Truncate:
    """Tables that were emptied."""

    relations: tuple[int, ...]


Message: TypeAlias = "Begin | Commit | Relation | Row | Truncate | None"


def lsn(text: str) -> int:
    """Return a position in the log as a number."""
    high, _, low = text.partition("/")
    return int(high, 16) << 32 | int(low, 16)


def lsn_text(number: int) -> str:
    """Return a position as PostgreSQL writes it."""
    return f"{number >> 32:X}/{number & 0xFFFF_FFFF:X}"


def decode(data: bytes) -> Message:
    """Read one message; None where it tells nothing of rows (origins, types, messages of applications).

    Raises:
        ValueError: it is no message of this protocol.

    """
    kind = chr(data[0])
    if kind in "IUD":
        return _row(kind, data)
    if kind == "B":
        commit, micros, xid = struct.unpack_from("!QqI", data, 1)
        return Begin(commit, _moment(micros), xid)
    if kind == "C":
        return Commit(struct.unpack_from("!BQQq", data, 1)[2])
    if kind == "R":
        return _relation(data)
    if kind == "T":
        count, _ = struct.unpack_from("!IB", data, 1)
        return Truncate(struct.unpack_from(f"!{count}I", data, 6))
    if kind in "OYM":
        return None
    msg = f"message {kind!r} is unknown to protocol version 1"
    raise ValueError(msg)


def _row(kind: str, data: bytes) -> Row:
    relation = int.from_bytes(data[1:5], "big")
    at, old, new, whole = 5, None, None, False
    while at < len(data):
        part = data[at]
        cells, at = _cells(data, at + 1)
        if part == _NEW:
            new = cells
        else:  # K: the replica identity only; O: all columns
            old, whole = cells, part == _OLD
    return Row(relation, kind, old, whole, new)


def _cells(data: bytes, at: int) -> tuple[list[Cell], int]:
    count = int.from_bytes(data[at : at + 2], "big")
    at += 2
    cells: list[Cell] = []
    for _ in range(count):
        kind = data[at]
        if kind == _TEXT:
            end = at + 5 + int.from_bytes(data[at + 1 : at + 5], "big")
            cells.append(data[at + 5 : end].decode())
            at = end
        else:
            cells.append(None if kind == _NULL else Untouched.UNTOUCHED)
            at += 1
    return cells, at


def _relation(data: bytes) -> Relation:
    number = int.from_bytes(data[1:5], "big")
    schema, at = _word(data, 5)
    name, at = _word(data, at)
    identity = chr(data[at])
    count = int.from_bytes(data[at + 1 : at + 3], "big")
    at += 3
    columns = []
    for _ in range(count):
        flags = data[at]
        label, at = _word(data, at + 1)
        oid, modifier = struct.unpack_from("!Ii", data, at)
        at += 8
        columns.append(RelationColumn(label, oid, modifier, bool(flags & 1)))
    return Relation(number, schema or "pg_catalog", name, identity, tuple(columns))


def _word(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode(), end + 1


def _moment(micros: int) -> str:
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
