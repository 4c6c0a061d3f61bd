"""How rows are packed into Parquet: by dictionary where values repeat, plainly where they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beijiang.tables import ROW_COLUMN

__all__ = ["packed", "repetitive"]

_SAMPLE_ROWS: Final = 65_536
_REPETITIVE: Final = 0.3
"""A column with at most this share of different values in the sample is written by dictionary."""


def packed(path: Path, schema: pa.Schema, dictionary: list[str]) -> pq.ParquetWriter:
    """Open a file for rows of which some columns are written by dictionary."""
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        store_schema=False,
        use_dictionary=dictionary,
        column_encoding={ROW_COLUMN: "DELTA_BINARY_PACKED"} if ROW_COLUMN in schema.names else None,
    )


def repetitive(rows: pa.Table) -> list[str]:
    """Return the columns whose values repeat; for unique values a dictionary costs a third of the writing and saves nothing."""
    head = rows.slice(0, _SAMPLE_ROWS)
    most = head.num_rows * _REPETITIVE
    names = [name for name in head.column_names if name != ROW_COLUMN]
    return [name for name in names if pc.count_distinct(head[name]).as_py() <= most]
