"""What typing hands over, and the text form of typed values. Light: nothing heavy loads with this module."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from beijiang.ingest.readers.contract import BadRow
from beijiang.ingest.typing.schema import ColumnSpec
from beijiang.ingest.typing.spelling import BEIJING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TypedBatch", "canonical_text"]


@dataclass(slots=True)
class TypedBatch:
    """Rows of the pinned types, their places in the file, the rows set aside, and the cells that were rewritten."""

    rows: pa.RecordBatch
    row_numbers: pa.Int64Array
    bad: list[BadRow]
    changes: pa.RecordBatch
    """Columns ``row`` int64, ``column`` and ``raw`` string, one line a cell whose raw text is not canonical; ``row`` is a value of ``row_numbers``."""


def canonical_text(value: object, spec: ColumnSpec) -> str | None:
    """Write ``value`` the way an unchanged cell of its column was written in the file."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        text = f"{value:f}"
        if not spec.fixed and "." in text:
            text = text.rstrip("0").rstrip(".")
        return f"{text}%" if spec.percent else text
    if isinstance(value, float):
        import polars as pl

        return str(pl.Series([value]).cast(pl.String)[0])
    return str(value)
