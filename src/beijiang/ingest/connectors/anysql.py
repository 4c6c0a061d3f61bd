"""Any database with an installed SQLAlchemy dialect: described by the inspector, read by a server-side cursor, counted by reading again.

It knows no product by heart. Where a product has its own kind (PostgreSQL, MySQL, SQLite files), that one is faster, has the source
count for itself, and keeps more types exactly.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import oracle

from beijiang.ingest.connectors.anysql_cells import bound, writer
from beijiang.ingest.connectors.anysql_options import FILE_DIALECTS, AnySQLOptions, dialect_of
from beijiang.ingest.connectors.contract import Connector, ConnectorOptions, Feed, FeedColumn, Position, Reading, Wanted
from beijiang.ingest.connectors.sql import SqlTable, is_ordered, spec_of, text_schema
from beijiang.ingest.connectors.troubles import feed_missing, source_refuses, source_unreachable
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import BeijiangError, Invalid, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

__all__ = ["AnySQL", "AnySQLOptions"]

_ROWS: Final = 16_384
_ONE_MOMENT: Final = {
    "postgresql": "REPEATABLE READ",
    "oracle": "SERIALIZABLE",
}
"""Isolation in which all of a transaction's reads see one moment, where that is known; elsewhere none is claimed."""
_LOGIN: Final = frozenset({"28000", "28P01", "1017", "1045", "18456", "28759"})
_NO_RIGHT: Final = frozenset({"42501", "1031", "1142", "1044", "229", "230"})
_GONE: Final = frozenset(
    {"3D000", "3F000", "42P01", "42703", "42S02", "942", "904", "12514", "208", "207", "4060", "1146", "1054", "1049"}
)
_BAD: Final = {
    **dict.fromkeys(_LOGIN, "source_login_failed"),
    **dict.fromkeys(_NO_RIGHT, "source_forbidden"),
    **dict.fromkeys(_GONE, "source_object_missing"),
}


