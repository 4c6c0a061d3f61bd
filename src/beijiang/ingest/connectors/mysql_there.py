"""Deliveries to MySQL and MariaDB: staged by a stream or by inserts, then merged in the one transaction that lists the delivery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from beijiang.ingest.connectors.destination import Delivered, Parcel, specs_of
from beijiang.ingest.connectors.mysql import MySQL, MySQLOptions
from beijiang.ingest.connectors.mysql_stream import LOCAL_FILES, is_allowed, load, written
from beijiang.ingest.connectors.tables_there import Run, TableDestination, counted, rejected
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import Invalid, Text, Unavailable

if TYPE_CHECKING:
    import pyarrow as pa
    from pymysql.connections import Connection

    from beijiang.ingest.connectors.contract import ConnectorOptions

__all__ = ["MySQLDestination"]

_DIALECT: Any = mysql.dialect(paramstyle="named")
_KEY_TEXT: Final = 255
_WAIT: Final = 60
_AT_ONCE: Final = 2_000
_MODE: Final = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'"
_BUSY: Final = frozenset({1040, 1205, 1213})
_OF_CLIENT: Final = range(2000, 3000)
"""Numbers that the client gives itself: the connection broke."""
_TYPES: Final[dict[ColumnType, sa.types.TypeEngine[Any]]] = {
    ColumnType.BOOLEAN: mysql.TINYINT(1),
    ColumnType.INTEGER: sa.BigInteger(),
    ColumnType.DOUBLE: sa.Double(),
    ColumnType.DATE: sa.Date(),
    ColumnType.TIMESTAMP: mysql.DATETIME(fsp=6),
}


_WAYS: Final = {
    True: Text("数据以流送入（LOAD DATA LOCAL）。", "Rows go in as a stream (LOAD DATA LOCAL)."),
    False: Text(
        "目标服务器没有打开 local_infile，改用多行 INSERT，较慢；需要更快时请其管理员执行 SET GLOBAL local_infile = 1。",
        "The server does not allow local_infile, so rows go in by INSERT, which is slower; for the quicker way let its administrator run SET GLOBAL local_infile = 1.",
    ),
}
"""By whether the server takes streams: how rows get there, and how to have the other way."""


class _Taker(MySQL):
    """The connector of a place that is written to: it may be sent streams."""

    flags: ClassVar[int] = LOCAL_FILES


class MySQLDestination(TableDestination):
    """Bring rows into a table of a MySQL or MariaDB database."""

    text: ClassVar[Text] = MySQL.text
    options_model: ClassVar[type[ConnectorOptions]] = MySQLOptions
    options: MySQLOptions

    def source(self) -> MySQL:
        return _Taker(self.options, self.outbound)

    def look(self, parcel: Parcel) -> Text:
        found = super().look(parcel)
        with self.source().connection() as connection:
            way = _WAYS[is_allowed(connection)]
        return Text(f"{found.zh}{way.zh}", f"{found.en} {way.en}")

    def schema_of(self, target: str) -> tuple[str | None, str]:
        schema, name = super().schema_of(target)
        if schema not in {None, self.options.database}:
            raise Invalid(
                f"目标表须在连接所用的库“{self.options.database}”中，请只填表名。",
                f'The target lies in the database "{self.options.database}" of the connection; give the table only.',
                code="push_target",
            )
        return None, name

    def typed(self, spec: ColumnSpec, *, in_key: bool) -> sa.types.TypeEngine[Any]:
        if spec.type is ColumnType.DECIMAL:
            return sa.Numeric(spec.precision, spec.scale)
        # Byte by byte, so that keys which differ in case or accent stay apart, as they do here.
        text = mysql.VARCHAR(_KEY_TEXT, collation="utf8mb4_bin") if in_key else mysql.LONGTEXT(collation="utf8mb4_bin")
        return _TYPES.get(spec.type, text)

    def check_table(self, parcel: Parcel) -> None:
        about = sa.table(
            "TABLES",
            *(sa.column(n, sa.String()) for n in ("table_schema", "table_name", "engine")),
            schema="information_schema",
        )
        name = self.schema_of(parcel.target)[1]
        asked = sa.select(about.c.engine).where(
            about.c.table_schema == self.options.database, about.c.table_name == name
        )
        with self.reading() as run:
            engine = str((run(asked) or [[""]])[0][0] or "")
        if engine.lower() != "innodb":
            raise Invalid(
                f"目标表的存储引擎是 {engine or '视图'}，不能整批回滚。请改为 InnoDB，或换一个表名由平台新建。",
                f"The target's engine is {engine or 'none (a view)'}, which cannot take a delivery whole or not at all. Make it InnoDB, or name another table.",
                code="push_unfit",
                detail={"engine": engine},
            )

    def noted(self, run: Run, parcel: Parcel) -> Delivered | None:
        listed = sa.table(
            "TABLES", *(sa.column(n, sa.String()) for n in ("table_schema", "table_name")), schema="information_schema"
        )
        name = str(self.listing(parcel).name)
        there = sa.select(listed.c.table_name).where(
            listed.c.table_schema == self.options.database, listed.c.table_name == name
        )
        return super().noted(run, parcel) if run(there) else None

    @contextmanager
    def reading(self) -> Iterator[Run]:
        with self.source().connection() as connection:
            yield _runner(connection)

    def deliver(self, parcel: Parcel, goods: Iterator[pa.RecordBatch]) -> Delivered:
        self.look(parcel)
        totals = dict[str, int]()
        with self.source().connection() as connection, _told():
            run = _runner(connection)
            with connection.cursor() as cursor:
                cursor.execute(_MODE)
            run(sa.schema.CreateTable(self.listing(parcel), if_not_exists=True))  # such statements commit by themselves
            run(sa.schema.CreateTable(self.target(parcel), if_not_exists=True))
            feed = self.found(parcel)
            if run(sa.select(sa.func.get_lock(f"beijiang.{parcel.push}"[:64], _WAIT)))[0][0] != 1:
                raise _taken()
            connection.begin()
            known = self.noted(run, parcel)
            if known is not None:
                return known
            run(sa.schema.CreateTable(self.stage(parcel)))
            way = self._fill(connection, parcel, counted(goods, totals), totals)
            for statement in self.merge(parcel, feed):
                run(statement)
            run(self.note(parcel, totals.get("rows", 0), totals.get("gone", 0)))
            connection.commit()
        return Delivered(rows=totals.get("rows", 0), gone=totals.get("gone", 0), facts={"way": way})

    def _fill(
        self, connection: Connection[Any], parcel: Parcel, goods: Iterator[pa.RecordBatch], totals: Mapping[str, int]
    ) -> str:
        """Bring rows into the stage, as a stream where the server takes one; return which way they went."""
        stage, quoted = self.stage(parcel), _DIALECT.identifier_preparer
        names = [quoted.quote(column.name) for column in stage.columns]
        if is_allowed(connection):
            specs = [*specs_of(parcel.schema), *([] if parcel.whole else [None])]
            lines = written(goods, specs, self.options.time_zone)
            taken = load(connection, quoted.format_table(stage), names, lines)
            if taken is not None:
                if taken != totals.get("rows", 0) + totals.get("gone", 0):
                    raise rejected(f"{taken}")
                return "load_data"
        self._insert(connection, stage, names, goods)
        return "insert"

    def _insert(
        self, connection: Connection[Any], stage: sa.Table, named: Sequence[str], goods: Iterator[pa.RecordBatch]
    ) -> None:
        zone, quoted = ZoneInfo(self.options.time_zone), _DIALECT.identifier_preparer
        names = ", ".join(name.replace("%", "%%") for name in named)
        places = ", ".join(["%s"] * len(stage.columns))
        words = ("INSERT INTO", quoted.format_table(stage), "(", names, ") VALUES (", places, ")")
        with connection.cursor() as cursor:
            for batch in goods:
                for start in range(0, batch.num_rows, _AT_ONCE):
                    part = batch.slice(start, _AT_ONCE)
                    columns = [[_local(v, zone) for v in column.to_pylist()] for column in part.columns]
                    cursor.executemany(" ".join(words), [*zip(*columns, strict=True)])


def _local(value: Any, zone: ZoneInfo) -> Any:
    """Return a moment as a DATETIME column holds it."""
    return value.astimezone(zone).replace(tzinfo=None) if isinstance(value, datetime) else value


def _runner(connection: Connection[Any]) -> Run:
    def run(statement: sa.ClauseElement) -> Sequence[Sequence[Any]]:
        words = {} if isinstance(statement, sa.schema.ExecutableDDLElement) else {"literal_binds": True}
        with connection.cursor() as cursor:
            cursor.execute(str(statement.compile(dialect=_DIALECT, compile_kwargs=words)))
            return [*(cursor.fetchall() or ())]

    return run


@contextmanager
def _told() -> Iterator[None]:
    """Part what trying again cannot mend from what it may."""
    import pymysql

    try:
        yield
    except (pymysql.err.IntegrityError, pymysql.err.DataError, pymysql.err.ProgrammingError) as error:
        raise rejected(str(error.args[0] if error.args else "")) from error
    except pymysql.err.OperationalError as error:
        number = error.args[0] if error.args else 0
        if number in _BUSY or number in _OF_CLIENT:
            raise
        raise rejected(str(number)) from error


def _taken() -> Unavailable:
    return Unavailable(
        "上一次交付仍在目标数据库中进行，稍后再试。",
        "The delivery before is still at work in the target database; it is tried again.",
        code="push_busy",
    )
