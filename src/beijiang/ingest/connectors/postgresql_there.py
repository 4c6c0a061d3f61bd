"""Deliveries to PostgreSQL: staged by COPY (ADBC), then merged in the one transaction that lists the delivery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from beijiang.ingest.connectors.destination import Delivered, Parcel, specs_of
from beijiang.ingest.connectors.postgresql import PostgreSQL, PostgreSQLOptions
from beijiang.ingest.connectors.spool_there import Spool
from beijiang.ingest.connectors.tables_there import STAGE, Run, TableDestination, counted, is_rejection, rejected
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import Text, Unavailable

if TYPE_CHECKING:
    import adbc_driver_postgresql.dbapi as adbc
    import pyarrow as pa

    from beijiang.ingest.connectors.contract import ConnectorOptions

__all__ = ["PostgreSQLDestination"]

_DIALECT: Any = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
_SETTINGS = ("SET LOCAL lock_timeout = '60s'", "SET LOCAL work_mem = '64MB'", "SET temp_buffers = '64MB'")
"""Nobody is waited for longer; what is staged is joined and kept in memory as far as it fits."""
_TEXT = sa.Text(collation="C")
"""Compared byte by byte, as here: keys that differ stay apart, and their index is quick."""
_TYPES: dict[ColumnType, sa.types.TypeEngine[Any]] = {
    ColumnType.BOOLEAN: sa.Boolean(),
    ColumnType.INTEGER: sa.BigInteger(),
    ColumnType.DOUBLE: sa.Double(),
    ColumnType.DATE: sa.Date(),
    ColumnType.TIMESTAMP: postgresql.TIMESTAMP(timezone=True),
}

_SENT_AS: dict[ColumnType, str] = {
    ColumnType.BOOLEAN: "boolean",
    ColumnType.DATE: "date",
    ColumnType.DECIMAL: "numeric",
    ColumnType.DOUBLE: "double precision",
    ColumnType.INTEGER: "bigint",
    ColumnType.TEXT: "text",
    ColumnType.TIMESTAMP: "timestamp with time zone",
}
"""The types that are sent, as information_schema names them."""


class PostgreSQLDestination(TableDestination):
    """Bring rows into a table of a PostgreSQL database."""

    text: ClassVar[Text] = PostgreSQL.text
    options_model: ClassVar[type[ConnectorOptions]] = PostgreSQLOptions
    options: PostgreSQLOptions

    def source(self) -> PostgreSQL:
        return PostgreSQL(self.options, self.outbound)

    def typed(self, spec: ColumnSpec, *, in_key: bool) -> sa.types.TypeEngine[Any]:
        del in_key
        if spec.type is ColumnType.DECIMAL:
            return sa.Numeric(spec.precision, spec.scale)
        return _TYPES.get(spec.type, _TEXT)

    def schema_of(self, target: str) -> tuple[str | None, str]:
        schema, name = super().schema_of(target)
        return schema or (self.options.schemas or ("public",))[0], name

    @contextmanager
    def reading(self) -> Iterator[Run]:
        with self._conversation() as cursor:
            yield _runner(cursor)

    def noted(self, run: Run, parcel: Parcel) -> Delivered | None:
        schema, name = self.schema_of(self.listing(parcel).fullname)
        there = sa.table(
            "tables",
            sa.column("table_schema", sa.String()),
            sa.column("table_name", sa.String()),
            schema="information_schema",
        )
        listed = sa.select(there.c.table_name).where(there.c.table_schema == schema, there.c.table_name == name)
        return super().noted(run, parcel) if run(listed) else None

    def upsert(self, parcel: Parcel, target: sa.Table, chosen: sa.Select[Any]) -> sa.ClauseElement | None:
        put = postgresql.insert(target).from_select([*parcel.schema.names], chosen)
        others = {n: put.excluded[n] for n in parcel.schema.names if n not in parcel.key}
        key = [*parcel.key]
        return (
            put.on_conflict_do_update(index_elements=key, set_=others)
            if others
            else put.on_conflict_do_nothing(index_elements=key)
        )

    def deliver(self, parcel: Parcel, goods: Iterator[pa.RecordBatch]) -> Delivered:
        self.look(parcel)
        feed, totals = self.found(parcel), dict[str, int]()
        counting, target = counted(goods, totals), self.target(parcel)
        with self._conversation() as cursor, ExitStack() as kept:
            run = _runner(cursor)
            run(sa.schema.CreateTable(self.listing(parcel), if_not_exists=True))
            if feed is None:
                run(sa.schema.CreateTable(target, if_not_exists=True))
            direct = parcel.whole and feed is None  # nothing to replace, and the types are ours
            straight = (
                not parcel.whole and not self._is_watched(run, target) and self._takes_copies(run, parcel, target)
            )
            spool = Spool(kept, parcel) if straight else None
            if spool is not None:
                run(sa.schema.CreateTable(self.keys(parcel)))
                _copy(cursor, spool.schema_of_keys, spool.filled(counting), STAGE, None)
            elif not direct:
                run(sa.schema.CreateTable(self.stage(parcel)))
                _copy(cursor, _staged(parcel), counting, STAGE, None)
            self.moved()
            cursor.execute(_locking(target))
            known = self.noted(run, parcel)
            if known is not None:
                return known
            watched = not direct and self._is_watched(run, target)
            if spool is not None:
                if watched:
                    raise _watched_now()
                self._replace(cursor, parcel, spool)
            elif direct:
                _copy(cursor, _staged(parcel), counting, target.name, target.schema)
            else:
                for statement in self.merge(parcel, feed, watched=watched):
                    run(statement)
            run(self.note(parcel, totals.get("rows", 0), totals.get("gone", 0)))
            cursor.connection.commit()
        return Delivered(rows=totals.get("rows", 0), gone=totals.get("gone", 0))

    def _replace(self, cursor: adbc.Cursor, parcel: Parcel, spool: Spool) -> None:
        """Take out what is staged by key, and copy what was spooled straight into the target: each row is written once."""
        target = self.target(parcel)
        cursor.execute(f"ANALYZE {STAGE}")
        _runner(cursor)(self.clearing(parcel))
        self.moved()
        if spool.rows:
            _copy(cursor, parcel.schema, spool.read(self.moved), target.name, target.schema)

    def _takes_copies(self, run: Run, parcel: Parcel, target: sa.Table) -> bool:
        """Tell whether rows can be copied straight into the target: a COPY converts no type, knows no rules and no row rights."""
        place = (str(target.schema), str(target.name))
        told = sa.table(
            "columns",
            *(sa.column(c, sa.String()) for c in ("table_schema", "table_name", "column_name", "data_type")),
            schema="information_schema",
        )
        there = sa.select(told.c.column_name, told.c.data_type).where(
            told.c.table_schema == place[0], told.c.table_name == place[1]
        )
        types = {str(name): str(kind) for name, kind in run(there)}
        kind = sa.table(
            "pg_class",
            *(sa.column(c, sa.String()) for c in ("relname", "relnamespace", "relkind")),
            *(sa.column(c, sa.Boolean()) for c in ("relhasrules", "relrowsecurity")),
            schema="pg_catalog",
        )
        space = sa.table("pg_namespace", sa.column("oid"), sa.column("nspname", sa.String()), schema="pg_catalog")
        plain = (kind.c.relkind == "r", sa.not_(kind.c.relhasrules), sa.not_(kind.c.relrowsecurity))
        joined = kind.join(space, kind.c.relnamespace == space.c.oid)
        named = (space.c.nspname == place[0], kind.c.relname == place[1])
        if not run(sa.select(kind.c.relname).select_from(joined).where(*named, *plain).limit(1)):
            return False
        return all(types.get(spec.name) == _SENT_AS[spec.type] for spec in specs_of(parcel.schema))

    def _is_watched(self, run: Run, target: sa.Table) -> bool:
        """Tell whether triggers stand on the table, among them those of other tables that refer to it."""
        of = {
            "pg_class": ("oid", "relname", "relnamespace"),
            "pg_namespace": ("oid", "nspname"),
            "pg_trigger": ("tgrelid",),
        }
        kind, space, trigger = (
            sa.table(name, *(sa.column(c, sa.String()) for c in columns), schema="pg_catalog")
            for name, columns in of.items()
        )
        joined = trigger.join(kind, kind.c.oid == trigger.c.tgrelid).join(space, space.c.oid == kind.c.relnamespace)
        named = (space.c.nspname == str(target.schema), kind.c.relname == str(target.name))
        return bool(run(sa.select(kind.c.relname).select_from(joined).where(*named).limit(1)))

    @contextmanager
    def _conversation(self) -> Iterator[adbc.Cursor]:
        """Open one transaction; what is not committed in it is rolled back."""
        import adbc_driver_manager
        import adbc_driver_postgresql.dbapi as adbc

        source = self.source()
        with source.speaking(), adbc.connect(source.address()) as connection, connection.cursor() as cursor:
            try:
                for setting in _SETTINGS:
                    cursor.execute(setting)
                yield cursor
            except adbc_driver_manager.Error as error:
                if is_rejection(state := str(error.sqlstate or "")):
                    raise rejected(state) from error
                raise


def _runner(cursor: adbc.Cursor) -> Run:
    def run(statement: sa.ClauseElement) -> Sequence[Sequence[Any]]:
        words = {} if isinstance(statement, sa.schema.ExecutableDDLElement) else {"literal_binds": True}
        text = str(statement.compile(dialect=_DIALECT, compile_kwargs=words))
        cursor.execute(text)
        if not isinstance(statement, sa.Select):
            return []
        return [tuple(row.values()) for row in cursor.fetch_arrow_table().to_pylist()]

    return run


def _staged(parcel: Parcel) -> pa.Schema:
    """Return what is sent: the rows, and of changes whether they went."""
    import pyarrow as pa

    from beijiang.ingest.connectors.destination import GONE

    flag = [] if parcel.whole else [pa.field(GONE, pa.bool_())]
    return pa.schema([*parcel.schema, *flag])


def _copy(
    cursor: adbc.Cursor, fields: pa.Schema, goods: Iterator[pa.RecordBatch], name: str, schema: str | None
) -> None:
    """Send batches by COPY; what goes wrong on our side of it is raised as what it is."""
    import pyarrow as pa

    wanted, ours = fields.remove_metadata(), list[BaseException]()

    def passed() -> Iterator[pa.RecordBatch]:
        try:
            for batch in goods:
                yield batch.cast(wanted)
        except BaseException as error:
            ours.append(error)
            raise

    reader = pa.RecordBatchReader.from_batches(wanted, passed())
    place: dict[str, Any] = {"temporary": True} if schema is None else {"db_schema_name": schema}
    try:
        cursor.adbc_ingest(name, reader, mode="append", **place)
    except Exception as error:
        if ours:
            raise ours[0] from error
        raise


def _locking(target: sa.Table) -> str:
    """Keep other writers out until the delivery is in; readers go on."""
    return " ".join(("LOCK TABLE", _DIALECT.identifier_preparer.format_table(target), "IN SHARE ROW EXCLUSIVE MODE"))


def _watched_now() -> Unavailable:
    return Unavailable(
        "目标表在交付期间新增了触发器或外键，本次没有写入，稍后按新的方式重试。",
        "Triggers or references were put on the target during the delivery; nothing was written, and it is tried again.",
        code="push_busy",
    )
