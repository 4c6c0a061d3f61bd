"""Parquet: columns come as text like everywhere else, so that one set of typing rules holds for every format."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beijiang.ingest.readers.contract import HeaderTemplate, Note, RawBatch, ReadOptions, SourceTable
from beijiang.ingest.readers.guard import broken
from beijiang.ingest.readers.headers import check_width, unique_names
from beijiang.ingest.readers.source import Source
from beijiang.kit import Text, ahead

__all__ = ["ParquetTable", "text_column"]

_BATCH = 65_536


class ParquetTable(SourceTable):
    """One Parquet file."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source = source
        self.file_name = source.name
        self.inner_name = source.inner
        self.format = "parquet"
        try:
            with pq.ParquetFile(source.path()) as file:
                names, rows = list(file.schema_arrow.names), file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise broken(source.leaf, "Parquet") from error
        check_width(len(names), options.limits, self.label)
        self.columns, notes = unique_names([n.strip() for n in names])
        self.header = HeaderTemplate(0, 0, self.columns)
        self.row_estimate = rows
        none = (Note("no_rows", Text("只有表头，没有数据行。", "There is a header but not one row.")),)
        self.notes = notes if rows else (*notes, *none)

    def batches(self) -> Iterator[RawBatch]:
        """Yield the rows of each row group; row numbers are record numbers from 1."""
        return ahead(self._read)

    def _read(self) -> Iterator[RawBatch]:
        at = 1
        try:
            with pq.ParquetFile(self.source.path()) as file:
                for batch in file.iter_batches(batch_size=_BATCH):
                    columns = [text_column(column) for column in batch.columns]
                    rows = pa.RecordBatch.from_arrays(columns, names=list(self.columns))
                    yield RawBatch(rows, pa.array(range(at, at + rows.num_rows), pa.int64()))
                    at += rows.num_rows
        except (pa.ArrowException, OSError) as error:
            raise broken(self.source.leaf, "Parquet") from error


def text_column(column: pa.Array) -> pa.Array:
    """Write a column of any type as text: days and instants in ISO form, nested values as JSON."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return text_column(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        local = pc.local_timestamp(
            pc.assume_timezone(column, "UTC") if kind.tz is None else column.cast(pa.timestamp("us", "Asia/Shanghai"))
        )
        whole = local.cast(pa.timestamp("s"), safe=False)
        exact = pc.all(pc.equal(whole.cast(local.type), local), min_count=0).as_py()
        return _blank_to_null((whole if exact else local).cast(pa.string()))
    if pa.types.is_nested(kind):
        import orjson

        return pa.array(
            [None if v is None else orjson.dumps(v, default=str).decode() for v in column.to_pylist()], pa.string()
        )
    if pa.types.is_decimal(kind) or pa.types.is_date(kind) or pa.types.is_time(kind):
        return column.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array(
            [None if v is None else v.decode("utf-8", errors="backslashreplace") for v in column.to_pylist()],
            pa.string(),
        )
    return _blank_to_null(column.cast(pa.string()))


def _blank_to_null(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
