"""PostgreSQL's log by logical decoding: a slot, a publication and the built-in plug-in ``pgoutput``.

Changes are looked at with ordinary SQL (``pg_logical_slot_peek_binary_changes``) and stay in the slot until it is moved on, so
nothing is lost between the two. Values come as PostgreSQL's own text; the database itself turns them into canonical text with
the same expressions as those of a snapshot, so both ways of reading give the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from beijiang.ingest.connectors.capture import (
    Capture,
    Changes,
    Lag,
    LogPosition,
    Op,
    Reshaped,
    changes_schema,
    log_lost,
)
from beijiang.ingest.connectors.pgoutput import (
    Begin,
    Cell,
    Commit,
    Message,
    Relation,
    Row,
    Truncate,
    Untouched,
    decode,
    lsn,
    lsn_text,
)
from beijiang.ingest.connectors.postgresql_checks import (
    FILE,
    Column,
    Known,
    Named,
    checked,
    identity_missing,
    retained_warning,
)
from beijiang.kit import Text, Unavailable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from beijiang.ingest.connectors.contract import Feed, Reading, Wanted
    from beijiang.ingest.connectors.sql import Grammar, SqlTable

__all__ = ["PostgreSQLCapture"]

_BATCH: Final = 10_000
_LOOK: Final = 1_000
_SNAPSHOT: Final = re.compile(r"[0-9A-F-]+")
_GONE: Final = frozenset({"42704", "55000"})
"""What the server answers where the slot or the publication is not there, or not usable any more."""
_SLOT: Final = sa.table(
    "pg_replication_slots",
    *(sa.column(n) for n in ("slot_name", "database", "confirmed_flush_lsn", "restart_lsn", "wal_status")),
)
_PUBLISHED: Final = sa.table("pg_publication_tables", *(sa.column(n) for n in ("pubname", "schemaname", "tablename")))
_PUBLICATION: Final = sa.table("pg_publication", sa.column("pubname"), sa.column("pubowner"))


class LogSource(Protocol):
    """What a capture needs of the connector."""

    def session(self, *, autocommit: bool = True) -> AbstractContextManager[sa.Connection]: ...
    def speaking(self) -> AbstractContextManager[None]: ...
    def opened(self, wanted: Wanted, snapshot: str = "") -> AbstractContextManager[Reading]: ...
    def found(self, name: str) -> tuple[SqlTable, Feed]: ...
    def grammar(self) -> Grammar: ...
    def address(self) -> str: ...


class PostgreSQLCapture(Capture):
    """One table's changes, kept by one slot and chosen by one publication of the same name."""

    def __init__(self, source: LogSource, name: str) -> None:
        self._source = source
        self._name = name

    def check(self, wanted: Wanted) -> None:
        with self._source.session() as session:
            self._checked(session, wanted)

    def _checked(self, session: sa.Connection, wanted: Wanted) -> Known:
        table, _ = self._source.found(wanted.feed.name)
        return checked(session, table, wanted, name=self._name, published=self._published(session))

    @contextmanager
    def begin(self, wanted: Wanted) -> Iterator[tuple[Reading, LogPosition]]:
        import psycopg

        with self._source.session() as session:
            shape = self._checked(session, wanted).shape
            self._publish(session, wanted)
            self._drop_slot(session)
        with (
            self._source.speaking(),
            psycopg.connect(self._source.address(), autocommit=True, replication="database") as sender,
        ):
            sender.execute("SET lock_timeout = '20s'")  # a slot waits for every transaction that is open at the source
            made = psycopg.sql.SQL("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput (SNAPSHOT 'export')")
            now = str(sender.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'").fetchone()[0])  # type: ignore[index]
            try:
                found = sender.execute(made.format(psycopg.sql.Identifier(self._name))).fetchone()
            except psycopg.errors.LockNotAvailable as error:
                raise _long_transaction() from error
            _, point, snapshot, _ = found  # type: ignore[misc]
            assert _SNAPSHOT.fullmatch(snapshot)  # noqa: S101  # it goes into a statement
            with self._source.opened(wanted, snapshot) as reading:
                yield reading, LogPosition(at=point, shape=shape, seen_at=now)

    def _publish(self, session: sa.Connection, wanted: Wanted) -> None:
        from psycopg import sql

        if self._published(session) is not None:
            return
        table, _ = self._source.found(wanted.feed.name)
        made = sql.SQL("CREATE PUBLICATION {} FOR TABLE {}")
        place = sql.Identifier(table.schema or "public", table.name)
        session.exec_driver_sql(made.format(sql.Identifier(self._name), place).as_string(None))

    def _published(self, session: sa.Connection) -> tuple[str, str] | None:
        """Return the table that the publication is of, if there is one."""
        query = sa.select(_PUBLISHED.c.schemaname, _PUBLISHED.c.tablename).where(_PUBLISHED.c.pubname == self._name)
        found = session.execute(query).first()
        return None if found is None else (str(found[0]), str(found[1]))

    @contextmanager
    def changes(self, wanted: Wanted, start: LogPosition, most: int) -> Iterator[Changes]:
        with self._source.session() as session:
            known = self._checked(session, wanted)
            self._reach(session, start)
            table, _ = self._source.found(wanted.feed.name)
            if self._published(session) != (table.schema or "public", table.name):
                raise log_lost(Text("发布已不含该表", "the publication does not hold the table any more"))
            self._same_shape(known.columns, start)
            yield _Stretch(self._source, session, self._name, wanted, known=known, start=start, most=most)

    @staticmethod
    def _same_shape(columns: dict[str, Column], start: LogPosition) -> None:
        """Refuse what the log does not tell: a rewritten column, or one whose old rows were filled as it came."""
        changed = [n for n, c in columns.items() if n in start.shape and start.shape[n] != c.native]
        filled = [n for n, c in columns.items() if n not in start.shape and c.filled]
        if changed or filled:
            raise Reshaped((*changed, *filled))

    def _reach(self, session: sa.Connection, start: LogPosition) -> None:
        """Move the slot on to what is durable here; refuse if it has gone beyond."""
        slot = self._slot(session)
        if lsn(str(slot.confirmed_flush_lsn)) > lsn(start.at):
            why = Text(
                "表回退到了较早的版本，而其后的日志已确认",
                "the table is at an earlier version than the log that was kept",
            )
            raise log_lost(why)
        self._advance(session, start)

    def nothing_until(self, start: LogPosition) -> LogPosition | None:
        with self._source.session() as session:
            if self._published(session) is None:
                raise log_lost(Text("发布已不存在", "the publication is not there any more"))
            self._reach(session, start)
            at, clock = _now(session)
        begun: Begin | None = None
        seen = 0
        for data in _peek(self._source, self._name, at, _LOOK):
            seen += 1
            message = decode(data)
            if isinstance(message, Begin):
                begun = message
            elif isinstance(message, Row | Truncate) and begun is not None and begun.commit >= lsn(start.at):
                return None
        if seen >= _LOOK:
            return None
        return replace(start, at=lsn_text(max(lsn(at), lsn(start.at))), seen_at=clock)

    def confirm(self, position: LogPosition) -> None:
        with self._source.session() as session:
            slot = self._slot(session)
            if lsn(str(slot.confirmed_flush_lsn)) < lsn(position.at):
                self._advance(session, position)

    def _advance(self, session: sa.Connection, position: LogPosition) -> None:
        target = sa.cast(position.at, Named("pg_lsn"))
        with _lost_if_gone():
            session.execute(sa.select(sa.func.pg_replication_slot_advance(self._name, target))).all()

    def lag(self, position: LogPosition) -> Lag:
        with self._source.session() as session:
            slot = self._slot(session)
            now = sa.func.pg_current_wal_flush_lsn()
            behind = sa.func.pg_wal_lsn_diff(now, sa.cast(position.at, Named("pg_lsn")))
            kept = sa.func.pg_wal_lsn_diff(now, sa.cast(str(slot.restart_lsn), Named("pg_lsn")))
            age = sa.extract("epoch", sa.func.clock_timestamp() - sa.cast(f"{position.seen_at}+00", sa.DateTime(True)))
            found = session.execute(sa.select(behind, kept, age)).one()
        retained = int(found[1])
        return Lag(
            bytes=max(0, int(found[0])),
            seconds=max(0.0, float(found[2])),
            retained=retained,
            warnings=retained_warning(str(slot.wal_status), retained),
        )

    def _slot(self, session: sa.Connection) -> sa.Row[Any]:
        found = session.execute(sa.select(_SLOT).where(_SLOT.c.slot_name == self._name)).first()
        if found is None:
            raise log_lost(Text("复制槽已不存在", "the replication slot is not there any more"))
        if found.wal_status == "lost" or found.confirmed_flush_lsn is None:
            why = Text(
                "复制槽因保留日志超限而失效",
                "the replication slot was given up, as it kept more log than the server allows",
            )
            raise log_lost(why)
        return found

    def end(self) -> None:
        from psycopg import sql

        with self._source.session() as session:
            self._drop_slot(session)
            mine = sa.func.pg_has_role(_PUBLICATION.c.pubowner, "USAGE")  # one that the table's owner made stays
            query = sa.select(sa.literal(1)).where(_PUBLICATION.c.pubname == self._name, mine)
            if session.execute(query).first() is not None:
                gone = sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(self._name))
                session.exec_driver_sql(gone.as_string(None))

    def _drop_slot(self, session: sa.Connection) -> None:
        query = sa.select(sa.func.pg_drop_replication_slot(_SLOT.c.slot_name)).where(_SLOT.c.slot_name == self._name)
        session.execute(query).all()


