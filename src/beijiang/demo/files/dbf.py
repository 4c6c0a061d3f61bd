"""Write dBase III tables: the format in which map and culture offices still exchange lists."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

__all__ = ["DbfValue", "Field", "dbf_bytes"]

DbfValue: TypeAlias = str | int | float | bool | date | None
_NAME_BYTES = 10
_END = b"\x1a"


@dataclass(frozen=True, slots=True)
class Field:
    """A column: name (at most ten bytes in GBK, so five characters), type C, N, D or L, and width in bytes."""

    name: str
    kind: str
    width: int
    decimals: int = 0


def _encode(value: DbfValue, field: Field) -> bytes:
    """Return the value in exactly the field's width; a text is cut between characters, never inside one."""
    if value is None:
        return b" " * field.width
    if isinstance(value, bool):
        return b"T" if value else b"F"
    if isinstance(value, date):
        return f"{value:%Y%m%d}".encode()
    if isinstance(value, int | float):
        return f"{value:>{field.width}.{field.decimals}f}".encode()
    raw = value.encode("gbk")
    if len(raw) > field.width:
        raw = raw[: field.width].decode("gbk", "ignore").encode("gbk")
    return raw.ljust(field.width)


def dbf_bytes(fields: Sequence[Field], rows: Iterable[tuple[bool, Sequence[DbfValue]]], *, changed: date) -> bytes:
    """Return a table in GBK; each row says first whether it is marked as deleted.

    Layout: 32 bytes of head, 32 a field, 0x0D, then per row one mark (blank or ``*``) and the values side by side.
    """
    records = b"".join(
        (b"*" if deleted else b" ")
        + b"".join(_encode(value, field) for value, field in zip(values, fields, strict=True))
        for deleted, values in rows
    )
    width = 1 + sum(field.width for field in fields)
    head = struct.pack(
        "<BBBBIHH17xBxx",
        0x03,
        changed.year - 1900,
        changed.month,
        changed.day,
        len(records) // width,
        32 + 32 * len(fields) + 1,
        width,
        0x4D,  # Language driver 0x4D: Chinese GBK.
    )
    columns = b""
    for field in fields:
        name = field.name.encode("gbk")
        if len(name) > _NAME_BYTES:
            raise ValueError(f"field name {field.name!r} is longer than {_NAME_BYTES} bytes in GBK")
        columns += struct.pack("<11sc4xBB14x", name, field.kind.encode(), field.width, field.decimals)
    return head + columns + b"\r" + records + _END
