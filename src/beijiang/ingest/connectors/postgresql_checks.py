"""What a PostgreSQL database must allow before its log can be followed, and what its catalog says of the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from beijiang.ingest.typing import ColumnType
from beijiang.kit import Invalid, Text

if TYPE_CHECKING:
    from beijiang.ingest.connectors.contract import Wanted
    from beijiang.ingest.connectors.sql import SqlTable

__all__ = ["FILE", "Column", "Known", "Named", "checked", "identity_missing", "retained_warning"]

FILE: Final = ""
"""Stands in a position's shape for the table's file: no column has this name."""
_MUCH: Final = 1 << 30
"""Bytes of log kept for one reader from which on a plan warns: the source's disk fills."""
_COLUMNS: Final = sa.text("""
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS native, a.atttypid::bigint AS oid, a.atttypmod AS modifier,
           a.atthasmissing OR a.atthasdef OR a.attidentity <> '' AS filled, a.attgenerated <> '' AS made,
           EXISTS (SELECT 1 FROM pg_cast c WHERE c.castsource = coalesce(nullif(t.typbasetype, 0), t.oid)
                   AND c.casttarget = 'text'::regtype AND c.castfunc <> 0) AS odd
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
         JOIN pg_class r ON r.oid = a.attrelid JOIN pg_namespace s ON s.oid = r.relnamespace
    WHERE s.nspname = :schema AND r.relname = :name AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum""")
_TABLE: Final = sa.text("""
    SELECT pg_relation_filenode(r.oid)::text AS file, r.relkind::text AS kind, r.relpersistence::text AS persistence, r.relreplident::text AS identity,
           pg_has_role(r.relowner, 'USAGE') AND has_database_privilege(current_database(), 'CREATE') AS owned,
           coalesce((SELECT array_agg(a.attname::text) FROM pg_index i JOIN pg_attribute a
                     ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                     WHERE i.indrelid = r.oid AND i.indimmediate AND i.indisvalid
                       AND CASE r.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END), '{}') AS keyed
    FROM pg_class r JOIN pg_namespace s ON s.oid = r.relnamespace WHERE s.nspname = :schema AND r.relname = :name""")
_SERVER: Final = sa.text("""
    SELECT current_setting('wal_level') AS wal_level, current_setting('max_replication_slots')::int AS most,
           (SELECT count(*) FROM pg_replication_slots WHERE slot_name <> :slot) AS used,
           current_user::text AS who, (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user) AS may""")


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the catalog has it now."""

    native: str
    oid: int
    modifier: int
    filled: bool
    """Rows that were there when it was added may have got a value without a log entry."""
    plain: bool
    """Its own text is its canonical text."""
    reflected: sa.types.TypeEngine[Any]

    def kind(self) -> sa.types.TypeEngine[Any]:
        """Return the type for a cast, as the database itself names it."""
        return Named(self.native)


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog says of a table."""

    columns: dict[str, Column]
    file: str
    """The file that it is in: another one if it was rewritten."""

    @property
    def shape(self) -> dict[str, str]:
        """Return what of it goes into a position."""
        return {n: c.native for n, c in self.columns.items()} | {FILE: self.file}


