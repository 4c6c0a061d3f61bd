"""Rows into MySQL by ``LOAD DATA LOCAL``: what is sent is a stream of ours, never a file.

The protocol lets a server answer any statement with the wish for a file of the client's. Nothing here opens files: PyMySQL's own
way of answering stays off, and a stream is sent only in answer to our statement, under the name that was made up for it.
``LOCAL`` turns errors of values into warnings, so that a single warning means that the rows were not taken as they are.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from pymysql.connections import LoadLocalPacketWrapper, MySQLResult
from pymysql.constants.COMMAND import COM_QUERY
from pymysql.err import DataError, OperationalError, ProgrammingError

from beijiang.ingest.connectors.troubles import source_refuses
from beijiang.ingest.typing import ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl
    import pyarrow as pa
    from pymysql.connections import Connection

    from beijiang.ingest.typing import ColumnSpec

__all__ = ["LOCAL_FILES", "is_allowed", "load", "written"]

LOCAL_FILES: Final = 128
"""The flag by which a client says that it can send streams (``CLIENT_LOCAL_FILES``)."""
_PART: Final = 64 << 10
"""Bytes of a packet; every server takes so many."""
_FORBIDDEN: Final = frozenset({1148, 3948, 4166})
"""What servers answer where loading is not allowed, before anything was sent."""
_YES: Final = frozenset({"1", "ON"})
_MOMENT: Final = "%Y-%m-%d %H:%M:%S%.6f"
_ESCAPED: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\0", "\\0"))


def is_allowed(connection: Connection[Any]) -> bool:
    """Tell whether the server says that it takes streams; products that do not know the setting do not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@local_infile")
            return str((cursor.fetchone() or (0,))[0]).upper() in _YES  # some products tell it as a text
    except (OperationalError, ProgrammingError):
        return False


def load(connection: Connection[Any], table: str, columns: Sequence[str], goods: Iterable[bytes]) -> int | None:
    """Send lines into a table, whose quoted name and columns are given; return how many rows it took.

    None where the server does not allow it after all; then nothing was taken out of ``goods``.

    Raises:
        pymysql.err.DataError: a value or a row was not taken as it is; its first argument is the server's code.
        Invalid: the server asks for something else than our stream (``source_asks_for_file``).

    """
    name = f"beijiang-{secrets.token_hex(8)}"
    words = (
        "LOAD DATA LOCAL INFILE", f"'{name}'", "INTO TABLE", table, "CHARACTER SET utf8mb4",
        r"FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n'", "(", ", ".join(columns), ")",
    )  # fmt: skip
    connection._execute_command(COM_QUERY, " ".join(words))  # noqa: SLF001 - the driver has no public way to its packets
    try:
        asked = connection._read_packet()  # noqa: SLF001
    except OperationalError as error:
        if error.args[0] in _FORBIDDEN:
            return None
        raise
    if not asked.is_load_local_packet() or LoadLocalPacketWrapper(asked).filename != name.encode():
        raise source_refuses("source_asks_for_file")
    for part in goods:
        for start in range(0, len(part), _PART):
            connection.write_packet(part[start : start + _PART])
    connection.write_packet(b"")
    result = MySQLResult(connection)
    result.read()
    if result.warning_count:
        raise DataError(_first_warning(connection), "a value was not taken as it is")
    return int(result.affected_rows)


def _first_warning(connection: Connection[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW WARNINGS LIMIT 1")
        told = cursor.fetchone() or ("", 0)
        return int(told[1])


def written(batches: Iterable[pa.RecordBatch], specs: Sequence[ColumnSpec | None], zone: str) -> Iterator[bytes]:
    """Write batches as the lines that ``load`` sends; a column without a spec is a flag. Moments are those of ``zone``."""
    import polars as pl

    for batch in batches:
        columns = [_texts(pl.Series(column), spec, zone) for column, spec in zip(batch.columns, specs, strict=True)]
        frame = pl.DataFrame([column.alias(str(place)) for place, column in enumerate(columns)])
        lines = frame.write_csv(include_header=False, separator="\t", quote_style="never", null_value="\\N")
        yield lines.encode()


def _texts(column: pl.Series, spec: ColumnSpec | None, zone: str) -> pl.Series:
    """Return a column as the server reads it."""
    import polars as pl

    kind = ColumnType.BOOLEAN if spec is None else spec.type
    if kind is ColumnType.BOOLEAN:
        return column.cast(pl.Int8)
    if kind is ColumnType.TIMESTAMP:
        return column.dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.to_string(_MOMENT)
    if kind is ColumnType.TEXT:
        for sign, word in _ESCAPED:
            column = column.str.replace_all(sign, word, literal=True)
    return column