class AnySQL(Connector):
    """Read tables and views through SQLAlchemy."""

    text: ClassVar[Text] = Text("其他数据库 (SQLAlchemy)", "Any other database (SQLAlchemy)")
    options_model: ClassVar[type[ConnectorOptions]] = AnySQLOptions
    options: AnySQLOptions

    def discover(self) -> list[Feed]:
        with self._connected() as connection:
            if self.options.tables:
                return [Feed(name=name) for name in self.options.tables]
            try:
                return self._listed(sa.inspect(connection))
            except (sa.exc.SQLAlchemyError, NotImplementedError) as error:
                raise Invalid(
                    "此账号无法列出表。请在选项“表名”（tables）中写明可读的表。",
                    'The account cannot list tables. Name those that it may read in the option "tables".',
                    code="source_cannot_list",
                ) from error

    def describe(self, name: str) -> Feed:
        with self._connected() as connection:
            return self._found(connection, name)[1]

    @contextmanager
    def open(self, wanted: Wanted) -> Iterator[Reading]:
        name = self.options.name
        steady = name in {*_ONE_MOMENT, *FILE_DIALECTS}
        with self._connected() as connection:
            table, _ = self._found(connection, wanted.feed.name)
            connection.rollback()  # the one moment begins with the first row, not with what the table looks like
            if name in _ONE_MOMENT:
                connection.execution_options(isolation_level=_ONE_MOMENT[name])
            elif name in FILE_DIALECTS:
                connection.exec_driver_sql("BEGIN")
            yield _Look(connection, table, wanted, zone=self.options.time_zone, steady=steady)

    # What the database knows of its tables

    def _listed(self, inspector: sa.Inspector) -> list[Feed]:
        feeds = []
        for schema in self.options.schemas or (None,):
            names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
            said = _comments(inspector, schema)
            feeds += [Feed(name=f"{schema}.{n}" if schema else n, comment=said.get(n) or "") for n in sorted({*names})]
        return feeds

    def _found(self, connection: sa.Connection, name: str) -> tuple[SqlTable, Feed]:
        inspector = sa.inspect(connection)
        schema, bare = self._place(name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", sa.exc.SAWarning
                )  # a type that SQLAlchemy does not know is kept as text
                columns: Sequence[Any] = inspector.get_columns(bare, schema)
        except (sa.exc.SQLAlchemyError, NotImplementedError):
            connection.rollback()
            columns = ()
        blind = not columns
        if blind:  # an account that may read the table and nothing about it
            columns = _named(connection, schema, bare)
        if not columns:
            raise feed_missing(name)
        described = []
        for column in columns:
            spec = _spec(column["name"], column["type"])
            native = (
                "?" if isinstance(column["type"], sa.types.NullType) else _native(column["type"], connection.dialect)
            )
            fit = is_ordered(spec) and self.options.name not in FILE_DIALECTS
            described.append(FeedColumn(spec, native, column.get("comment") or "", fit))
        comment, key = ("", ()) if blind else (_comment(inspector, schema, bare), _key(inspector, schema, bare))
        feed = Feed(name=name, comment=comment, columns=tuple(described), key=key)
        return SqlTable(schema, bare, {c["name"]: c["type"] for c in columns}), feed

    def _place(self, name: str) -> tuple[str | None, str]:
        """Part schema and table; a name with a point in it is parted only where that schema was named."""
        schema, bare = _parts(name)
        known = {*self.options.schemas, *(_parts(t)[0] for t in self.options.tables)}
        return (schema, bare) if schema in known else (None, name)

    # The way there

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """Connect to a checked address, and turn what drivers say into errors of ours, without their words."""
        dialect_of(self.options.dialect)
        try:
            engine = self._engine()
            with engine.connect() as connection:
                if self.options.name in FILE_DIALECTS:
                    connection.exec_driver_sql("PRAGMA trusted_schema = OFF")
                yield connection
        except BeijiangError:
            raise
        except (sa.exc.ArgumentError, TypeError) as error:
            raise Invalid(
                "驱动不接受这些选项。请核对方言、库名和驱动参数。",
                "The driver does not take these options. Check dialect, database and driver parameters.",
                code="bad_options",
            ) from error
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise _told(error) from error

    def _engine(self) -> sa.Engine:
        given = self.options
        if given.name in FILE_DIALECTS:
            path = self.outbound.path(given.path)
            if not path.is_file():
                raise source_refuses("source_object_missing")
            query = {"uri": "true", "mode": "ro"}
            return sa.create_engine(
                sa.URL.create(given.dialect, database=f"file:{quote(str(path))}", query=query), poolclass=sa.NullPool
            )
        query = given.query()
        host: str | None = given.host
        if given.host.startswith("/") and given.name == "postgresql":
            query["host"], host = str(self.outbound.path(given.host)), None
        else:
            host = self.outbound.addresses(given.host, given.port)[0].ip
        secret = given.password.get_secret_value() or None
        url = sa.URL.create(given.dialect, given.user or None, secret, host, given.port, given.database or None, query)
        return sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)


