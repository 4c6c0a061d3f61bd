"""What the metadata database knows of tables and versions; the Delta log is the truth, these rows follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    false,
    func,
    insert,
    select,
    update,
)

from beijiang.db import JsonDocument, UtcDateTime, metadata
from beijiang.tables.models import Column as TableColumn
from beijiang.tables.models import SourceFile, TableInfo, TableVersion, WriteMode
from beijiang.tables.models.schema import SchemaPlan

__all__ = ["TableRow", "TableStore", "lake_table", "lake_version"]

lake_table = Table(
    "lake_table",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("org_id", String(60), nullable=False, index=True),
    Column("key", JsonDocument, nullable=False),
    Column("comments", JsonDocument, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer),  # empty until the first commit has landed; such a table is not shown
    Column("delta_version", Integer, nullable=False, default=-1),
    Column("columns", JsonDocument, nullable=False),
    Column("rows", BigInteger, nullable=False, default=0),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("written_at", UtcDateTime),
    Column("history", Boolean, nullable=False, server_default=false()),  # pinned like the key
)

lake_version = Table(
    "lake_version",
    metadata,
    Column("table_id", String(40), ForeignKey("lake_table.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("delta_version", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_id", String(60), nullable=False),
    Column("actor_name", String(200), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("rows_added", BigInteger, nullable=False),
    Column("rows_changed", BigInteger, nullable=False),
    Column("rows_removed", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("sources", JsonDocument, nullable=False),
    Column("schema_change", JsonDocument),
    Column("run_id", String(100), nullable=False),
    Column("position", JsonDocument),
    UniqueConstraint("table_id", "delta_version"),
    UniqueConstraint("table_id", "run_id"),
)


_WANTED = func.coalesce(bindparam("number", type_=Integer), lake_table.c.version)
_PLACE = (
    select(
        lake_table.c.id,
        lake_table.c.name,
        lake_table.c.key,
        lake_table.c.history,
        _WANTED.label("version"),
        lake_version.c.delta_version,
        lake_version.c.at,
    )
    .select_from(
        lake_table.outerjoin(
            lake_version, (lake_version.c.table_id == lake_table.c.id) & (lake_version.c.version == _WANTED)
        )
    )
    .where(lake_table.c.name == bindparam("name"), lake_table.c.version.is_not(None))
)


@dataclass(frozen=True, slots=True)
class TableRow:
    """A table's identity and its newest version, as stored."""

    id: str
    name: str
    org_id: str
    key: tuple[str, ...]
    comments: Mapping[str, str]
    created_at: datetime
    version: int | None
    delta_version: int
    columns: tuple[TableColumn, ...]
    rows: int
    bytes: int
    written_at: datetime | None
    history: bool

    def info(self) -> TableInfo:
        """Return what people may see of it."""
        return TableInfo(
            id=self.id,
            name=self.name,
            org_id=self.org_id,
            key=self.key,
            columns=self.columns,
            version=self.version or 0,
            rows=self.rows,
            bytes=self.bytes,
            created_at=self.created_at,
            written_at=self.written_at or self.created_at,
            history=self.history,
        )


