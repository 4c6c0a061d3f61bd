"""SQLite files: whatever a cell holds, in a column of any declared type, comes as its canonical text or stays recognisably wrong.

SQLite keeps any kind of value in any column. Cells are therefore judged one by one when they are typed; nothing is cast here.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from beijiang.ingest.connectors.contract import Connector, ConnectorOptions, Feed, Position, Reading, Wanted, option
from beijiang.ingest.connectors.sql import Grammar, Snapshot, SqlTable, find_feeds, find_table, text_schema
from beijiang.ingest.connectors.troubles import source_refuses, source_unreachable
from beijiang.ingest.connectors.zones import Zone, utc_text
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

__all__ = ["SQLite", "SQLiteOptions"]

_ROWS: Final = 16_384
_PATIENCE: Final = 10.0
"""Seconds to wait while the department's own program writes."""
_ORDER: Final = "beijiang_order"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_BAD: Final = {
    sqlite3.SQLITE_CANTOPEN: "source_forbidden",
    sqlite3.SQLITE_NOTADB: "source_object_missing",
    sqlite3.SQLITE_ERROR: "source_object_missing",
    sqlite3.SQLITE_AUTH: "source_forbidden",
    sqlite3.SQLITE_PERM: "source_forbidden",
}


class SQLiteOptions(ConnectorOptions):
    """Where a SQLite file is."""

    path: str = option(
        Text("文件路径", "Path"), Text("文件须在允许读取的目录里。", "Path of the file, in a folder that may be read.")
    )
    time_zone: Zone = option(
        Text("时区", "Time zone"),
        Text("不带时区的时间按此时区理解。", "Zone of times that are written without one."),
        default="Asia/Shanghai",
    )