class _Look(Reading):
    """One transaction; one moment of the source where its dialect is known to give one."""

    def __init__(self, connection: sa.Connection, table: SqlTable, wanted: Wanted, *, zone: str, steady: bool) -> None:
        self._connection = connection
        self._table = table
        self._wanted = wanted
        self._zone = zone
        self._specs = {c.name: c.spec for c in wanted.feed.columns}
        self.consistent = steady
        self.schema = text_schema(wanted.feed)

    def position(self) -> Position:
        window = self._wanted.window
        if window is None:
            return None
        top: sa.ColumnElement[Any] = sa.func.max(sa.column(window.column), type_=sa.types.NullType())
        found = self._connection.execute(self._within(sa.select(top))).scalar()
        return writer(self._specs[window.column], self._zone)(found)

    def until(self, end: Position) -> Reading:
        window = self._wanted.window
        wanted = self._wanted if window is None else replace(self._wanted, window=replace(window, end=end))
        return _Look(self._connection, self._table, wanted, zone=self._zone, steady=self.consistent)

    def batches(self) -> Iterator[pa.RecordBatch]:
        names = [c.name for c in self._wanted.feed.columns]
        return self._stream(self._within(_columns(names)), names)

    def keys(self) -> Iterator[pa.RecordBatch]:
        names = [*self._wanted.key]
        return self._stream(_columns(names).select_from(self._table.tree()), names)

    def _within(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """Keep a statement to the window; its values are bound, never written into it."""
        query = query.select_from(self._table.tree())
        window = self._wanted.window
        if window is None:
            return query
        kind, spec = self._table.types[window.column], self._specs[window.column]
        column = sa.column(window.column, kind)
        zoned = bool(getattr(kind, "timezone", False))
        bounds = []
        if window.start is not None:
            bounds.append(column >= sa.bindparam(None, bound(window.start, spec, self._zone, zoned=zoned), kind))
        if window.end is not None:
            bounds.append(column <= sa.bindparam(None, bound(window.end, spec, self._zone, zoned=zoned), kind))
        return query.where(sa.or_(sa.and_(*bounds), column.is_(None))) if bounds else query

    def _stream(self, query: sa.Select[Any], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read by the server's cursor. Columns carry no type here: values come as the driver has them, and none is bent."""
        import pyarrow as pa

        writers: list[Callable[[Any], str | None]] = [writer(self._specs[n], self._zone) for n in names]
        lasting = self._connection.execution_options(stream_results=True, max_row_buffer=_ROWS)
        with lasting.execute(query) as result:
            for rows in result.partitions(_ROWS):
                cells = zip(*rows, strict=True)
                arrays = [
                    pa.array(map(write, column), pa.string()) for write, column in zip(writers, cells, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, names=[*names])


def _columns(names: Sequence[str]) -> sa.Select[Any]:
    columns: list[sa.ColumnElement[Any]] = [sa.column(name) for name in names]
    return sa.select(*columns)


def _spec(name: str, kind: sa.types.TypeEngine[Any]) -> ColumnSpec:
    """Map a type to ours; Oracle's DATE has a time of day, and a bare NUMBER holds anything."""
    if isinstance(kind, oracle.DATE):
        return ColumnSpec(name, ColumnType.TIMESTAMP)
    if isinstance(kind, sa.types.ARRAY | sa.types.JSON | sa.types.Interval):
        return ColumnSpec(name, ColumnType.TEXT)
    return spec_of(name, kind)


def _native(kind: sa.types.TypeEngine[Any], dialect: sa.engine.Dialect) -> str:
    try:
        return kind.compile(dialect=dialect).lower()
    except sa.exc.CompileError:
        return type(kind).__name__.lower()


def _parts(name: str) -> tuple[str | None, str]:
    schema, point, bare = name.partition(".")
    return (schema, bare) if point and schema and bare else (None, name)


def _named(connection: sa.Connection, schema: str | None, name: str) -> list[dict[str, Any]]:
    """Return the columns of a table that cannot be described, by reading none of its rows; their types stay unknown."""
    nothing: sa.Select[Any] = (
        sa.select(sa.literal_column("*")).select_from(sa.table(name, schema=schema)).where(sa.false())
    )
    try:
        names = [*connection.execute(nothing).keys()]
    except sa.exc.DBAPIError:
        return []
    return [{"name": column, "type": sa.types.NullType()} for column in names]


def _key(inspector: sa.Inspector, schema: str | None, name: str) -> tuple[str, ...]:
    try:
        return tuple(inspector.get_pk_constraint(name, schema).get("constrained_columns") or ())
    except (sa.exc.SQLAlchemyError, NotImplementedError):
        return ()


def _comments(inspector: sa.Inspector, schema: str | None) -> dict[str, str | None]:
    if not inspector.dialect.supports_comments:
        return {}
    try:
        found = inspector.get_multi_table_comment(schema, kind=sa.engine.reflection.ObjectKind.ANY)
    except (sa.exc.SQLAlchemyError, NotImplementedError):
        return {}
    return {name: value["text"] for (_, name), value in found.items()}


def _comment(inspector: sa.Inspector, schema: str | None, name: str) -> str:
    if not inspector.dialect.supports_comments:
        return ""
    try:
        return inspector.get_table_comment(name, schema)["text"] or ""
    except (sa.exc.SQLAlchemyError, NotImplementedError):
        return ""


def _told(error: Exception) -> BeijiangError:
    """Say what a driver says in our words: by the SQL state or the product's number, otherwise by the kind of error."""
    inner = getattr(error, "orig", None) or error
    first = inner.args[0] if inner.args else None
    known = [getattr(inner, "sqlstate", None), getattr(first, "code", None), first]
    states = [str(word) for word in known if isinstance(word, str | int) and len(str(word)) <= 8]  # noqa: PLR2004 - a code, no sentence
    code = next((_BAD[state] for state in states if state in _BAD), None)
    if code is None and "password authentication failed" in str(inner):
        code = "source_login_failed"
    if code is None and isinstance(error, sa.exc.ProgrammingError):
        code = "source_object_missing"
    state = states[0] if states else ""
    return source_unreachable(state) if code is None else source_refuses(code, state)
