"""PostgreSQL and what speaks its protocol (Kingbase, openGauss): Arrow by ADBC, all of one run from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import lru_cache, partial, reduce
from operator import add
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.dialects import postgresql

from beijiang.ingest.connectors.capture import Capture, FollowsLog
from beijiang.ingest.connectors.contract import (
    Connector,
    ConnectorOptions,
    Feed,
    Position,
    Reading,
    Wanted,
    option,
)
from beijiang.ingest.connectors.postgresql_checks import Named
from beijiang.ingest.connectors.sql import Grammar, Snapshot, SqlTable, find_feeds, find_table, landed_schema
from beijiang.ingest.connectors.troubles import source_refuses, source_unreachable
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import BeijiangError, Text, mingled

if TYPE_CHECKING:
    import adbc_driver_postgresql.dbapi as adbc
    import pyarrow as pa


__all__ = ["PostgreSQL", "PostgreSQLOptions"]

_NO_MOMENT: Final = "0000-00-00 00:00:00.000000"
"""What is left of it behind the text of a moment are the digits that the text leaves out."""
_YEARS: Final = ("0001-01-01 00:00+00", "9999-12-31 23:59:59.999999+00", "10000-01-01 00:00+00")
_BEYOND: Final = {ColumnType.DATE: "10000-01-01", ColumnType.TIMESTAMP: "10000-01-01 00:00:00.000000"}
_SPELLING: Final = ("SET datestyle = 'ISO'", "SET extra_float_digits = 1")
"""How a session of ours spells days, moments and numbers, whatever the database or the account is set to."""
_TLS: Final = {"off": "disable", "encrypt": "require", "verify": "verify-full"}
_INNER: Final = ("pg_", "information_schema")
_PAGES: Final = 64
"""Pages of a table (512 KiB) for which a connection of its own is worth while."""
_BY_PAGE: Final = 140_000
"""The first version that finds rows by their page without reading the whole table."""
_EXACT: Final = 120_000
"""The first version whose texts of floats say all of them; before it, a float is what its text says, as it is counted."""
_WRONG_LOGIN: Final = frozenset({"28000", "28P01"})
_NO_RIGHT: Final = frozenset({"42501"})
_GONE: Final = frozenset({"3D000", "3F000", "42P01", "42703"})
_BAD: Final = {
    **dict.fromkeys(_WRONG_LOGIN, "source_login_failed"),
    **dict.fromkeys(_NO_RIGHT, "source_forbidden"),
    **dict.fromkeys(_GONE, "source_object_missing"),
}


_CLASS: Final = sa.table(
    "pg_class",
    *(sa.column(name) for name in ("oid", "relname", "relnamespace", "reltuples", "relkind")),
    schema="pg_catalog",
)
_SPACE: Final = sa.table("pg_namespace", sa.column("oid"), sa.column("nspname"), schema="pg_catalog")


def _estimates(connection: Any) -> dict[str, int]:
    """Return how many rows the server thinks its tables have; those never looked at are left out."""
    joined = _CLASS.join(_SPACE, _SPACE.c.oid == _CLASS.c.relnamespace)
    query = sa.select(_SPACE.c.nspname, _CLASS.c.relname, _CLASS.c.reltuples).select_from(joined)
    with suppress(sa.exc.SQLAlchemyError):  # what speaks the protocol may keep no such notes
        found = connection.execute(query.where(_CLASS.c.reltuples >= 0))
        return {f"{schema}.{name}": int(rows) for schema, name, rows in found}
    return {}


@lru_cache(maxsize=32)
def _engine(url: sa.URL) -> sa.Engine:
    """Return what makes connections to an address, which keeps its compiled statements and no connection."""
    return sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)


class PostgreSQLOptions(ConnectorOptions):
    """How a PostgreSQL database is reached."""

    host: str = option(
        Text("主机", "Host"), Text("主机名，或 Unix 套接字所在的目录。", "Host, or the folder of a Unix socket.")
    )
    port: int = option(Text("端口", "Port"), Text("通常为 5432。", "Usually 5432."), default=5432, ge=1, le=65535)
    database: str = option(Text("数据库", "Database"), Text("库名。", "Name of the database."))
    user: str = option(Text("账号", "Account"), Text("只读账号即可。", "An account that may only read is enough."))
    password: SecretStr = option(Text("口令", "Password"), Text("账号的口令。", "Its password."), default=SecretStr(""))
    schemas: tuple[str, ...] = option(
        Text("模式", "Schemas"),
        Text(
            "只看这些模式，逗号分隔；空则为账号可见的全部。",
            "Only these, with commas; all that the account sees if empty.",
        ),
        default=(),
    )
    tls: Literal["verify", "encrypt", "off"] = option(
        Text("加密连接", "TLS"),
        Text(
            "verify 验证证书；encrypt 加密但不验证；off 不加密。",
            "verify: the certificate is checked; encrypt: it is not; off: plain.",
        ),
        default="verify",
    )
    connections: int = option(
        Text("连接数", "Connections"),
        Text(
            "大表同时用几个连接读取，都看到同一时刻；数据源机器空闲、网络较慢时可加大。",
            "Through so many a large table is read at once, all of one moment; raise it where the source has processors to spare or is far away.",
        ),
        default=1,
        ge=1,
        le=8,
    )
    time_zone: str = option(
        Text("时区", "Time zone"),
        Text("不带时区的时间列按此时区理解。", "Zone of columns that hold a time without one."),
        default="Asia/Shanghai",
    )


class _Grammar(Grammar):
    """PostgreSQL's spelling."""

    def __init__(self, time_zone: str, *, is_utf8: bool = False, exact: bool = False) -> None:
        self._zone = time_zone
        self._exact = exact
        self._is_utf8 = is_utf8
        self.dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]

    def read(self, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        if spec.type in {ColumnType.TEXT, ColumnType.DECIMAL}:
            return sa.cast(column, sa.Text())
        if spec.type is ColumnType.INTEGER:
            return sa.cast(column, sa.BigInteger())
        if spec.type is ColumnType.DOUBLE and not (self._exact and isinstance(column.type, sa.Double)):
            return sa.cast(sa.cast(column, sa.Text()), sa.Double())  # 1.1 in four bytes stays 1.1 in eight
        if spec.type is ColumnType.DATE:
            return self._within_years(column, sa.Date())
        if spec.type is ColumnType.TIMESTAMP:
            return self._within_years(self._moment(column), postgresql.TIMESTAMP(timezone=True))
        return column

    def canonical(self, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[str]:
        if spec.type is ColumnType.BOOLEAN:
            return sa.case((column.is_(sa.true()), self._word("1")), (column.is_(sa.false()), self._word("0")))
        if spec.type is ColumnType.DATE:  # spelled as ISO has it by our session; to_char costs twice as much
            return self._text_within(column, sa.Date(), sa.cast(column, sa.Text()), _BEYOND[spec.type])
        if spec.type is ColumnType.TIMESTAMP:
            moment = self._moment(column)
            short = sa.cast(sa.func.timezone(self._word("UTC"), moment), sa.Text())
            text = sa.func.pg_catalog.overlay(self._word(_NO_MOMENT), short, 1, type_=sa.Text())
            return self._text_within(moment, postgresql.TIMESTAMP(timezone=True), text, _BEYOND[spec.type])
        return sa.cast(column, sa.Text())

    def bound(self, value: Position, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        if spec.type is not ColumnType.TIMESTAMP:
            kind: sa.types.TypeEngine[Any] = sa.Numeric()
            if spec.type is ColumnType.INTEGER:
                kind = sa.BigInteger()
            elif spec.type is ColumnType.DATE:
                kind = sa.Date()
            return sa.cast(self._word(str(value)), kind)
        moment: sa.ColumnElement[Any] = sa.cast(self._word(f"{value}+00"), postgresql.TIMESTAMP(timezone=True))
        return moment if self._has_zone(column) else sa.func.timezone(self._word(self._zone), moment)

    def bucket(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
        return sa.cast(self._bits(text, 2), sa.Integer())

    def checksum(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
        return sa.cast(sa.func.sum(sa.cast(self._bits(text, 15), sa.BigInteger())), sa.Text())

    def _bits(self, text: sa.ColumnElement[str], digits: int) -> sa.ColumnElement[Any]:
        digest = sa.func.md5(text if self._is_utf8 else sa.func.convert_to(text, self._word("UTF8")))
        hexadecimal = self._word("x") + sa.func.substr(digest, 1, digits, type_=sa.Text())
        return sa.cast(hexadecimal, postgresql.BIT(4 * digits))

    def concat(self, texts: Sequence[sa.ColumnElement[str]]) -> sa.ColumnElement[str]:
        return reduce(add, texts)  # the operator is faster than the function, which looks every type up anew

    def _within_years(self, value: sa.ColumnElement[Any], kind: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
        """Write what no driver can carry (infinity, before Christ) as a day that the next step sets aside."""
        first, last, beyond = (sa.cast(self._word(day), kind) for day in _YEARS)
        return sa.case((sa.or_(value.is_(None), value.between(first, last)), value), else_=beyond)

    def _text_within(
        self, value: sa.ColumnElement[Any], kind: sa.types.TypeEngine[Any], text: sa.ColumnElement[str], beyond: str
    ) -> sa.ColumnElement[str]:
        first, last, _ = (sa.cast(self._word(day), kind) for day in _YEARS)
        return sa.case((value.between(first, last), text), (value.is_not(None), self._word(beyond)))

    def _moment(self, column: sa.ColumnClause[Any]) -> sa.ColumnElement[Any]:
        return column if self._has_zone(column) else sa.func.timezone(self._word(self._zone), column)

    @staticmethod
    def _has_zone(column: sa.ColumnClause[Any]) -> bool:
        return bool(getattr(column.type, "timezone", False))

    @staticmethod
    def _word(text: str) -> sa.ColumnElement[str]:
        return sa.literal(text, sa.Text())


class PostgreSQL(Connector, FollowsLog):
    """Read tables and views of a PostgreSQL database."""

    text: ClassVar[Text] = Text("PostgreSQL 数据库（及兼容产品）", "PostgreSQL database (and compatible products)")
    options_model: ClassVar[type[ConnectorOptions]] = PostgreSQLOptions
    options: PostgreSQLOptions

    def discover(self) -> list[Feed]:
        with self._inspector() as inspector:
            feeds = find_feeds(inspector, self._schemas(inspector))
            counted = _estimates(inspector.bind)
            return [replace(feed, rows=counted.get(feed.name)) for feed in feeds]

    def describe(self, name: str) -> Feed:
        return self.found(name)[1]

    def open(self, wanted: Wanted) -> AbstractContextManager[Reading]:
        return self.opened(wanted)

    def capture(self, name: str) -> Capture:
        from beijiang.ingest.connectors.postgresql_log import PostgreSQLCapture

        return PostgreSQLCapture(self, name)

    @contextmanager
    def opened(self, wanted: Wanted, snapshot: str = "") -> Iterator[_Snapshot]:
        """Open a look at a feed, of now or of a snapshot that another connection exported."""
        import adbc_driver_postgresql.dbapi as adbc

        table, _ = self.found(wanted.feed.name)
        with self.speaking(), adbc.connect(self.address()) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if snapshot:
                cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            for setting in _SPELLING:
                cursor.execute(setting)
            cursor.execute(
                "SELECT current_setting('server_encoding'), CAST(current_setting('server_version_num') AS INTEGER)"
            )
            encoding, version = (column[0].as_py() for column in cursor.fetch_arrow_table().columns)
            grammar = self.grammar(is_utf8=encoding == "UTF8", exact=version >= _EXACT)
            yield _Snapshot(self, cursor, table, wanted, grammar)

    def found(self, name: str) -> tuple[SqlTable, Feed]:
        """Find a table or view: as SQL knows it, and as a feed."""
        with self._inspector() as inspector:
            return find_table(inspector, name, self._schemas(inspector))

    def pages(self, table: SqlTable) -> int:
        """Return how many pages a table has that can be read page by page; 0 where it cannot be told."""
        size = sa.func.pg_relation_size(_CLASS.c.oid) / sa.cast(sa.func.current_setting("block_size"), sa.BigInteger())
        version = sa.cast(sa.func.current_setting("server_version_num"), sa.Integer())
        query = sa.select(size).select_from(_CLASS.join(_SPACE, _SPACE.c.oid == _CLASS.c.relnamespace))
        query = query.where(_CLASS.c.relname == table.name, _CLASS.c.relkind.in_(["r", "m"]), version >= _BY_PAGE)
        with suppress(BeijiangError), self.session(autocommit=False) as session:
            return int(session.execute(query.where(_SPACE.c.nspname == (table.schema or "public"))).scalar() or 0)
        return 0

    def grammar(self, *, is_utf8: bool = False, exact: bool = False) -> Grammar:
        """Return how this source's values are read and written.

        Where it keeps texts in UTF-8, it need not convert them; where its texts of floats are ``exact``, those are read as they are.
        """
        return _Grammar(self.options.time_zone, is_utf8=is_utf8, exact=exact)

    def address(self) -> str:
        """Return where the database is, for drivers that take one text; it holds the password."""
        return self._url("postgresql").render_as_string(hide_password=False)

    @contextmanager
    def session(self, *, autocommit: bool = True) -> Iterator[sa.Connection]:
        """Open a connection; each statement is a transaction of its own, or all are one that is rolled back."""
        with self.speaking(), _engine(self._url("postgresql+psycopg")).connect() as connection:
            for setting in ("SET lock_timeout = '60s'", *_SPELLING):  # whoever holds the table at the source
                connection.exec_driver_sql(setting)
            connection.commit()
            yield connection.execution_options(isolation_level="AUTOCOMMIT") if autocommit else connection

    def _schemas(self, inspector: sa.Inspector) -> list[str]:
        if self.options.schemas:
            return [*self.options.schemas]
        return [name for name in inspector.get_schema_names() if not name.startswith(_INNER)]

    @contextmanager
    def _inspector(self) -> Iterator[sa.Inspector]:
        with self.session(autocommit=False) as connection:
            yield sa.inspect(connection)

    def _url(self, driver: str) -> sa.URL:
        """Return the address with the checked IP in it; the name stays for the certificate."""
        given = self.options
        query = {
            "application_name": "beijiang",
            "client_encoding": "UTF8",
            "connect_timeout": "10",
            "keepalives_idle": "30",
            "sslmode": _TLS[given.tls],
            "tcp_user_timeout": "60000",
        }
        host: str | None = given.host
        if given.host.startswith("/"):
            query["host"], host = str(self.outbound.path(given.host)), None
            query["sslmode"] = "disable"
        else:
            query["hostaddr"] = self.outbound.addresses(given.host, given.port)[0].ip
        secret = given.password.get_secret_value() or None
        return sa.URL.create(driver, given.user, secret, host, given.port, given.database, query)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn what drivers say into errors of ours, without their words: those may quote rows and addresses."""
        import adbc_driver_manager
        import psycopg

        try:
            yield
        except BeijiangError:
            raise
        except (psycopg.Error, adbc_driver_manager.Error, sa.exc.DBAPIError) as error:
            raise _told(error) from error


class _Snapshot(Snapshot):
    """One repeatable-read transaction, read by ADBC."""

    def __init__(
        self, source: PostgreSQL, cursor: adbc.Cursor, table: SqlTable, wanted: Wanted, grammar: Grammar
    ) -> None:
        super().__init__(table, wanted, grammar, landed_schema(wanted.feed))
        self._source = source
        self._cursor = cursor

    def _again(self, wanted: Wanted) -> Reading:
        return _Snapshot(self._source, self._cursor, self._table, wanted, self._grammar)

    def twin(self) -> AbstractContextManager[_Snapshot]:
        self._cursor.execute("SELECT pg_export_snapshot()")
        return self._source.opened(self._wanted, self._cursor.fetch_arrow_table()[0][0].as_py())

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the wanted rows; a large table is cut by its pages and read through as many connections as may be used."""
        whole = self._wanted.window is None or self._wanted.window.start is None
        most = self._source.options.connections if whole else 1
        pages = self._source.pages(self._table) if most > 1 else 0
        rows = self._grammar.rows(self._table, self._wanted)
        with ExitStack() as others:
            looks = [self]
            while len(looks) < min(most, pages // _PAGES):
                twin = self.twin()
                try:
                    looks.append(others.enter_context(twin))
                except BeijiangError:  # the account may have no more of them
                    break
            if len(looks) == 1:
                yield from self.stream(rows)
                return
            ends = [pages * n // len(looks) for n in range(1, len(looks))]
            parts = [_within(rows, first, last) for first, last in zip([0, *ends], [*ends, None], strict=True)]
            yield from mingled([partial(look.stream, part) for look, part in zip(looks, parts, strict=True)])

    def stream(self, statement: sa.Select[Any]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        self._cursor.execute(self._grammar.text(statement))
        reader = self._cursor.fetch_record_batch()
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except (OSError, pa.ArrowException) as error:  # a stream tells of a broken connection in Arrow's words
                raise source_unreachable() from error
            yield batch

    def _all(self, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
        self._cursor.execute(self._grammar.text(statement))
        return [tuple(row.values()) for row in self._cursor.fetch_arrow_table().to_pylist()]


def _within(rows: sa.Select[Any], first: int, last: int | None) -> sa.Select[Any]:
    """Keep the rows on some pages of a table; None for the last reads to the end."""
    place: sa.ColumnClause[Any] = sa.column("ctid")
    rows = rows.where(place >= sa.cast(sa.literal(f"({first},0)", sa.Text()), Named("tid")))
    return rows if last is None else rows.where(place < sa.cast(sa.literal(f"({last},0)", sa.Text()), Named("tid")))


def _told(error: Exception) -> BeijiangError:
    inner = getattr(error, "orig", None) or error
    state = str(getattr(inner, "sqlstate", None) or "")
    words = str(inner)
    if not state and ("password authentication failed" in words or "no password supplied" in words):
        state = "28P01"
    if not state and "does not exist" in words:
        state = "3D000"
    if not state and ("SSL" in words or "certificate" in words):
        return source_refuses("source_tls")
    code = _BAD.get(state)
    if code is not None:
        return source_refuses(code, state)
    return source_unreachable(state)
