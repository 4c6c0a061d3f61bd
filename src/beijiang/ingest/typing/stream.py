"""From an opened table to typed batches in two passes with one reading: infer while spooling, then type from the spool."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from beijiang.ingest.readers.contract import BadRow, RawBatch, SourceTable
from beijiang.ingest.typing.application import apply_types
from beijiang.ingest.typing.batches import TypedBatch
from beijiang.ingest.typing.inference import TypeInference
from beijiang.ingest.typing.schema import TypedSchema
from beijiang.kit import ahead

__all__ = ["TypedRead", "read_typed"]

_LINE = "\0line"


@dataclass(slots=True)
class TypedRead:
    """A table with its schema decided; ``batches`` can be iterated as often as wanted."""

    table: SourceTable
    schema: TypedSchema
    rows: int | None = None
    """Rows read as text (good for typing), when inference has counted them."""
    _spool: Path | None = None
    _bad: list[list[BadRow]] = field(default_factory=list)

    def batches(self) -> Iterator[TypedBatch]:
        """Yield typed batches in file order; each carries the bad rows of reading and of typing, sorted by line."""
        return ahead(self._typed)

    def _typed(self) -> Iterator[TypedBatch]:
        for raw in self._raw():
            typed = apply_types(raw, self.schema)
            typed.bad = sorted([*raw.bad, *typed.bad], key=lambda row: row.line)
            yield typed

    def _raw(self) -> Iterator[RawBatch]:
        if self._spool is None:
            yield from self.table.batches()
            return
        with pa.OSFile(str(self._spool), "rb") as file, pa.ipc.open_stream(file) as reader:
            for index, batch in enumerate(reader):
                lines = batch.column(batch.num_columns - 1)
                rows = pa.RecordBatch.from_arrays(batch.columns[:-1], names=batch.schema.names[:-1])
                yield RawBatch(rows, lines, self._bad[index])

    def close(self) -> None:
        """Remove the spool."""
        if self._spool is not None:
            self._spool.unlink(missing_ok=True)


def read_typed(table: SourceTable, spool_in: Path, *, pinned: TypedSchema | None = None) -> TypedRead:
    """Decide the schema of ``table`` over all of its rows, or take ``pinned`` as it is.

    The text is kept in an Arrow file in the folder ``spool_in`` meanwhile, so that the source is decoded and parsed
    once; ``close`` removes it. Memory stays at a few batches, plus the bad rows.
    """
    if pinned is not None:
        return TypedRead(table, pinned)
    inference = TypeInference(table.columns, geometry=table.geometry)
    bad: list[list[BadRow]] = []
    schema = pa.schema([*((c, pa.string()) for c in table.columns), (_LINE, pa.int64())])
    with tempfile.NamedTemporaryFile(dir=spool_in, prefix="spool-", suffix=".arrow", delete=False) as target:
        spool = Path(target.name)
    try:
        with pa.OSFile(str(spool), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            for batch in table.batches():
                inference.observe(batch)
                writer.write_batch(pa.RecordBatch.from_arrays([*batch.rows.columns, batch.row_numbers], schema=schema))
                bad.append(batch.bad)
    except BaseException:
        spool.unlink(missing_ok=True)
        raise
    return TypedRead(table, inference.decide(), inference.rows, spool, bad)