@contextmanager
def _lost_if_gone() -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _GONE:
            raise log_lost(Text("复制槽或发布已不可用", "the slot or the publication is not usable")) from error
        raise


def _long_transaction() -> Unavailable:
    return Unavailable(
        "数据源有长时间未结束的事务，暂时不能开始跟踪日志（等了 20 秒）。请稍后重试，或请其管理员结束该事务。",
        "A transaction at the source has been open for long, so that its log cannot be followed from here (waited 20 s). Try again later, or have its administrator end it.",
        code="capture_source_busy",
    )


def _now(session: sa.Connection) -> tuple[str, str]:
    """Return the end of the log and the time, by the source's clock in UTC."""
    clock = sa.cast(sa.func.timezone("UTC", sa.func.clock_timestamp()), sa.Text())
    at, moment = session.execute(sa.select(sa.cast(sa.func.pg_current_wal_flush_lsn(), sa.Text()), clock)).one()
    return str(at), str(moment)


def _peek(source: LogSource, name: str, upto: str, most: int) -> Iterator[bytes]:
    """Yield the messages that a slot holds up to a position, about ``most``; they stay in it."""
    peek = sa.func.pg_logical_slot_peek_binary_changes(
        name,
        sa.cast(upto, Named("pg_lsn")),
        most,
        *("proto_version", "1", "publication_names", '"' + name.replace('"', '""') + '"'),
    ).table_valued(sa.column("data", sa.LargeBinary()))
    with source.session(autocommit=False) as session, _lost_if_gone():
        told = session.execution_options(stream_results=True, yield_per=_BATCH)
        with told.execute(sa.select(peek.c.data)) as rows:
            for row in rows:
                yield bytes(row[0])


