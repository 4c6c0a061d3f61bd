"""The files of serving copies: written whole or not at all, then only read. All SQL on them stands here."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from beijiang.engine.port import AT, PART
from beijiang.kit import BeijiangError, Refused, new_id
from beijiang.protection.models.serving import CopyColumn, Form, Put, WholeCopy, decoded, encoded
from beijiang.tables import FilterOp

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

__all__ = ["FILE_ROWS", "CopyFile", "PlaceMark", "over_budget", "write_copy"]

FILE_ROWS: Final = 1 << 40
"""More rows than a file of the lake has: a row's place is its file's number times this, and its number in the file."""
READ_SECONDS: Final = 0.25
"""How long a copy may look for a page before the engine does."""
_LOOK_EVERY: Final = 5_000
_FEW: Final = 200
"""Shapes of questions that are remembered as slow, and statements that are kept."""
_DIALECT: Final = sqlite.dialect(paramstyle="qmark")

PlaceMark: TypeAlias = "tuple[Any, int] | None"
"""After which row a page begins: its sort value as the copy keeps it, and its place."""
_Shape: TypeAlias = "tuple[tuple[tuple[int, str, int], ...], int | None, bool, str]"


def over_budget(limit: int) -> BeijiangError:
    """Return the error for a copy that finds no room."""
    return Refused(
        f"服务副本超出磁盘预算（{limit >> 20} MiB）。请调大 serving_limit_bytes，或停用别的副本。",
        f"The serving copies are over their disk budget ({limit >> 20} MiB). Raise serving_limit_bytes, or do without another copy.",
        code="serving_budget",
    )


def write_copy(
    target: Path,
    *,
    schema: pa.Schema,
    columns: Sequence[CopyColumn],
    indexes: Sequence[str],
    batches: Iterable[pa.RecordBatch],
    room: Callable[[int], None],
    tell: Callable[[int], None],
) -> WholeCopy:
    """Write a copy beside its place and move it there when it is whole and on the disk; ``room`` raises if there is none."""
    made = target.with_name(f".{new_id('tmp')}")
    try:
        connection = sqlite3.connect(made, isolation_level=None, check_same_thread=False)
        try:
            rows = _fill(connection, made, columns, batches, room, tell)
            for name in indexes:
                place = [column.name for column in columns].index(name)
                kept = _kept(len(columns))
                index = sa.Index(f"by{place}", kept.c[f"c{place}"])
                connection.execute(str(sa.schema.CreateIndex(index).compile(dialect=_DIALECT)))
                room(made.stat().st_size)
            about = {
                "indexes": [*indexes],
                "rows": rows,
                "columns": [[c.name, c.word, c.form, c.scale] for c in columns],
            }
            connection.execute("CREATE TABLE about (facts TEXT NOT NULL, shape BLOB NOT NULL)")
            connection.execute(
                "INSERT INTO about VALUES (?, ?)",
                (json.dumps(about, ensure_ascii=False), schema.serialize().to_pybytes()),
            )
            connection.execute("PRAGMA analysis_limit = 1000")
            connection.execute("ANALYZE")
        finally:
            connection.close()
        made.chmod(0o400)
        with made.open("rb") as file:
            os.fsync(file.fileno())
        size = made.stat().st_size
        made.replace(target)
        _flush_folder(target.parent)
    finally:
        made.unlink(missing_ok=True)
    return WholeCopy(print=target.stem, rows=rows, bytes=size, indexes=tuple(indexes))


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fill(
    connection: sqlite3.Connection,
    made: Path,
    columns: Sequence[CopyColumn],
    batches: Iterable[pa.RecordBatch],
    room: Callable[[int], None],
    tell: Callable[[int], None],
) -> int:
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "page_size = 8192", "cache_size = -65536"):
        connection.execute(f"PRAGMA {pragma}")
    kept = _kept(len(columns))
    connection.execute(str(sa.schema.CreateTable(kept).compile(dialect=_DIALECT)))
    insert = str(sa.insert(kept).compile(dialect=_DIALECT, column_keys=[column.name for column in kept.c]))
    rows = 0
    for batch in batches:
        found = [encoded(batch.column(column.name), column) for column in columns]
        part, at = (batch.column(name).to_pylist() for name in (PART, AT))
        places = [p * FILE_ROWS + a for p, a in zip(part, at, strict=True)]
        connection.execute("BEGIN")
        connection.executemany(insert, zip(places, *found, strict=True))
        connection.execute("COMMIT")
        rows += batch.num_rows
        room(made.stat().st_size)
        tell(rows)
    return rows


def _kept(count: int) -> sa.Table:
    """Return the one table of a copy: columns without a declared type keep every value as it is bound."""
    columns = [sa.Column(f"c{i}", _Bare()) for i in range(count)]
    return sa.Table("kept", sa.MetaData(), sa.Column("at", sa.Integer, primary_key=True), *columns)


class _Bare(sa.types.UserDefinedType[Any]):
    """No declared type; the affinity of such a column is BLOB, which converts nothing."""

    cache_ok = True

    def get_col_spec(self, **_words: Any) -> str:
        return "BLOB"


class CopyFile:
    """A whole copy, read by many threads at once, each with a connection of its own for the time."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._texts: dict[_Shape, str] = {}
        self._slow: set[_Shape] = set()
        self._closed = False
        with self._connection() as connection:
            facts, shape = connection.execute("SELECT facts, shape FROM about").fetchone()
        told = json.loads(facts)
        self.schema: pa.Schema = pa.ipc.read_schema(pa.py_buffer(shape))
        columns = [CopyColumn(name, word, Form(form), scale) for name, word, form, scale in told["columns"]]
        self.columns = {column.name: (place, column) for place, column in enumerate(columns)}
        self.indexed = frozenset(self.columns[name][0] for name in told["indexes"])
        self.whole = WholeCopy(
            print=path.stem, rows=told["rows"], bytes=path.stat().st_size, indexes=tuple(told["indexes"])
        )
        self._kept = _kept(len(columns))

    def page(self, asked: Sequence[Put], sort: tuple[int, bool] | None, after: PlaceMark, size: int) -> pa.Table | None:
        """Return up to ``size`` rows in order with their places, None where it takes too long or cannot be read."""
        found: list[tuple[Any, ...]] = []
        until = time.monotonic() + READ_SECONDS
        try:
            with self._connection() as connection:
                connection.set_progress_handler(lambda: time.monotonic() > until, _LOOK_EVERY)
                for branch, values in _branches(sort, after):
                    left = size - len(found)
                    if left <= 0:
                        break
                    got = self._branch(connection, asked, sort, branch, (*values, left))
                    if got is None:
                        return None
                    found += got
        except (sqlite3.Error, UnicodeError, OverflowError):
            return None  # the engine answers
        return self._table(found)

    def close(self) -> None:
        """Close the connections that are idle; others close when they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _branch(
        self,
        connection: sqlite3.Connection,
        asked: Sequence[Put],
        sort: tuple[int, bool] | None,
        branch: str,
        values: Sequence[Any],
    ) -> list[tuple[Any, ...]] | None:
        by, down = (None, False) if sort is None else sort
        shape = (tuple((put.column, put.op.value, len(put.values)) for put in asked), by, down, branch)
        if shape in self._slow:
            return None
        text = self._texts.get(shape)
        if text is None:
            if len(self._texts) >= _FEW:
                self._texts.clear()
            text = self._texts[shape] = _statement(self._kept, shape)
        bound = [value for put in asked for value in _bound(put)]
        try:
            return connection.execute(text, [*bound, *values, 0]).fetchall()  # the last hole is the offset
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            if len(self._slow) >= _FEW:
                self._slow.clear()
            self._slow.add(shape)
            return None

    def _table(self, found: Sequence[tuple[Any, ...]]) -> pa.Table:
        import pyarrow as pa

        lanes = list(zip(*found, strict=True)) or [()] * (len(self.columns) + 1)
        arrays = [
            decoded(lanes[place + 1], column, self.schema.field(column.name).type)
            for place, column in self.columns.values()
        ]
        arrays.append(pa.array([place // FILE_ROWS for place in lanes[0]], self.schema.field(PART).type))
        arrays.append(pa.array([place % FILE_ROWS for place in lanes[0]], self.schema.field(AT).type))
        return pa.Table.from_arrays(arrays, schema=self.schema)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            address = f"{self.path.resolve().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
            connection.execute("PRAGMA mmap_size = 268435456")
            connection.execute("PRAGMA query_only = ON")
        try:
            yield connection
        finally:
            connection.set_progress_handler(None, 0)
            with self._lock:
                keep = not self._closed
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()


def _branches(sort: tuple[int, bool] | None, after: PlaceMark) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the stretches of an ordered walk, one after the other: each is a range of one index."""
    if sort is None:
        return [("all", ())] if after is None else [("later", (after[1],))]
    if after is None:
        return [("known", ()), ("none", ())]
    value, place = after
    if value is None:
        return [("none later", (place,))]
    return [("same later", (value, place)), ("further", (value,)), ("none", ())]


