"""What a MySQL or MariaDB server must be set to before its binary log can be followed, and what it says of the columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Invalid, Text

if TYPE_CHECKING:
    from pymysql.connections import Connection

    from beijiang.ingest.connectors.capture import LogPosition
    from beijiang.ingest.connectors.contract import Wanted

__all__ = ["Column", "Known", "checked", "log_format", "place_of", "unreadable", "warned"]

_NEEDED: Final = {
    "log_bin": ("ON", "log_bin"),
    "binlog_format": ("ROW", "binlog_format = ROW"),
    "binlog_row_image": ("FULL", "binlog_row_image = FULL"),
    "binlog_row_metadata": ("FULL", "binlog_row_metadata = FULL"),
    "log_bin_compress": ("OFF", "log_bin_compress = OFF"),
    "binlog_transaction_compression": ("OFF", "binlog_transaction_compression = OFF"),
}
_OPTIONAL: Final = frozenset({"log_bin_compress", "binlog_transaction_compression"})
_COLUMNS: Final = """SELECT column_name, column_type, column_default, is_nullable, extra FROM information_schema.COLUMNS
    WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"""
_TABLE: Final = "SELECT table_name, engine FROM information_schema.TABLES WHERE table_schema = %s AND table_name = %s"
_CHARSETS: Final = "SELECT id, character_set_name FROM information_schema.COLLATIONS WHERE id IS NOT NULL"
_CASCADES: Final = """SELECT constraint_name FROM information_schema.REFERENTIAL_CONSTRAINTS
    WHERE constraint_schema = %s AND table_name = %s
      AND (delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR update_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))"""
_UNFIT: Final = ("geometry", "point", "linestring", "polygon", "multi", "geom", "uuid", "inet", "json", "vector")
_NO_RIGHT: Final = frozenset({1227, 1044, 1142, 1045})


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the server has it now."""

    native: str
    filled: bool
    """Rows that were there when it was added got a value without a log entry."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the server says of a table."""

    table: str
    columns: dict[str, Column]
    natives: dict[str, str]
    """Of all columns, also those that are not wanted."""
    charsets: dict[int, str]
    is_mariadb: bool