class Named(sa.types.UserDefinedType[Any]):
    """A type by the database's own name for it."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name


def checked(
    session: sa.Connection, table: SqlTable, wanted: Wanted, *, name: str, published: tuple[str, str] | None
) -> Known:
    """Return what the catalog says of a table whose log can be followed.

    Raises:
        Invalid: it cannot; says what the source's administrator has to do.

    """
    place = {"schema": table.schema or "public", "name": table.name}
    server = session.execute(_SERVER, {"slot": name}).one()
    about = session.execute(_TABLE, place).one()
    _check_server(server)
    _check_table(about, wanted, published=published is not None, name=name, place=place)
    found, made = {}, []
    for row in session.execute(_COLUMNS, place):
        column = wanted.feed.column(row.attname)
        if column is None:
            continue
        exact = column.spec.type in {ColumnType.INTEGER, ColumnType.DECIMAL}
        plain = exact or (column.spec.type is ColumnType.TEXT and not row.odd)
        found[row.attname] = Column(
            row.native, row.oid, row.modifier, filled=row.filled, plain=plain, reflected=table.types[row.attname]
        )
        if row.made:
            made.append(row.attname)
    if made:
        raise Invalid(
            f"“{wanted.feed.name}”的列{'、'.join(made)}由数据库计算，不在日志里。请只选其余的列，或改用增量、全量。",
            f'Columns {", ".join(made)} of "{wanted.feed.name}" are computed by the database and not in its log. Choose the others only, or take it incrementally or in full.',
            code="capture_generated_column",
        )
    return Known(found, str(about.file))


def _check_server(server: sa.Row[Any]) -> None:
    if server.wal_level != "logical":
        raise Invalid(
            f"数据源的 wal_level 是 {server.wal_level}，日志里没有行的变化。请数据源管理员执行 ALTER SYSTEM SET wal_level = logical; 并重启数据库。",
            f"wal_level of the source is {server.wal_level}: its log does not tell of rows. Have its administrator run ALTER SYSTEM SET wal_level = logical; and restart it.",
            code="capture_wal_level",
        )
    if not server.may:
        raise Invalid(
            f"账号 {server.who} 没有 REPLICATION 权限，不能读日志。请数据源管理员执行 ALTER ROLE {server.who} REPLICATION;",
            f"Account {server.who} may not read the log. Have the source's administrator run ALTER ROLE {server.who} REPLICATION;",
            code="capture_no_right",
        )
    if server.used >= server.most:
        raise Invalid(
            f"数据源的复制槽已用完（max_replication_slots = {server.most}）。请删除不用的复制槽，或调大该值并重启。",
            f"All replication slots of the source are taken (max_replication_slots = {server.most}). Drop unused ones, or raise it and restart.",
            code="capture_no_slot",
        )


def _check_table(about: sa.Row[Any], wanted: Wanted, *, published: bool, name: str, place: dict[str, str]) -> None:
    if about.kind != "r" or about.persistence != "p":
        raise Invalid(
            f"“{wanted.feed.name}”不是普通表（视图、外部表、分区表的总表、临时表或不记日志的表），日志说不全它的变化。请改用增量或全量；分区表可逐个分区取。",
            f'"{wanted.feed.name}" is no ordinary table (a view, foreign, partitioned, temporary or unlogged one), so the log does not tell of all its changes. Take it incrementally or in full; partitions can be taken one by one.',
            code="capture_no_log",
        )
    if about.identity != "f" and (
        about.identity == "n" or not set(about.keyed).issuperset(wanted.key) or not wanted.key
    ):
        raise identity_missing(wanted.feed.name, wanted.key)
    if not published and not about.owned:
        made = _publication(name, place)
        raise Invalid(
            f"账号不是“{wanted.feed.name}”的所有者，不能建立发布。请表的所有者执行：{made}",
            f'The account does not own "{wanted.feed.name}" and may not publish it. Have its owner run: {made}',
            code="capture_no_publication",
        )


def _publication(name: str, place: dict[str, str]) -> str:
    from psycopg import sql

    made = sql.SQL("CREATE PUBLICATION {} FOR TABLE {};")
    return made.format(sql.Identifier(name), sql.Identifier(place["schema"], place["name"])).as_string(None)


def identity_missing(feed: str, key: Sequence[str]) -> Invalid:
    """Say that the log does not tell which row was changed."""
    return Invalid(
        f"“{feed}”的日志里没有主键（{'、'.join(key)}）的旧值，无法知道改的、删的是哪一行。请用数据源声明的主键作主键，或请所有者执行 ALTER TABLE … REPLICA IDENTITY FULL;",
        f'The log of "{feed}" does not hold the old value of the key ({", ".join(key)}), so it does not tell which row was changed. Use the primary key that the source declares, or have the owner run ALTER TABLE ... REPLICA IDENTITY FULL;',
        code="capture_identity",
    )


def retained_warning(status: str, retained: int) -> tuple[Text, ...]:
    """Warn where the source keeps much log for this reader, or will soon give it up."""
    size = f"{retained / (1 << 20):,.0f} MiB"
    if status in {"unreserved", "lost"}:
        zh = f"数据源即将删除为本任务保留的日志（{size}）。请立即取数，否则须重新取全部数据。"
        return (
            Text(
                zh,
                f"The source is about to drop the log that it keeps for this sync ({size}). Run it now, or everything must be read again.",
            ),
        )
    if retained > _MUCH:
        zh = f"数据源正为本任务保留 {size} 日志，占用其磁盘。请取数，或停止这项取数。"
        return (Text(zh, f"The source keeps {size} of log for this sync, on its own disk. Run it, or end it."),)
    return ()
