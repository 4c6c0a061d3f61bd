"""MySQL, MariaDB and what speaks their protocol (OceanBase): every value as its canonical text, all of one run from one snapshot."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import sqlalchemy as sa
from pydantic import SecretStr

from beijiang.ingest.connectors.capture import Capture, FollowsLog
from beijiang.ingest.connectors.contract import (
    Connector,
    ConnectorOptions,
    Feed,
    FeedColumn,
    Reading,
    Wanted,
    option,
)
from beijiang.ingest.connectors.mysql_grammar import MySQLGrammar, Native
from beijiang.ingest.connectors.sql import Grammar, Snapshot, SqlTable, is_ordered, text_schema
from beijiang.ingest.connectors.troubles import feed_missing, source_refuses, source_unreachable
from beijiang.ingest.connectors.zones import Zone
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    import pyarrow as pa
    from pymysql.connections import Connection

    from beijiang.tables import Fingerprint

__all__ = ["MySQL", "MySQLOptions"]

_WRONG_LOGIN: Final = (1045, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 2059, 3118, 3955, 4151)
_NO_RIGHT: Final = (1044, 1142, 1143, 1227, 1370)
_GONE: Final = (1049, 1051, 1054, 1109, 1146)
_NO_TLS: Final = (2026, 3159)
_BAD: Final = {
    **dict.fromkeys(_WRONG_LOGIN, "source_login_failed"),
    **dict.fromkeys(_NO_RIGHT, "source_forbidden"),
    **dict.fromkeys(_GONE, "source_object_missing"),
    **dict.fromkeys(_NO_TLS, "source_tls"),
}
_ODD: Final = {"LOAD_LOCAL": "source_asks_for_file", "auth method": "source_login_failed"}
"""By what stands in a bare RuntimeError of the driver: it was asked for a file, or for a way to sign in that it does not know."""
_SECONDS: Final = 10
_PATIENCE: Final = 900
"""Seconds in which a source may count its rows without a word."""
_BEGIN: Final = (
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION net_write_timeout = 600",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
_NO_SNAPSHOT: Final = frozenset({"myisam", "aria", "memory", "csv", "archive", "mrg_myisam", "federated", "blackhole"})

_WHOLE: Final = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year"})
_PRECISION: Final = 38


class MySQLOptions(ConnectorOptions):
    """How a MySQL or MariaDB database is reached."""

    host: str = option(
        Text("主机", "Host"), Text("主机名，或 Unix 套接字的路径。", "Host, or the path of a Unix socket.")
    )
    port: int = option(Text("端口", "Port"), Text("通常为 3306。", "Port."), default=3306, ge=1, le=65535)
    database: str = option(Text("数据库", "Database"), Text("库名。", "Database."))
    user: str = option(
        Text("账号", "Account"),
        Text(
            "只有 SELECT 权限的账号即可；OceanBase 写作 账号@租户。",
            "Account; one that may only SELECT is enough. OceanBase: user@tenant.",
        ),
    )
    password: SecretStr = option(Text("口令", "Password"), Text("账号的口令。", "Its password."), default=SecretStr(""))
    tls: Literal["verify", "encrypt", "off"] = option(
        Text("加密连接", "TLS"),
        Text(
            "verify 验证证书；encrypt 加密但不验证；off 不加密。",
            "verify: TLS with a checked certificate; encrypt: TLS unchecked; off: plain.",
        ),
        default="verify",
    )
    ca: str = option(
        Text("证书颁发机构", "Authority"),
        Text(
            "受信任的颁发机构证书（PEM）；空则用本机的。",
            "Certificates (PEM) of the authority that is trusted; the system's if empty.",
        ),
        default="",
    )
    time_zone: Zone = option(
        Text("时区", "Time zone"),
        Text("DATETIME 列不带时区，按此时区理解。", "Zone of DATETIME columns, which hold a time without one."),
        default="Asia/Shanghai",
    )
    tinyint1: Literal["boolean", "integer"] = option(
        Text("tinyint(1)", "tinyint(1)"),
        Text(
            "tinyint(1) 存的是什么；存 0 和 1 以外的代码时选 integer。",
            "What tinyint(1) holds; choose integer where it holds codes other than 0 and 1.",
        ),
        default="boolean",
    )


class MySQL(Connector, FollowsLog):
    """Read tables and views of a MySQL or MariaDB database."""

    text: ClassVar[Text] = Text(
        "MySQL / MariaDB 数据库（及兼容产品）", "MySQL or MariaDB database (and compatible products)"
    )
    options_model: ClassVar[type[ConnectorOptions]] = MySQLOptions
    flags: ClassVar[int] = 0
    """What the client says it can do beyond reading."""
    options: MySQLOptions

    def discover(self) -> list[Feed]:
        table = _inner("tables", "table_schema", "table_name", "table_comment", "table_rows", "table_type")
        query = sa.select(table.c.table_name, table.c.table_comment, table.c.table_rows, table.c.table_type)
        query = query.where(table.c.table_schema == self.options.database).order_by(table.c.table_name)
        with self.connection() as connection:
            found = _rows(connection, self._grammar().text(query))
        return [
            Feed(name=name, comment="" if "VIEW" in kind else comment or "", rows=None if rows is None else int(rows))
            for name, comment, rows, kind in found
        ]

    def describe(self, name: str) -> Feed:
        with self.connection() as connection:
            return self._found(connection, name)[1]

    @contextmanager
    def open(self, wanted: Wanted) -> Iterator[Reading]:
        with self.connection() as connection:
            yield self._look(connection, wanted)

    def capture(self, name: str) -> Capture:
        from beijiang.ingest.connectors.mysql_log import MySQLCapture

        return MySQLCapture(self, name)

    @contextmanager
    def opened(self, wanted: Wanted, *, locked: bool) -> Iterator[tuple[Reading, str, str]]:
        """Open a look at a feed with its place in the binary log and the server's clock.

        MariaDB tells the place of a snapshot; MySQL does not, so there all tables are ``locked`` for a moment.
        """
        from beijiang.ingest.connectors.mysql_checks import place_of

        with self.connection() as connection, connection.cursor() as cursor:
            if locked:
                cursor.execute("FLUSH TABLES WITH READ LOCK")
            reading = self._look(connection, wanted)
            at, seen = place_of(connection)
            if locked:
                cursor.execute("UNLOCK TABLES")
            else:
                cursor.execute("SHOW STATUS LIKE 'binlog_snapshot_%'")
                told = {str(n).lower(): str(v) for n, v in cursor.fetchall()}
                at = f"{told['binlog_snapshot_file']}:{told['binlog_snapshot_position']}"
            yield reading, at, seen

    def _look(self, connection: Connection[Any], wanted: Wanted) -> Reading:
        table, _, engine = self._found(connection, wanted.feed.name)
        with connection.cursor() as cursor:
            for statement in _BEGIN:
                cursor.execute(statement)
        steady = bool(engine) and engine not in _NO_SNAPSHOT
        return _Snapshot(connection, table, wanted, self._grammar(), steady=steady)

    def _grammar(self) -> MySQLGrammar:
        return MySQLGrammar(self.options.time_zone)

    # What the server knows of its tables. INFORMATION_SCHEMA shows an account what it may read, to the column; SHOW asks for more.

    def _found(self, connection: Connection[Any], name: str) -> tuple[SqlTable, Feed, str]:
        here, text = self.options.database, self._grammar().text
        table = _inner("tables", "table_schema", "table_name", "table_comment", "table_type", "engine")
        about = sa.select(table.c.table_name, table.c.table_comment, table.c.table_type, table.c.engine)
        known = _rows(connection, text(about.where(table.c.table_schema == here, table.c.table_name == name)))
        known = [row for row in known if row[0] == name] or known
        column = _inner(
            "columns", "table_schema", "table_name", "column_name", "ordinal_position", "column_comment", *_TYPED
        )
        shown = sa.select(column.c.column_name, column.c.column_comment, *(column.c[n] for n in _TYPED))
        mine = shown.where(column.c.table_schema == here, column.c.table_name == (known[0][0] if known else name))
        columns = _rows(connection, text(mine.order_by(column.c.ordinal_position)))
        if not known or not columns:
            raise feed_missing(name)
        name, comment, kind, engine = known[0]
        types: dict[str, sa.types.TypeEngine[Any]] = {}
        described = []
        for label, said, word, native, precision, scale in columns:
            spec = self._spec(label, word.lower(), native.lower(), precision, scale)
            types[label] = Native(word.lower(), int(precision or 0))
            described.append(FeedColumn(spec, native.lower(), said or "", is_ordered(spec)))
        comment = "" if "VIEW" in kind else comment or ""
        feed = Feed(name=name, comment=comment, columns=tuple(described), key=self._key(connection, name))
        return SqlTable(None, name, types), feed, (engine or "").lower()

    def _key(self, connection: Connection[Any], name: str) -> tuple[str, ...]:
        part = _inner(
            "key_column_usage", "table_schema", "table_name", "column_name", "constraint_name", "ordinal_position"
        )
        query = sa.select(part.c.column_name).where(
            part.c.table_schema == self.options.database,
            part.c.table_name == name,
            part.c.constraint_name == "PRIMARY",
        )
        found = _rows(connection, self._grammar().text(query.order_by(part.c.ordinal_position)))
        return tuple(row[0] for row in found)

    def _spec(self, name: str, word: str, native: str, precision: int | None, scale: int | None) -> ColumnSpec:
        """Map a type to one of ours; whatever has no exact counterpart is kept as its text."""
        if native.startswith("tinyint(1)") and self.options.tinyint1 == "boolean":
            return ColumnSpec(name, ColumnType.BOOLEAN)
        if word == "bit" and precision == 1:
            return ColumnSpec(name, ColumnType.BOOLEAN)
        if word == "bigint" and "unsigned" in native:
            return ColumnSpec(name, ColumnType.DECIMAL, precision=20, scale=0, fixed=True)
        if word == "decimal" and precision is not None and int(precision) <= _PRECISION:
            return ColumnSpec(name, ColumnType.DECIMAL, precision=int(precision), scale=int(scale or 0), fixed=True)
        if word in _WHOLE:
            return ColumnSpec(name, ColumnType.INTEGER)
        kinds = {
            "float": ColumnType.DOUBLE,
            "double": ColumnType.DOUBLE,
            "date": ColumnType.DATE,
            "datetime": ColumnType.TIMESTAMP,
            "timestamp": ColumnType.TIMESTAMP,
        }
        return ColumnSpec(name, kinds.get(word, ColumnType.TEXT))

    # The way there

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """Connect, and turn what the driver says into errors of ours, without its words: those may quote rows and addresses."""
        import pymysql

        try:
            connection = self._connected()
            try:
                yield connection
            finally:
                connection._force_close()  # noqa: SLF001 - without a farewell, which a broken connection would wait for
        except BeijiangError:
            raise
        except (pymysql.err.Error, OSError) as error:
            raise _told(error) from error
        except RuntimeError as error:
            code = next((code for words, code in _ODD.items() if words in str(error)), None)
            if code is None:
                raise
            raise source_refuses(code) from error

    def _connected(self) -> Connection[Any]:
        from pymysql.connections import Connection

        given = self.options
        local = given.host.startswith("/")
        context = None if local or given.tls == "off" else self._context()
        connection: Connection[Any] = Connection(
            host=given.host,
            port=given.port,
            user=given.user,
            password=given.password.get_secret_value(),
            database=given.database,
            charset="utf8mb4",
            sql_mode="",  # quotes and backslashes as the dialect writes them; zero dates come as they are
            ssl=context,
            ssl_disabled=context is None,
            read_timeout=_PATIENCE,
            write_timeout=60,
            client_flag=self.flags,
            auth_plugin_map=None if given.tls == "verify" and not local else {"mysql_clear_password": _NoBarePassword},
            defer_connect=True,
        )
        connection.connect(self._socket())
        return connection

    def _socket(self) -> socket.socket:
        """Return a connection to the checked address; the name stays for the certificate."""
        given = self.options
        if given.host.startswith("/"):
            path = str(self.outbound.path(given.host))
            local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            local.settimeout(_SECONDS)
            self.outbound.opened(local)
            try:
                local.connect(path)
            except OSError:
                local.close()
                raise
            return local
        address = self.outbound.addresses(given.host, given.port)[0]
        made = socket.create_connection((address.ip, address.port), timeout=_SECONDS)
        self.outbound.opened(made)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return made

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cadata=self.options.ca or None)
        except (ssl.SSLError, ValueError) as error:
            raise source_refuses("source_tls") from error
        if self.options.tls == "encrypt":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


_TYPED: Final = ("data_type", "column_type", "numeric_precision", "numeric_scale")


def _inner(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name.upper(), *(sa.column(c) for c in columns), schema="information_schema")


def _rows(connection: Connection[Any], statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [*cursor.fetchall()]


class _NoBarePassword:
    """Refuses a server that asks for the password itself where nobody has checked who it is."""

    def __init__(self, connection: Connection[Any]) -> None:
        del connection

    def authenticate(self, packet: object) -> None:
        """Refuse."""
        from pymysql.err import OperationalError

        del packet
        raise OperationalError(2059, "mysql_clear_password")


class _Snapshot(Snapshot):
    """One repeatable-read transaction; not one moment where the table's engine knows none."""

    def __init__(
        self, connection: Connection[Any], table: SqlTable, wanted: Wanted, grammar: Grammar, *, steady: bool
    ) -> None:
        super().__init__(table, wanted, grammar, text_schema(wanted.feed))
        self._connection = connection
        self.consistent = steady

    def _again(self, wanted: Wanted) -> Reading:
        return _Snapshot(self._connection, self._table, wanted, self._grammar, steady=self.consistent)

    def fingerprint(self) -> Fingerprint | None:
        """Count, except where a column holds floating point, whose text MySQL writes in a way of its own."""
        if any(c.spec.type is ColumnType.DOUBLE for c in self._wanted.feed.columns):
            return None
        return super().fingerprint()

    def stream(self, statement: sa.Select[Any]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from beijiang.ingest.connectors.mysql_rows import columns_of, shortest

        names = [c.name for c in statement.selected_columns]
        short = [isinstance(kind := self._table.types[n], Native) and kind.word == "float" for n in names]
        for arrays in columns_of(self._connection, self._grammar.text(statement)):
            yield pa.RecordBatch.from_arrays(
                [shortest(a) if four else a for a, four in zip(arrays, short, strict=True)], names=names
            )

    def _all(self, statement: sa.Select[Any]) -> Sequence[Sequence[Any]]:
        return _rows(self._connection, self._grammar.text(statement))


def _told(error: Exception) -> BeijiangError:
    cause = getattr(error, "original_exception", error)
    if isinstance(cause, ssl.SSLError):
        return source_refuses("source_tls")
    number = error.args[0] if error.args and isinstance(error.args[0], int) and not isinstance(error, OSError) else 0
    code = _BAD.get(number)
    state = str(number or "")
    return source_unreachable(state) if code is None else source_refuses(code, state)
