"""MySQL's and MariaDB's log, the binary log in row format, read as a replica reads it: from a file and a place in it.

The server keeps its log for as long as it is told to, whoever reads it; nothing is confirmed, and nothing is left behind.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from beijiang.ingest.connectors.binlog import (
    TRUNCATES,
    Event,
    EventKind,
    TableMap,
    UnreadableType,
    images,
    rows_of,
    statement_of,
    table_map,
)
from beijiang.ingest.connectors.binlog_values import readers_of
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
from beijiang.ingest.connectors.mysql_checks import Known, checked, log_format, place_of, unreadable, warned
from beijiang.kit import Text

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pyarrow as pa
    from pymysql.connections import Connection

    from beijiang.ingest.connectors.binlog import Reader
    from beijiang.ingest.connectors.contract import Reading, Wanted

__all__ = ["MySQLCapture"]

_BATCH: Final = 10_000
_LOOK: Final = 20_000
_DUMP: Final = 0x12
_NOT_BLOCKING: Final = 1
_PURGED: Final = 1236
_ENDS: Final = re.compile(r"^\s*(COMMIT|ROLLBACK)\s*$", re.IGNORECASE)
_BEGINS: Final = re.compile(r"^\s*(BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)
_SAVES: Final = re.compile(r"^\s*(SAVEPOINT|ROLLBACK\s+TO(?:\s+SAVEPOINT)?)\s+(\S.*)$", re.IGNORECASE | re.DOTALL)
_UNTOLD: Final = re.compile(
    r"^\s*(?>/\*.*?\*/\s*)*+(?:(?:DROP|RENAME|CREATE|INSERT|UPDATE|DELETE|REPLACE|LOAD)\b"
    r"|ALTER\b.*\b(?:PARTITION|TABLESPACE|RENAME\s+TO|RENAME\s+AS)\b)",
    re.IGNORECASE | re.DOTALL,
)
"""Statements that change rows of a table without telling of each."""


class LogOptions(Protocol):
    """Which database, and how its bare times are understood."""

    @property
    def database(self) -> str: ...
    @property
    def time_zone(self) -> str: ...


class LogSource(Protocol):
    """What a capture needs of the connector."""

    @property
    def options(self) -> LogOptions: ...
    def connection(self) -> AbstractContextManager[Connection[Any]]: ...
    def opened(self, wanted: Wanted, *, locked: bool) -> AbstractContextManager[tuple[Reading, str, str]]: ...


class MySQLCapture(Capture):
    """One table's changes, picked out of the server's binary log."""

    def __init__(self, source: LogSource, name: str) -> None:
        self._source = source
        self._name = name

    def check(self, wanted: Wanted) -> None:
        with self._source.connection() as connection:
            checked(connection, self._source.options.database, wanted)

    @contextmanager
    def begin(self, wanted: Wanted) -> Iterator[tuple[Reading, LogPosition]]:
        with self._source.connection() as connection:
            known = checked(connection, self._source.options.database, wanted)
            shape = {n: c.native for n, c in known.columns.items()}
        with self._source.opened(wanted, locked=not known.is_mariadb) as (reading, at, seen):
            yield reading, LogPosition(at=at, shape=shape, seen_at=seen)

    @contextmanager
    def changes(self, wanted: Wanted, start: LogPosition, most: int) -> Iterator[Changes]:
        with self._source.connection() as connection:
            known = checked(connection, self._source.options.database, wanted)
            self._still_there(connection, start)
            changed = [n for n, c in known.columns.items() if n in start.shape and start.shape[n] != c.native]
            filled = [n for n, c in known.columns.items() if n not in start.shape and c.filled]
            if changed or filled:
                raise Reshaped((*changed, *filled))
            end, seen = place_of(connection)
        yield _Stretch(self._source, self._name, wanted, known=known, start=start, stop=(end, seen), most=most)

    @staticmethod
    def _still_there(connection: Connection[Any], start: LogPosition) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute("SHOW BINARY LOGS")
            files = {row[0]: int(row[1]) for row in cursor.fetchall()}
        name, _, place = start.at.rpartition(":")
        if name not in files or int(place) > files[name]:
            raise log_lost(Text("所需的二进制日志已被清理或重置", "the binary log that is needed was purged or reset"))
        return files

    def nothing_until(self, start: LogPosition) -> LogPosition | None:
        with self._source.connection() as connection:
            self._still_there(connection, start)
            end, seen = place_of(connection)
        if end == start.at:
            return replace(start, seen_at=seen)
        here, looked = "", start.at
        for looks, (at, event) in enumerate(_events(self._source, self._name, start.at, end)):
            if looks > _LOOK or event.is_rows:
                return None
            if event.kind == EventKind.QUERY:
                here, words = statement_of(event.body)
                if not (_BEGINS.match(words) or _ENDS.match(words) or _SAVES.match(words)):
                    return None
            looked = at
        del here
        return replace(start, at=looked, seen_at=seen)

    def confirm(self, position: LogPosition) -> None:
        """Do nothing: the server keeps its log as long as it was told to."""

    def lag(self, position: LogPosition) -> Lag:
        with self._source.connection() as connection:
            files = self._still_there(connection, position)
            _, seen = place_of(connection)
            kept = warned(connection, position)
        name, _, place = position.at.rpartition(":")
        later = [size for file, size in files.items() if file > name]
        behind = files[name] - int(place) + sum(later)
        age = datetime.fromisoformat(seen) - datetime.fromisoformat(position.seen_at)
        return Lag(bytes=max(0, behind), seconds=max(0.0, age.total_seconds()), retained=None, warnings=kept)

    def end(self) -> None:
        """Do nothing: nothing was left at the source."""


def _events(source: LogSource, name: str, start: str, end: str) -> Iterator[tuple[str, Event]]:
    """Yield events from a place on, each with the place behind it, up to the end of a group at or behind ``end``."""
    import pymysql

    file, _, place = start.rpartition(":")
    stop_file, _, stop = end.rpartition(":")
    with source.connection() as connection:
        with connection.cursor() as cursor:
            cursor.execute("SET @master_binlog_checksum = @@global.binlog_checksum, @mariadb_slave_capability = 4")
        number = zlib.crc32(name.encode()) | 0x8000_0000
        words = struct.pack("<BIHI", _DUMP, int(place), _NOT_BLOCKING, number) + file.encode()
        connection._write_bytes(struct.pack("<I", len(words)) + words)  # noqa: SLF001 - the driver knows no such command
        connection._next_seq_id = 1  # noqa: SLF001
        summed = False
        while True:
            try:
                packet = connection._read_packet()  # noqa: SLF001
            except pymysql.err.MySQLError as error:
                if error.args and error.args[0] == _PURGED:
                    why = Text("所需的二进制日志已被清理或重置", "the binary log that is needed was purged or reset")
                    raise log_lost(why) from error
                raise
            if packet.is_eof_packet():
                return
            event = Event.of(packet.get_all_data()[1:], summed=summed)
            if event.kind == EventKind.FORMAT_DESCRIPTION:
                summed = event.body[-1] == 1
                continue
            if event.kind == EventKind.ROTATE:
                place, file = str(int.from_bytes(event.body[:8], "little")), event.body[8:].decode()
                continue
            if event.next:
                place = str(event.next)
            yield f"{file}:{place}", event
            if (file, int(place)) >= (stop_file, int(stop)):
                return


@dataclass(slots=True)
class _Group:
    """Changes of a transaction that is not known to be committed yet."""

    rows: list[list[Any]]
    saved: dict[str, int]


class _Stretch(Changes):
    """What the log holds between two places."""

    def __init__(
        self,
        source: LogSource,
        name: str,
        wanted: Wanted,
        *,
        known: Known,
        start: LogPosition,
        stop: tuple[str, str],
        most: int,
    ) -> None:
        self._source = source
        self._name = name
        self._wanted = wanted
        self._known = known
        self._start = start
        self._stop = stop
        self._most = most
        self._schema = changes_schema(wanted.feed)
        self._names = [c.name for c in wanted.feed.columns]
        self._key = [self._names.index(k) for k in wanted.key]
        self._floats = [i for i, n in enumerate(self._names) if known.columns[n].native.startswith("float")]
        self._maps: dict[int, tuple[list[Reader], list[int]] | None] = {}
        self._shapes: dict[int, TableMap] = {}
        self._end: LogPosition | None = None

    def end(self) -> LogPosition:
        assert self._end is not None  # noqa: S101  # asked for when everything was read
        return self._end

    def batches(self) -> Iterator[pa.RecordBatch]:
        end, seen = self._stop
        rows: list[list[Any]] = []
        group = _Group([], {})
        finished, taken, written = self._start.at, 0, 0
        for at, event in _events(self._source, self._name, self._start.at, end):
            closes = self._take(group, event)
            if not closes:
                continue
            for row in group.rows:
                row[1:4] = [at, _moment(event.timestamp), at]
            rows += group.rows
            taken += len(group.rows)
            group = _Group([], {})
            finished, written = at, event.timestamp
            if len(rows) >= _BATCH:
                yield self._batch(rows)
                rows = []
            if taken >= self._most:
                break
        if rows:
            yield self._batch(rows)
        reached = taken < self._most
        shape = {n: c.native for n, c in self._known.columns.items()}
        moment = seen if reached or not written else _moment(written)
        self._end = LogPosition(at=finished, shape=shape, seen_at=moment)

    def _take(self, group: _Group, event: Event) -> bool:
        """Add what an event tells to its group; return whether the group is complete."""
        if event.kind == EventKind.XID:
            return True
        if event.kind == EventKind.QUERY:
            return self._statement(group, *statement_of(event.body))
        if event.kind == EventKind.TABLE_MAP:
            self._shape(event.body)
        elif event.is_rows:
            self._rows(group, event)
        elif event.kind == EventKind.XA_PREPARE:
            raise log_format("XA")
        elif (
            event.kind == EventKind.TRANSACTION_PAYLOAD
            or EventKind.FIRST_COMPRESSED <= event.kind <= EventKind.LAST_COMPRESSED
        ):
            raise log_format("log_bin_compress / binlog_transaction_compression")
        return False

    def _statement(self, group: _Group, schema: str, words: str) -> bool:
        if _BEGINS.match(words):
            return False
        ends, saves = _ENDS.match(words), _SAVES.match(words)
        if saves:
            label = saves[2].strip().strip("`").lower()
            if saves[1].upper() == "SAVEPOINT":
                group.saved[label] = len(group.rows)
            else:
                del group.rows[group.saved.get(label, 0) :]
            return False
        if ends:
            if ends[1].upper() == "ROLLBACK":
                group.rows.clear()
            return True
        if self._concerns(schema, words):
            truncates = TRUNCATES.match(words)
            if truncates:
                group.rows.append([Op.TRUNCATE.value, "", "", "", None, None, *([None] * len(self._names))])
            elif _UNTOLD.search(words):
                raise Reshaped((self._wanted.feed.name,))
        return True

    def _concerns(self, schema: str, words: str) -> bool:
        """Tell whether a statement names the table; one that names another database's table of this name does too, harmlessly."""
        here = schema == self._source.options.database or self._source.options.database in words
        return here and self._wanted.feed.name.lower() in words.lower()

    def _shape(self, body: bytes) -> None:
        number = int.from_bytes(body[:6], "little")
        size = body[8]
        schema = body[9 : 9 + size].decode()
        length = body[10 + size]
        name = body[11 + size : 11 + size + length].decode()
        if (schema, name) != (self._source.options.database, self._known.table):
            self._maps[number] = None
            return
        try:
            shape = table_map(body)
            self._maps[number] = self._placed(shape)
        except UnreadableType as odd:
            raise unreadable(self._wanted.feed.name, str(odd.column + 1)) from odd

    def _placed(self, shape: TableMap) -> tuple[list[Reader], list[int]]:
        """Return how a row is read, and where each wanted column stands in it; -1 where it came later."""
        if not shape.names:
            raise log_format("binlog_row_metadata")
        natives = [self._known.natives[n] if n in self._names else "" for n in shape.names]
        readers = readers_of(shape, natives, self._known.charsets, self._source.options.time_zone)
        return readers, [shape.names.index(n) if n in shape.names else -1 for n in self._names]

    def _rows(self, group: _Group, event: Event) -> None:
        told = rows_of(event)
        known = self._maps.get(told.table)
        if known is None:
            return
        readers, places = known
        try:
            pairs = [*images(told, readers)]
        except (ValueError, IndexError, struct.error) as error:
            raise log_format("binlog_row_image") from error
        for before, after in pairs:
            old = None if before is None else [before[p] if p >= 0 else None for p in places]
            new = None if after is None else [after[p] if p >= 0 else None for p in places]
            group.rows += self._changes(old, new)

    def _changes(self, old: Sequence[str | None] | None, new: Sequence[str | None] | None) -> list[list[Any]]:
        head = ["", "", "", None]
        if old is None:
            assert new is not None  # noqa: S101  # an insert has a row
            return [[Op.INSERT.value, *head, None, *new]]
        bare = [v if i in self._key else None for i, v in enumerate(old)]
        gone = [Op.DELETE.value, *head, None, *bare]
        if new is None:
            return [gone]
        before = [old[i] for i in self._key]
        if before == [new[i] for i in self._key]:
            return [[Op.UPDATE.value, *head, None, *new]]
        return [gone, [Op.INSERT.value, *head, json.dumps(before, ensure_ascii=False), *new]]

    def _batch(self, rows: list[list[Any]]) -> pa.RecordBatch:
        import pyarrow as pa

        from beijiang.ingest.connectors.mysql_rows import shortest

        columns = zip(*rows, strict=True)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, self._schema, strict=True)]
        head = len(arrays) - len(self._names)
        for index in self._floats:
            arrays[head + index] = shortest(arrays[head + index])
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _moment(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
