"""Names of column types as people and filters know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["comment_of", "type_word"]

_TYPE_MARK: Final = b"beijiang.type"


def type_word(field: pa.Field) -> str:
    """Return text, integer, decimal, double, boolean, date, timestamp or geometry for a column of a snapshot."""
    import pyarrow as pa

    if (field.metadata or {}).get(_TYPE_MARK) == b"geometry":
        return "geometry"
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    tests = (
        ("integer", pa.types.is_integer),
        ("decimal", pa.types.is_decimal),
        ("double", pa.types.is_floating),
        ("boolean", pa.types.is_boolean),
        ("date", pa.types.is_date),
        ("timestamp", pa.types.is_timestamp),
    )
    return next((word for word, test in tests if test(kind)), "text")


def comment_of(field: pa.Field) -> str:
    """Return what the table's metadata says that a column means."""
    found: bytes = (field.metadata or {}).get(b"comment", b"")
    return found.decode("utf-8", "replace")
