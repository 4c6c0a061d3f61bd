"""The messages of Arrow Flight SQL as they stand on the wire: protobuf fields by number, and nothing that we do not use.

Only what a server of read-only queries needs is here. Unknown fields are skipped and missing ones have their default, as the
encoding wants; a broken message is a plain error (``flight_message``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from beijiang.kit import Invalid

__all__ = ["COMMANDS", "Message", "packed", "read_any", "read_fields", "written", "written_any"]

PREFIX: Final = "type.googleapis.com/arrow.flight.protocol.sql."
VARINT, WIDE, BYTES, NARROW = 0, 1, 2, 5
DEEPEST: Final = 10
"""Bytes of a varint at most."""
_Raw: TypeAlias = "int | bytes"

COMMANDS: Final[Mapping[str, Mapping[int, str]]] = {
    "CommandGetSqlInfo": {1: "info"},
    "CommandGetXdbcTypeInfo": {1: "data_type"},
    "CommandGetCatalogs": {},
    "CommandGetDbSchemas": {1: "catalog", 2: "schema_pattern"},
    "CommandGetTables": {1: "catalog", 2: "schema_pattern", 3: "table_pattern", 4: "types", 5: "with_schema"},
    "CommandGetTableTypes": {},
    "CommandGetPrimaryKeys": {1: "catalog", 2: "schema", 3: "table"},
    "CommandGetExportedKeys": {1: "catalog", 2: "schema", 3: "table"},
    "CommandGetImportedKeys": {1: "catalog", 2: "schema", 3: "table"},
    "CommandStatementQuery": {1: "query", 2: "transaction"},
    "CommandPreparedStatementQuery": {1: "handle"},
    "CommandStatementUpdate": {1: "query", 2: "transaction"},
    "CommandPreparedStatementUpdate": {1: "handle"},
    "CommandStatementIngest": {2: "table"},
    "TicketStatementQuery": {1: "handle"},
    "ActionCreatePreparedStatementRequest": {1: "query", 2: "transaction"},
    "ActionClosePreparedStatementRequest": {1: "handle"},
    "ActionCancelQueryRequest": {1: "info"},
}
"""The messages that are understood, with the names of their fields by number."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that was read: its name, and its fields; one that stood several times has all of its values."""

    name: str
    fields: Mapping[str, tuple[_Raw, ...]]

    def text(self, field: str) -> str | None:
        """Return a field of text, None where it is missing."""
        found = self.octets(field)
        try:
            return None if found is None else found.decode("utf-8")
        except UnicodeDecodeError:
            raise broken() from None

    def texts(self, field: str) -> tuple[str, ...]:
        """Return the values of a repeated field of text."""
        try:
            return tuple(one.decode("utf-8") for one in self.fields.get(field, ()) if isinstance(one, bytes))
        except UnicodeDecodeError:
            raise broken() from None

    def octets(self, field: str) -> bytes | None:
        """Return a field of bytes, None where it is missing; of several the last counts."""
        found = self.fields.get(field, ())
        if not found:
            return None
        if not isinstance(found[-1], bytes):
            raise broken()
        return found[-1]

    def numbers(self, field: str) -> tuple[int, ...]:
        """Return the values of a repeated number, packed or not."""
        return tuple(
            number
            for one in self.fields.get(field, ())
            for number in ((one,) if isinstance(one, int) else _unpacked(one))
        )


def broken() -> Invalid:
    """Return the error for bytes that are no message."""
    return Invalid(
        "收到的 Flight SQL 消息不完整或格式不对。请检查客户端驱动程序的版本。",
        "The Flight SQL message is incomplete or has a wrong form. Check the version of the client's driver.",
        code="flight_message",
    )


def read_any(body: bytes) -> Message:
    """Return the message in an ``Any``.

    Raises:
        Invalid: the bytes are no message (``flight_message``), or one that is not served here (``flight_command``).

    """
    outer = dict(read_fields(body))
    kind, inner = outer.get(1, b""), outer.get(2, b"")
    if not isinstance(kind, bytes) or not isinstance(inner, bytes):
        raise broken()
    word = kind.decode("utf-8", "replace")
    name = word.removeprefix(PREFIX)
    known = COMMANDS.get(name) if word.startswith(PREFIX) else None
    if known is None:
        shown = word.rpartition(".")[2][:60]
        raise Invalid(
            f"不支持命令“{shown}”。这里只提供只读查询和元数据。",
            f'The command "{shown}" is not served. There are read-only queries and metadata here.',
            code="flight_command",
        )
    fields: dict[str, tuple[_Raw, ...]] = {}
    for number, value in read_fields(inner):
        if number in known:
            fields[known[number]] = (*fields.get(known[number], ()), value)
    return Message(name, fields)


def read_fields(body: bytes) -> Iterator[tuple[int, _Raw]]:
    """Yield the fields of a message by number; fixed-width ones, which none of ours has, are skipped.

    Raises:
        Invalid: the bytes are no message (``flight_message``).

    """
    at = 0
    while at < len(body):
        tag, at = _varint(body, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, at = _varint(body, at)
            yield number, value
        elif kind == BYTES:
            size, at = _varint(body, at)
            if at + size > len(body):
                raise broken()
            yield number, body[at : at + size]
            at += size
        elif kind in {WIDE, NARROW}:
            at += 8 if kind == WIDE else 4
        else:
            raise broken()
    if at != len(body):
        raise broken()


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(DEEPEST):
        if at + place >= len(body):
            break
        byte = body[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follow
            return value, at + place + 1
    raise broken()


def _unpacked(body: bytes) -> Iterator[int]:
    at = 0
    while at < len(body):
        value, at = _varint(body, at)
        yield value


def packed(number: int) -> bytes:
    """Return a number as a varint."""
    parts = bytearray()
    while number > 0x7F:  # noqa: PLR2004
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def written(fields: Mapping[int, _Raw]) -> bytes:
    """Return a message of these fields."""
    parts = []
    for number, value in fields.items():
        if isinstance(value, int):
            parts += [packed(number << 3 | VARINT), packed(value)]
        else:
            parts += [packed(number << 3 | BYTES), packed(len(value)), value]
    return b"".join(parts)


def written_any(name: str, fields: Mapping[int, _Raw]) -> bytes:
    """Return a message of these fields in an ``Any``."""
    return written({1: (PREFIX + name).encode(), 2: written(fields)})