class _Stretch(Changes):
    """What one look into the slot gives."""

    def __init__(
        self,
        source: LogSource,
        session: sa.Connection,
        name: str,
        wanted: Wanted,
        *,
        known: Known,
        start: LogPosition,
        most: int,
    ) -> None:
        self._source = source
        self._session = session
        self._name = name
        self._wanted = wanted
        self._known = known
        self._columns = known.columns
        self._rewritten = start.shape.get(FILE, known.file) != known.file
        self._start = start
        self._most = most
        self._end: LogPosition | None = None
        self._schema = changes_schema(wanted.feed)
        self._names = [c.name for c in wanted.feed.columns]
        self._key = [self._names.index(k) for k in wanted.key]
        self._rows: list[list[Any]] = []
        self._relations: dict[int, Relation] = {}
        self._placed_in: dict[int, list[int]] = {}
        self._first = self._finished = lsn(start.at)
        self._begun: Begin | None = None
        self._where = ("", "", "")

    def end(self) -> LogPosition:
        assert self._end is not None  # noqa: S101  # asked for when everything was read
        return self._end

    def batches(self) -> Iterator[pa.RecordBatch]:
        at, moment = _now(self._session)
        seen = 0
        for data in _peek(self._source, self._name, at, self._most):
            seen += 1
            self._hear(decode(data))
            if len(self._rows) >= _BATCH:
                yield self._batch()
        if self._rows:
            yield self._batch()
        shape, finished = self._known.shape, self._finished
        if seen >= self._most:  # there may be more: the next stretch begins behind the last transaction
            moment = self._begun.at if self._begun is not None else moment
            if self._rewritten:  # and it may tell why the table is in another file
                shape[FILE] = self._start.shape[FILE]
        else:
            finished = max(finished, lsn(at))
            if self._rewritten:
                raise Reshaped((self._wanted.feed.name,))
        self._end = LogPosition(at=lsn_text(finished), shape=shape, seen_at=moment)

    def _hear(self, message: Message) -> None:
        if isinstance(message, Row | Truncate):  # first, as nearly all are
            if self._begun is not None and self._begun.commit >= self._first:
                self._take(message)
        elif isinstance(message, Begin):
            self._begun = message
            self._where = (lsn_text(message.commit), message.at, str(message.xid))
        elif isinstance(message, Commit):
            self._finished = max(self._finished, message.end)
        elif isinstance(message, Relation):
            self._relations[message.id] = message
            self._placed_in.pop(message.id, None)

    def _places(self, relation: Relation) -> list[int]:
        """Return where each wanted column stands in a relation; -1 where it came later.

        Raises:
            Reshaped: a column had another type then, and was rewritten since.

        """
        there = {c.name: (i, c) for i, c in enumerate(relation.columns)}
        places, changed = [], []
        for name, column in self._columns.items():
            place, then = there.get(name, (-1, None))
            places.append(place)
            if then is not None and (then.oid, then.modifier) != (column.oid, column.modifier):
                changed.append(name)
        if changed:
            raise Reshaped(tuple(changed))
        keyed = {c.name for c in relation.columns if c.in_key}
        if relation.identity != "f" and not keyed.issuperset(self._wanted.key):
            raise identity_missing(self._wanted.feed.name, self._wanted.key)
        return [places[list(self._columns).index(n)] for n in self._names]

    def _take(self, message: Row | Truncate) -> None:
        where = self._where
        if isinstance(message, Truncate):
            self._rewritten = False  # that is why it is in another file
            self._rows.append([Op.TRUNCATE.value, *where, None, None, *([None] * len(self._names))])
            return
        places = self._placed_in.get(message.relation)
        if places is None:
            places = self._placed_in[message.relation] = self._places(self._relations[message.relation])
        old, new = _placed(message.old, places), _placed(message.new, places)
        if new is None:
            assert old is not None  # noqa: S101  # a delete tells the key
            bare = [old[i] if i in self._key else None for i in range(len(old))]
            self._rows.append([Op.DELETE.value, *where, None, None, *bare])
            return
        if old is not None and message.old_is_whole:
            new = [o if n is Untouched.UNTOUCHED else n for o, n in zip(old, new, strict=True)]
        op, before = (Op.INSERT if message.kind == "I" else Op.UPDATE), None
        if old is not None and any(old[i] != new[i] for i in self._key):
            bare = [old[i] if i in self._key else None for i in range(len(old))]
            self._rows.append([Op.DELETE.value, *where, None, None, *bare])
            op, before = Op.INSERT, True
        unset: list[str] | None = None
        if Untouched.UNTOUCHED in new:
            unset = [n for n, cell in zip(self._names, new, strict=True) if cell is Untouched.UNTOUCHED]
            new = [None if cell is Untouched.UNTOUCHED else cell for cell in new]
        self._rows.append([op.value, *where, unset, before, *new])

    def _batch(self) -> pa.RecordBatch:
        """Return what was gathered, values as canonical text."""
        import pyarrow as pa

        columns = [list(c) for c in zip(*self._rows, strict=True)]
        self._rows = []
        values = self._canonical(columns[6:])
        keys = [values[i] for i in self._key]
        columns[5] = [  # a key that changed: the row before is the delete of its old one
            json.dumps([k[row - 1] for k in keys], ensure_ascii=False) if changed else None
            for row, changed in enumerate(columns[5])
        ]
        arrays = [pa.array(c, f.type) for c, f in zip([*columns[:6], *values], self._schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _canonical(self, columns: list[list[str | None]]) -> list[list[str | None]]:
        """Have the database write values as it would in a snapshot."""
        odd = [i for i, n in enumerate(self._names) if not self._columns[n].plain]
        if not odd:
            return columns
        texts = [_sent(f"a{i}", columns[i]) for i in odd]
        raw = sa.func.unnest(*texts).table_valued(*(f"c{i}" for i in odd), with_ordinality="n").render_derived()
        kinds = [self._columns[self._names[i]] for i in odd]
        typed = sa.select(
            raw.c.n, *(sa.cast(raw.c[f"c{i}"], k.kind()).label(f"c{i}") for i, k in zip(odd, kinds, strict=True))
        ).subquery()
        grammar = self._source.grammar()
        specs = {c.name: c.spec for c in self._wanted.feed.columns}
        shown = [
            grammar.canonical(sa.column(f"c{i}", k.reflected), specs[self._names[i]]).label(f"c{i}")
            for i, k in zip(odd, kinds, strict=True)
        ]
        query = sa.select(*shown).select_from(typed).order_by(typed.c.n)
        found = self._session.execute(query).all()
        for i, values in zip(odd, zip(*found, strict=True), strict=True):
            columns[i] = list(values)
        return columns


def _sent(name: str, values: list[str | None]) -> sa.ColumnElement[Any]:
    """Return an array of texts that goes to the database as one document: as an array each text would be quoted for itself."""
    document = sa.cast(sa.bindparam(name, orjson.dumps(values).decode(), sa.Text()), Named("json"))
    texts: sa.ColumnElement[Any] = sa.func.array(
        sa.select(sa.func.json_array_elements_text(document)).scalar_subquery(), type_=postgresql.ARRAY(sa.Text())
    )
    return texts


def _placed(cells: list[Cell] | None, places: list[int]) -> list[Cell] | None:
    if cells is not None and places == list(range(len(cells))):  # all columns, in their own order
        return cells
    return None if cells is None else [None if p < 0 or p >= len(cells) else cells[p] for p in places]