class _Grammar(Grammar):
    """SQLite's spelling: columns are read as they are, and only a cursor is compared by what its cells mean."""

    def __init__(self) -> None:
        self.dialect = sqlite.dialect(paramstyle="named")

    def read(self, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        del spec
        return column

    def ordered(self, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        kind = sa.func.typeof(column)
        bytes_ = sa.cast(column, sa.LargeBinary())  # a text need not be UTF-8, and only bytes reach the function then
        value = sa.case((kind == self._word("text"), bytes_), else_=column)
        return getattr(sa.func, _ORDER)(self._word(spec.type.value), kind, value)  # type: ignore[no-any-return]

    def bound(self, value: Position, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        del column
        if spec.type is ColumnType.INTEGER:
            return sa.cast(self._word(str(value)), sa.Integer())
        return sa.cast(self._word(str(value)), sa.REAL()) if spec.type is ColumnType.DECIMAL else self._word(str(value))

    def highest(self, table: SqlTable, wanted: Wanted, window: Any) -> sa.Select[Any]:
        tree = table.tree()
        found = wanted.feed.column(window.column)
        assert found is not None  # noqa: S101 - the feed was checked before it was opened
        top = sa.func.max(self.ordered(tree.c[window.column], found.spec)).label("top")
        return self._within(sa.select(top), tree, wanted)

    def canonical(self, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[str]:
        raise NotImplementedError

    def bucket(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
        raise NotImplementedError

    def checksum(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
        raise NotImplementedError

    @staticmethod
    def _word(text: str) -> sa.ColumnElement[str]:
        return sa.literal(text, sa.Text())


class SQLite(Connector):
    """Read tables and views of a SQLite file, which is opened for reading only."""

    text: ClassVar[Text] = Text("SQLite 数据库文件", "SQLite database file")
    options_model: ClassVar[type[ConnectorOptions]] = SQLiteOptions
    options: SQLiteOptions

    def discover(self) -> list[Feed]:
        with self._inspector() as inspector:
            return find_feeds(inspector, [None])

    def describe(self, name: str) -> Feed:
        return self._found(name)[1]

    @contextmanager
    def open(self, wanted: Wanted) -> Iterator[Reading]:
        table, _ = self._found(wanted.feed.name)
        with _speaking(), closing(self._opened()) as connection:
            connection.execute("BEGIN")
            yield _Snapshot(connection, table, wanted, _Grammar(), self.options.time_zone)

    def _found(self, name: str) -> tuple[SqlTable, Feed]:
        with self._inspector() as inspector:
            return find_table(inspector, name, [None])

    @contextmanager
    def _inspector(self) -> Iterator[sa.Inspector]:
        with _speaking():
            engine = sa.create_engine("sqlite://", creator=self._opened, poolclass=sa.NullPool)
            with engine.connect() as connection:
                yield sa.inspect(connection)

    def _opened(self) -> sqlite3.Connection:
        path = self.outbound.path(self.options.path)
        if not path.is_file():
            raise source_refuses("source_object_missing")
        address = f"file:{quote(str(path))}?mode=ro"
        connection = sqlite3.connect(
            address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        connection.text_factory = _decoded
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")  # what a view in a stranger's file calls must be harmless
        connection.create_function(_ORDER, 3, partial(_place, self.options.time_zone), deterministic=True)
        return connection


class _Snapshot(Snapshot):
    """One read transaction."""

    def __init__(
        self, connection: sqlite3.Connection, table: SqlTable, wanted: Wanted, grammar: Grammar, zone: str
    ) -> None:
        super().__init__(table, wanted, grammar, text_schema(wanted.feed))
        self._connection = connection
        self._zone = zone
        self._kinds = {c.name: c.spec.type for c in wanted.feed.columns}

    def _again(self, wanted: Wanted) -> Reading:
        return _Snapshot(self._connection, self._table, wanted, self._grammar, self._zone)

    def fingerprint(self) -> None:
        """Leave it to a second reading: SQLite computes no checksums, and the file is as near as its rows."""

    def rows_in(self, buckets: Sequence[int]) -> Iterator[pa.RecordBatch]:
        del buckets
        return self.batches()

    def position(self) -> Position:
        top = super().position()
        return None if top is None else _written(top)

    def stream(self, statement: sa.Select[Any]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        names = [c.name for c in statement.selected_columns]
        writers: list[Callable[[Any], str | None]] = [
            partial(_moment, self._zone) if self._kinds[n] is ColumnType.TIMESTAMP else _written for n in names
        ]
        cursor = self._connection.execute(self._grammar.text(statement))
        while rows := cursor.fetchmany(_ROWS):
            cells = zip(*rows, strict=True)
            arrays = [pa.array(map(write, column), pa.string()) for write, column in zip(writers, cells, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, names=names)

    def _all(self, statement: sa.Select[Any]) -> Sequence[Sequence[Any]]:
        return self._connection.execute(self._grammar.text(statement)).fetchall()


def _decoded(text: bytes) -> str:
    """Read a text; one that is no UTF-8 is shown by its bytes, as a blob is."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return _written(text) or ""


def _written(cell: Any) -> str | None:
    """Write a cell as text: numbers in plain digits, bytes in hexadecimal."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bytes):
        return f"\\x{cell.hex()}"
    if isinstance(cell, int) or cell in {float("inf"), float("-inf")}:
        return str(cell)
    return f"{Decimal(repr(cell)):f}".removesuffix(".0")


def _moment(zone: str, cell: Any) -> str | None:
    """Write a moment in UTC; what is none is written as a literal in quotes, which no step can take for one."""
    return cell if cell is None else _utc(zone, cell) or f"'{_written(cell)}'"


def _utc(zone: str, cell: Any) -> str | None:
    if not isinstance(cell, str) or not _MOMENT.fullmatch(cell):
        return None
    try:
        return utc_text(datetime.fromisoformat(cell), zone)
    except (ValueError, OverflowError):
        return None


def _place(zone: str, wanted: str, kind: str, cell: Any) -> int | float | str | None:
    """Return where a cell stands in the order of its column, or None where it is no value of the column's type."""
    if wanted == ColumnType.INTEGER:
        return cell if kind == "integer" else None
    if wanted == ColumnType.DECIMAL:
        return float(cell) if kind in {"integer", "real"} else None
    if kind != "text":
        return None
    text = _decoded(cell)
    if wanted == ColumnType.TIMESTAMP:
        return _utc(zone, text)
    return text if _DAY.fullmatch(text) else None


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn what SQLite says into errors of ours, without its words."""
    try:
        yield
    except BeijiangError:
        raise
    except (sqlite3.Error, sa.exc.DBAPIError, OSError) as error:
        inner = getattr(error, "orig", None) or error
        code = getattr(inner, "sqlite_errorcode", None)
        if isinstance(inner, PermissionError):
            raise source_refuses("source_forbidden") from error
        reason = None if code is None else _BAD.get(code & 0xFF)
        raise (source_unreachable(str(code or "")) if reason is None else source_refuses(reason, str(code))) from error