def checked(connection: Connection[Any], database: str, wanted: Wanted) -> Known:
    """Return what is known of a table whose log can be followed.

    Raises:
        Invalid: it cannot; says what the server's administrator has to do.

    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        version = str((cursor.fetchone() or [""])[0])
        cursor.execute("SHOW GLOBAL VARIABLES")
        _check_server({str(n).lower(): str(v) for n, v in cursor.fetchall()})
        cursor.execute(_TABLE, (database, wanted.feed.name))
        found = [*cursor.fetchall()]
        name, engine = next((r for r in found if r[0] == wanted.feed.name), found[0])
        cursor.execute(_CASCADES, (database, name))
        cascades = [row[0] for row in cursor.fetchall()]
        _check_table(wanted, str(engine or ""), cascades)
        cursor.execute(_COLUMNS, (database, name))
        rows = [[_word(v) for v in row] for row in cursor.fetchall()]
        cursor.execute(_CHARSETS)
        charsets = {int(n): str(c) for n, c in cursor.fetchall() if c}
    natives = {row[0]: row[1].lower() for row in rows}
    columns = {
        label: Column(kind.lower(), filled=default not in {None, "NULL"} or nullable == "NO" or bool(extra))
        for label, kind, default, nullable, extra in rows
        if wanted.feed.column(label) is not None
    }
    unfit = [n for n, kind in natives.items() if kind.startswith(_UNFIT) and n in columns]
    if unfit:
        raise unreadable(wanted.feed.name, "、".join(unfit))
    place_of(connection)
    return Known(name, columns, natives, charsets, "mariadb" in version.lower())


def _word(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _check_server(variables: dict[str, str]) -> None:
    wrong = []
    for name, (value, words) in _NEEDED.items():
        is_set = variables.get(name, value if name in _OPTIONAL else "")
        if is_set.upper() != value:
            wrong.append(words)
    if variables.get("server_id", "0") == "0":
        wrong.append("server_id = 1")
    if wrong:
        raise Invalid(
            f"数据源的二进制日志没有记下每一行的变化。请其管理员在配置文件 [mysqld] 中设置并重启：{'；'.join(wrong)}。",
            f"The binary log of the source does not tell of every row. Have its administrator set, below [mysqld], and restart: {'; '.join(wrong)}.",
            code="capture_binlog_format",
        )


def _check_table(wanted: Wanted, engine: str, cascades: list[str]) -> None:
    if engine.lower() != "innodb":
        raise Invalid(
            f"“{wanted.feed.name}”不是 InnoDB 表（{engine or '视图'}），没有事务，日志与数据可能不一致。请改用增量或全量。",
            f'"{wanted.feed.name}" is no InnoDB table ({engine or "a view"}): without transactions its log and its rows may differ. Take it incrementally or in full.',
            code="capture_no_log",
        )
    if cascades:
        raise Invalid(
            f"“{wanted.feed.name}”的行会随外键（{'、'.join(cascades)}）级联修改或删除，数据库不把这些写入日志。请改用增量（--deletes）或全量。",
            f'Rows of "{wanted.feed.name}" are changed or deleted by cascades of foreign keys ({", ".join(cascades)}), of which the log does not tell. Take it incrementally (--deletes) or in full.',
            code="capture_cascade",
        )


def place_of(connection: Connection[Any]) -> tuple[str, str]:
    """Return the end of the log and the server's clock in UTC.

    Raises:
        Invalid: the account may not ask (``capture_no_right``).

    """
    import pymysql

    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        seen = (cursor.fetchone() or [None])[0]
        try:
            try:
                cursor.execute("SHOW MASTER STATUS")
            except pymysql.err.ProgrammingError:  # MySQL 8.4 has another word for it
                cursor.execute("SHOW BINARY LOG STATUS")
        except pymysql.err.MySQLError as error:
            if error.args and error.args[0] in _NO_RIGHT:
                raise no_right() from error
            raise
        found = cursor.fetchone()
    if found is None:
        raise log_format("log_bin")
    return f"{found[0]}:{found[1]}", seen.isoformat(sep=" ", timespec="microseconds")


def warned(connection: Connection[Any], position: LogPosition) -> tuple[Text, ...]:
    """Warn where the server will soon purge the log from a position on."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL VARIABLES LIKE '%expire_logs%'")
        kept = {str(n): float(v) for n, v in cursor.fetchall()}
        cursor.execute("SELECT TIMESTAMPDIFF(SECOND, %s, UTC_TIMESTAMP())", (position.seen_at,))
        age = float((cursor.fetchone() or [0])[0] or 0)
    limit = kept.get("binlog_expire_logs_seconds") or kept.get("expire_logs_days", 0) * 86_400
    if not limit or age < limit / 2:
        return ()
    hours = f"{limit / 3600:,.0f}"
    zh = f"数据源只保留 {hours} 小时的二进制日志，而上次取数已过半。请尽快取数，否则须重新取全部数据。"
    return (
        Text(
            zh,
            f"The source keeps its binary log for {hours} hours, and half of that has passed. Run this soon, or everything must be read again.",
        ),
    )


def no_right() -> Invalid:
    """Say that the account may not read the log."""
    return Invalid(
        "账号不能读二进制日志。请数据源管理员执行 GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 该账号;",
        "The account may not read the binary log. Have the source's administrator run GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO the account;",
        code="capture_no_right",
    )


def log_format(what: str) -> Invalid:
    """Say that the log holds something that does not tell of every row."""
    return Invalid(
        f"数据源的二进制日志里有不能逐行跟踪的内容（{what}）。表没有改变。请其管理员改正设置，然后重新取一次全部数据：beijiang ingest sync 表名 --whole。",
        f"The binary log of the source holds something that does not tell of every row ({what}). The table is unchanged. Have its administrator correct the setting, then take a new snapshot: beijiang ingest sync TABLE --whole.",
        code="capture_binlog_format",
    )


def unreadable(feed: str, columns: str) -> Invalid:
    """Say that a column's type cannot be read from the log to the last bit."""
    return Invalid(
        f"“{feed}”的列 {columns} 的类型不能从二进制日志中准确读出。请只选其余的列（--column），或改用增量、全量。",
        f'The type of column {columns} of "{feed}" cannot be read exactly from the binary log. Choose the others only (--column), or take it incrementally or in full.',
        code="capture_type",
    )
