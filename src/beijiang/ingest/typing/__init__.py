"""Column types: found over all rows of a file, pinned in a schema, applied to every later file of the table.

Identifiers, telephone numbers and region codes stay text; what was rewritten stays recoverable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.ingest.typing.batches import TypedBatch, canonical_text
from beijiang.ingest.typing.schema import ColumnSpec, ColumnType, TypedSchema

if TYPE_CHECKING:
    from beijiang.ingest.readers.contract import RawBatch
    from beijiang.ingest.typing.inference import TypeInference
    from beijiang.ingest.typing.stream import TypedRead, read_typed

__all__ = [
    "ColumnSpec",
    "ColumnType",
    "TypeInference",
    "TypedBatch",
    "TypedRead",
    "TypedSchema",
    "apply_types",
    "canonical_text",
    "read_typed",
]

_HOMES = {
    "TypeInference": "inference",
    "TypedRead": "stream",
    "read_typed": "stream",
}


def apply_types(batch: RawBatch, schema: TypedSchema) -> TypedBatch:
    """Type ``batch`` by ``schema``: columns are matched by name, one that the batch lacks becomes null.

    A row with a cell that does not read as its column's type becomes a bad row (``untypable``; ``missing_key`` where
    the column must not be null), with that column named and the whole raw row kept.
    """
    from beijiang.ingest.typing import application

    return application.apply_types(batch, schema)


def __getattr__(name: str) -> object:
    """Load the parts that need polars and pyarrow when they are first asked for."""
    if name not in _HOMES:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"beijiang.ingest.typing.{_HOMES[name]}"), name)
