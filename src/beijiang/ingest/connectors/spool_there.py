"""What waits here between two passes of a delivery: the keys have gone ahead, the rows follow when the old ones are out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, Final, cast

from beijiang.ingest.connectors.destination import Parcel, parted

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Spool"]

_IN_MEMORY: Final = 32 * 1024 * 1024
"""Bytes of packed rows that need no file; a file has no name, and is gone when the delivery ends or the process does."""


class Spool:
    """The rows of one delivery of changes, kept until ``kept`` is closed."""

    def __init__(self, kept: ExitStack, parcel: Parcel) -> None:
        import pyarrow as pa

        file = kept.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - closed by whoever keeps it
        self._file = cast("IO[bytes]", file)
        self._key = parcel.key
        self._schema = parcel.schema.remove_metadata()
        self.schema_of_keys: pa.Schema = pa.schema([self._schema.field(name) for name in parcel.key])
        self.rows = 0

    def filled(self, goods: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Keep the rows of each batch, and pass on the keys of all that it names, those that went too."""
        import pyarrow as pa

        packed = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_stream(cast("Any", self._file), self._schema, options=packed) as writer:
            for batch in goods:
                rows, _ = parted(batch, self._key)
                if rows.num_rows:
                    writer.write_batch(rows.cast(self._schema))
                    self.rows += rows.num_rows
                yield batch.select([*self._key])

    def read(self, moved: Callable[[], None]) -> Iterator[pa.RecordBatch]:
        """Yield the rows, and say at each batch that it was taken."""
        import pyarrow as pa

        self._file.seek(0)
        with pa.ipc.open_stream(cast("Any", self._file)) as reader:
            for batch in reader:
                yield batch
                moved()