class TableStore:
    """All SQL on ``lake_table`` and ``lake_version``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str, *, for_update: bool = False) -> TableRow | None:
        """Return the table of this name, written or only reserved."""
        query = select(lake_table).where(lake_table.c.name == name)
        row = self._connection.execute(query.with_for_update() if for_update else query).one_or_none()
        return None if row is None else _table(row)

    def all(self) -> list[TableRow]:
        """Return every table, reserved ones too, by name."""
        return [_table(row) for row in self._connection.execute(select(lake_table).order_by(lake_table.c.name))]

    def reserve(self, row: Mapping[str, Any]) -> None:
        """Take a name for a table whose first commit is about to be written."""
        self._connection.execute(insert(lake_table).values(columns=[], **row))

    def forget_reserved(self, table_id: str) -> None:
        """Give a name back that never got a version."""
        self._connection.execute(delete(lake_table).where(lake_table.c.id == table_id, lake_table.c.version.is_(None)))

    def add_version(self, table: TableRow, version: Mapping[str, Any], columns: Sequence[TableColumn]) -> None:
        """Store a version and move the table to it."""
        self._connection.execute(insert(lake_version).values(table_id=table.id, **version))
        newest = {name: version[name] for name in ("version", "delta_version", "rows", "bytes")}
        self._connection.execute(
            update(lake_table)
            .where(lake_table.c.id == table.id)
            .values(columns=[_column_json(c) for c in columns], written_at=version["at"], **newest)
        )

    def pin(self, table_id: str, key: Sequence[str], *, history: bool) -> None:
        """Give a table that has no version yet another key or kind: what was asked for it first has come to nothing."""
        unwritten = (lake_table.c.id == table_id) & lake_table.c.version.is_(None)
        self._connection.execute(update(lake_table).where(unwritten).values(key=list(key), history=history))

    def set_words(self, table_id: str, comments: Mapping[str, str], key: Sequence[str], *, history: bool) -> None:
        """Store what columns mean, and pin the columns that identify a row and whether rows are states."""
        values = {"comments": dict(comments), "key": list(key), "history": history}
        self._connection.execute(update(lake_table).where(lake_table.c.id == table_id).values(**values))

    def versions(self, table: TableRow, limit: int | None = None) -> list[TableVersion]:
        """Return the versions, newest first."""
        query = select(lake_version).where(lake_version.c.table_id == table.id).order_by(lake_version.c.version.desc())
        return [_version(table.name, row) for row in self._connection.execute(query.limit(limit))]

    def version(self, table: TableRow, number: int) -> TableVersion | None:
        """Return one version."""
        query = select(lake_version).where(lake_version.c.table_id == table.id, lake_version.c.version == number)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _version(table.name, row)

    def place(self, name: str, number: int | None) -> Row[Any] | None:
        """Return id, name, key, kind, version, Delta version and time of a version (None: the newest) of a written table.

        ``delta_version`` is empty where the table has no such version. Asked at every read, so the statement is built once.
        """
        return self._connection.execute(_PLACE, {"name": name, "number": number}).one_or_none()

    def newest_position(self, table_id: str) -> Mapping[str, Any]:
        """Return how far each sync had read its source when the newest version was made."""
        query = select(lake_version.c.position).where(lake_version.c.table_id == table_id)
        found = self._connection.execute(query.order_by(lake_version.c.version.desc()).limit(1)).scalar_one_or_none()
        return found or {}

    def position_at(self, table_id: str, version: int) -> Mapping[str, Any]:
        """Return how far each sync had read its source as of one version."""
        query = select(lake_version.c.position).where(
            lake_version.c.table_id == table_id, lake_version.c.version == version
        )
        return self._connection.execute(query).scalar_one_or_none() or {}

    def by_run(self, table: TableRow, run_id: str) -> TableVersion | None:
        """Return the version that a run has committed."""
        query = select(lake_version).where(lake_version.c.table_id == table.id, lake_version.c.run_id == run_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _version(table.name, row)


def _table(row: Row[Any]) -> TableRow:
    return TableRow(
        id=row.id,
        name=row.name,
        org_id=row.org_id,
        key=tuple(row.key),
        comments=row.comments,
        created_at=row.created_at,
        version=row.version,
        delta_version=row.delta_version,
        columns=tuple(TableColumn(**column) for column in row.columns),
        rows=row.rows,
        bytes=row.bytes,
        written_at=row.written_at,
        history=row.history,
    )


def _column_json(column: TableColumn) -> dict[str, Any]:
    return {"name": column.name, "type": column.type, "nullable": column.nullable, "comment": column.comment}


def _version(table: str, row: Row[Any]) -> TableVersion:
    return TableVersion(
        table=table,
        version=row.version,
        at=row.at,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        mode=WriteMode(row.mode),
        rows=row.rows,
        rows_added=row.rows_added,
        rows_changed=row.rows_changed,
        rows_removed=row.rows_removed,
        bytes=row.bytes,
        reason=row.reason,
        sources=tuple(SourceFile(**source) for source in row.sources),
        schema_change=None if row.schema_change is None else SchemaPlan.from_json(row.schema_change),
        run_id=row.run_id,
        position=row.position or {},
    )
