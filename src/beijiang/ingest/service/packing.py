"""How rows are packed into Parquet: by dictionary where values repeat, plainly where they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beijiang.tables import ROW_COLUMN

__all__ = ["packed"]

_SAMPLE_ROWS: Final = 65_536
_REPETITIVE: Final = 0.3
"""A column with at most this share of different values in the sample is written by dictionary."""


def packed(path: Path, schema: pa.Schema, head: pa.Table, *, store_schema: bool = False) -> pq.ParquetWriter:
    """Open a file for rows like those of ``head``; for unique values a dictionary costs a third of the writing and saves nothing.

    ``store_schema`` keeps what Parquet's own types do not tell of Arrow's.
    """
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        store_schema=store_schema,
        use_dictionary=_repetitive(head.slice(0, _SAMPLE_ROWS)),
        column_encoding={ROW_COLUMN: "DELTA_BINARY_PACKED"} if ROW_COLUMN in schema.names else None,
    )


def _repetitive(head: pa.Table) -> list[str]:
    most = head.num_rows * _REPETITIVE
    names = [name for name in head.column_names if name != ROW_COLUMN]
    return [name for name in names if pc.count_distinct(head[name]).as_py() <= most]
