"""Rows of MySQL's text protocol as Arrow, without a Python object per cell: the reader that PyMySQL does not have.

PyMySQL connects, signs in and speaks TLS; here the packets of one unbuffered answer are cut into cells, some megabytes at a
time. Only the beginnings of packets are found one by one; the cells of a column are then found for all rows at once, and copied
out of the bytes that the server sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from pymysql.connections import MySQLResult
from pymysql.constants.COMMAND import COM_QUERY
from pymysql.err import OperationalError
from pymysql.protocol import MysqlPacket

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    from pymysql.connections import Connection

__all__ = ["columns_of", "rows_of", "shortest"]

_ROWS: Final = 65_536
_BYTES: Final = 4 << 20
_HEAD: Final = 4
"""Bytes before a packet: three for its size, one for its number."""
_FULL: Final = 0xFF_FFFF
"""A packet of this size goes on in the next one."""
_END, _ERROR, _END_BYTES = 0xFE, 0xFF, 9
_NULL: Final = 251
_WIDTHS: Final = {252: 2, 253: 3, 254: 8}
"""How many bytes a longer length takes, by the byte that announces it."""
_LOST: Final = 2013


def columns_of(connection: Connection[Any], statement: str) -> Iterator[list[pa.Array]]:
    """Run a statement and yield its rows, some thousands at a time, as one array of texts per column."""
    connection._execute_command(COM_QUERY, statement)  # noqa: SLF001 - the driver has no public way to its packets
    result = MySQLResult(connection)
    result.init_unbuffered_query()
    result.unbuffered_active = False  # what follows is read here, not by the driver
    finished = False
    try:
        yield from rows_of(connection._rfile, result.field_count)  # noqa: SLF001
        finished = True
    finally:
        if not finished:  # rows are still under way: nothing else can be read from this connection
            connection._force_close()  # noqa: SLF001


def rows_of(stream: Any, columns: int) -> Iterator[list[pa.Array]]:
    """Cut the packets of rows that a buffered stream of bytes holds, up to the one that ends them.

    Raises:
        pymysql.err.MySQLError: the server says that something went wrong, or the stream ends too early.

    """
    return _Packets(stream).rows(columns)


class _Packets:
    """The bytes of one answer, and how far they have been cut into packets."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._data = bytearray()
        self._at = 0

    def rows(self, columns: int) -> Iterator[list[pa.Array]]:
        """Yield the rows up to the packet that ends them."""
        starts: list[int] = []
        while True:
            ended = self._walk(starts)
            long = self._size() == _FULL
            if starts and (ended or long or len(starts) >= _ROWS or self._at >= _BYTES):
                yield _cut(bytes(self._data[: self._at]), starts, columns)
                del self._data[: self._at]
                self._at, starts = 0, []
            elif ended:
                return
            elif long:
                yield _cut(self._joined(), [0], columns)
            else:
                self._read()

    def _walk(self, starts: list[int]) -> bool:
        """Add where the bodies of further rows begin; tell whether the answer ends behind them."""
        data, at, most = self._data, self._at, len(self._data)
        while at + _HEAD < most and len(starts) < _ROWS:
            size = data[at] | data[at + 1] << 8 | data[at + 2] << 16
            body = at + _HEAD
            if size == _FULL or body + size > most:
                break
            if data[body] == _ERROR:
                MysqlPacket(bytes(data[body : body + size]), "utf8").raise_for_error()
            if data[body] == _END and size < _END_BYTES:
                self._at = at
                return True
            starts.append(body)
            at = body + size
        self._at = at
        return False

    def _size(self) -> int | None:
        """Return the size of the next packet, where it is known already."""
        head = self._data[self._at : self._at + 3]
        return int.from_bytes(head, "little") if len(self._data) >= self._at + _HEAD else None

    def _joined(self) -> bytes:
        """Take the next row, which several packets make up."""
        body, size = bytearray(), _FULL
        while size == _FULL:
            while (told := self._size()) is None or len(self._data) < self._at + _HEAD + told:
                self._read()
            size = told
            first = self._at + _HEAD
            body += self._data[first : first + size]
            del self._data[: first + size]
            self._at = 0
        return bytes(body)

    def _read(self) -> None:
        came = self._stream.read1(_BYTES)
        if not came:
            raise OperationalError(_LOST, "the connection broke off")
        self._data += came


def _cut(data: bytes, starts: list[int], columns: int) -> list[pa.Array]:
    """Return the columns of the rows whose bodies begin at ``starts`` and follow one another in ``data``."""
    import numpy as np
    import pyarrow as pa

    octets, rows = np.frombuffer(data, np.uint8), len(starts)
    at = np.array(starts, np.int64)
    edges = np.empty((rows, 2 * columns), np.int32 if len(data) < 1 << 31 else np.int64)
    empty = []
    for column in range(columns):
        size, at = _sizes(octets, at)
        empty.append(size < 0)
        edges[:, 2 * column] = at
        at = at + np.maximum(size, 0)
        edges[:, 2 * column + 1] = at
    # What the server sent, as texts and the gaps between them by turns; of these, the texts of each column are taken.
    kind = pa.string() if edges.dtype == np.int32 else pa.large_string()
    parts = pa.Array.from_buffers(kind, edges.size - 1, [None, pa.py_buffer(edges), pa.py_buffer(data)])
    first = np.arange(rows, dtype=np.int64) * (2 * columns)
    texts = [parts.take(pa.array(first + 2 * c, mask=null)).cast(pa.string()) for c, null in enumerate(empty)]
    for text in texts:
        text.validate(full=True)
    return texts


def _sizes(octets: npt.NDArray[np.uint8], at: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Any]:
    """Return the sizes of the cells that begin at some places, -1 for NULL, and where their bytes begin."""
    import numpy as np

    mark = octets[at]
    size, at = mark.astype(np.int64), at + 1
    if mark.max(initial=0) < _NULL:
        return size, at
    size[mark == _NULL] = -1
    for sign, width in _WIDTHS.items():
        which = np.flatnonzero(mark == sign)
        if which.size:
            size[which] = sum(octets[at[which] + i].astype(np.int64) << 8 * i for i in range(width))
            at[which] += width
    return size, at


def shortest(column: pa.Array) -> pa.Array:
    """Write numbers of four bytes with as few digits as tell them apart: 1.1 stays 1.1 in eight."""
    import polars as pl
    import pyarrow as pa

    text = pl.Series(column).cast(pl.Float64).cast(pl.Float32).cast(pl.String)
    return text.to_arrow().cast(pa.string())