def _statement(kept: sa.Table, shape: _Shape) -> str:
    asked, by, down, branch = shape
    wanted = sa.select(kept)
    for column, op, count in asked:
        wanted = wanted.where(_compared(kept.c[f"c{column}"], FilterOp(op), count))
    hole, at = _hole, kept.c["at"]
    if by is not None:
        key = kept.c[f"c{by}"]
        if branch.startswith("none"):
            wanted = wanted.where(key.is_(None))
        elif branch == "same later":
            wanted = wanted.where(key == hole())
        elif branch == "further":
            wanted = wanted.where(key < hole() if down else key > hole())
        else:
            wanted = wanted.where(key.is_not(None))
        if branch in {"known", "further"}:
            wanted = wanted.order_by(key.desc() if down else key)
    if branch.endswith("later"):
        wanted = wanted.where(at > hole())
    return str(wanted.order_by(at).limit(hole()).compile(dialect=_DIALECT))


def _hole() -> Any:
    return sa.literal_column("?", sa.types.NullType())


def _compared(column: Any, op: FilterOp, count: int) -> Any:
    plain = {
        FilterOp.EQ: column.__eq__,
        FilterOp.NE: column.__ne__,
        FilterOp.GT: column.__gt__,
        FilterOp.GTE: column.__ge__,
        FilterOp.LT: column.__lt__,
        FilterOp.LTE: column.__le__,
    }
    if op in plain:
        return plain[op](_hole())
    raw, holes = sa.cast(column, _Bare()), [_hole() for _ in range(count)]
    others: dict[FilterOp, Callable[[], Any]] = {
        FilterOp.ISNULL: lambda: column.is_(None),
        FilterOp.NOTNULL: lambda: column.is_not(None),
        FilterOp.IN_: lambda: column.in_(holes),
        FilterOp.NOTIN: lambda: column.not_in(holes),
        FilterOp.CONTAINS: lambda: sa.func.instr(raw, _hole()) > sa.literal_column("0"),
        FilterOp.STARTSWITH: lambda: sa.func.substr(raw, sa.literal_column("1"), _hole()) == _hole(),
        FilterOp.ENDSWITH: lambda: sa.func.substr(raw, _hole()) == _hole(),
    }
    return others[op]()


def _bound(put: Put) -> Sequence[Any]:
    """Return what fills the holes of a filter; parts of texts are compared as bytes, as the engine does."""
    if put.op not in {FilterOp.CONTAINS, FilterOp.STARTSWITH, FilterOp.ENDSWITH}:
        return put.values
    part = str(put.values[0]).encode()
    if put.op is FilterOp.CONTAINS:
        return (part,)
    return (len(part), part) if put.op is FilterOp.STARTSWITH else (-len(part), part)
