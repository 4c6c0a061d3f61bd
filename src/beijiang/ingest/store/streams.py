"""All SQL on streams, their landed segments, the keys of deliveries, and windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    case,
    delete,
    insert,
    null,
    or_,
    select,
    update,
)

from beijiang.db import JsonDocument, Shelf, UtcDateTime, metadata, part_of
from beijiang.ingest.models import Segment, Stream, StreamKind, StreamState, StreamWindow
from beijiang.ingest.store.harvest import ingest_harvest_file
from beijiang.ingest.store.sources import ingest_source
from beijiang.kit import Actor, Conflict, Part

if TYPE_CHECKING:
    from beijiang.kit import Wanted
    from beijiang.kit.errors import JsonValue

__all__ = ["StreamStore"]

_KEYS_AT_ONCE: Final = 1_000
"""Parameters of one statement, of which databases take only so many."""

ingest_stream = Table(
    "ingest_stream",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("table_name", String(200), nullable=False, unique=True),  # one source per table (一数一源)
    Column("key", JsonDocument, nullable=False),
    Column("options", JsonDocument, nullable=False),
    Column("secrets", JsonDocument, nullable=False),  # sealed
    Column("state", String(20), nullable=False),
    Column("owner", JsonDocument, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("live", JsonDocument, nullable=False),
    Column("trouble", JsonDocument),
    Column("position", Integer, nullable=False),
    Column("landed", Integer, nullable=False),
    Column("lease_holder", String(60)),
    Column("lease_until", UtcDateTime),
    UniqueConstraint("org_id", "name"),
)

ingest_stream_segment = Table(
    "ingest_stream_segment",
    metadata,
    Column("stream_id", String(40), ForeignKey("ingest_stream.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("deliveries", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("reading", JsonDocument),  # how it and those after it were read; empty where that is as before
)

ingest_stream_key = Table(
    "ingest_stream_key",
    metadata,
    Column("stream_id", String(40), ForeignKey("ingest_stream.id"), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("delivery", JsonDocument, nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
)

ingest_stream_window = Table(
    "ingest_stream_window",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("stream_id", String(40), ForeignKey("ingest_stream.id"), nullable=False, index=True),
    Column("table_name", String(200), nullable=False, unique=True),
    Column("spec", JsonDocument, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("owner", JsonDocument, nullable=False),
    Column("note", JsonDocument, nullable=False),
)

_S = ingest_stream.c


class StreamStore:
    """Rows of streams and what hangs on them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Streams

    def add(self, values: Mapping[str, Any], owner: Actor) -> None:
        """Store a stream; its name is unique in its department, and its table takes no other."""
        given = {**values, "owner": owner.to_json(), "live": {}, "position": 0, "landed": 0}
        self._connection.execute(insert(ingest_stream).values(**given))

    def change(self, stream_id: str, **values: Any) -> None:
        """Replace some columns of a stream."""
        if isinstance(values.get("owner"), Actor):
            values["owner"] = values["owner"].to_json()
        self._connection.execute(update(ingest_stream).where(ingest_stream.c.id == stream_id).values(**values))

    def forget(self, stream_id: str) -> None:
        """Remove a stream and all that hangs on it; its table, runs and landed files stay."""
        for table in (ingest_stream_segment, ingest_stream_key, ingest_stream_window):
            self._connection.execute(delete(table).where(table.c.stream_id == stream_id))
        self._connection.execute(delete(ingest_stream).where(ingest_stream.c.id == stream_id))

    def stream(self, words: str, org_id: str | None = None) -> Stream | None:
        """Return a stream by its id or table, or by its name inside one department (None: where the name is unique)."""
        c = ingest_stream.c
        query = select(ingest_stream).where((c.id == words) | (c.name == words) | (c.table_name == words))
        if org_id is not None:
            query = query.where(c.org_id == org_id)
        found = self._connection.execute(query.limit(2)).all()
        return _stream(found[0]) if len(found) == 1 else None

    def streams(self, org_id: str | None = None) -> list[Stream]:
        """Return the streams of a department (None: of all), by name."""
        query = select(ingest_stream).order_by(ingest_stream.c.name)
        if org_id is not None:
            query = query.where(ingest_stream.c.org_id == org_id)
        return [_stream(row) for row in self._connection.execute(query)]

    def part(self, wanted: Wanted, org_id: str | None) -> Part[Stream]:
        """Return a part of the streams of a department (None: of all), by name."""
        query = select(ingest_stream)
        ill = or_(_S.trouble.is_not(None), _S.live["trouble"].as_string().is_not(None))
        shelf = Shelf(
            rows=query if org_id is None else query.where(_S.org_id == org_id),
            columns={
                "name": _S.name,
                "kind": _S.kind,
                "org": _S.org_id,
                "table": _S.table_name,
                "state": case((ill, "trouble"), else_=_S.state),
                "per_second": _S.live["per_second"].as_float(),
                "last": _S.live["last_message_at"].as_string(),
                "landed": _S.landed,
                "at": _S.created_at,
                "by": _S.created_by,
                "id": _S.id,
            },
            counted=("kind", "org", "state"),
            words=("name", "table", "by", "id"),
            order=(_S.name, _S.id),
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([_stream(row) for row in rows], found, counts)

    def require_free(self, table: str) -> None:
        """Return if no stream, no window and no harvested file fills a table.

        Raises:
            Conflict: one does (``table_has_source``).

        """
        if self.source_of(table) is not None:
            raise Conflict(
                f"表“{table}”已有数据来源（一数一源）。请换一张表。",
                f'Table "{table}" is filled from a source already (one source per item). Choose another.',
                code="table_has_source",
            )

    def source_of(self, table: str) -> tuple[str, str] | None:
        """Return id and department of the stream, window or harvested file that fills a table."""
        stream, window, file = ingest_stream.c, ingest_stream_window.c, ingest_harvest_file.c
        streams = select(stream.id, stream.org_id).where(stream.table_name == table)
        windows = select(window.id, stream.org_id).join(ingest_stream, stream.id == window.stream_id)
        files = select(file.id, ingest_source.c.org_id).join(ingest_source, ingest_source.c.id == file.source_id)
        each = streams.union_all(windows.where(window.table_name == table), files.where(file.table_name == table))
        found = self._connection.execute(each).first()
        return None if found is None else (str(found[0]), str(found[1]))

    def take_lease(self, stream_id: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take or renew the right to receive for a stream; False while another process has it."""
        c = ingest_stream.c
        free = (c.lease_holder.is_(None)) | (c.lease_holder == holder) | (c.lease_until < now)
        query = update(ingest_stream).where(c.id == stream_id, free)
        return bool(self._connection.execute(query.values(lease_holder=holder, lease_until=until)).rowcount)

    def drop_lease(self, stream_id: str, holder: str) -> None:
        """Give the right back."""
        c = ingest_stream.c
        query = update(ingest_stream).where(c.id == stream_id, c.lease_holder == holder)
        self._connection.execute(query.values(lease_holder=None, lease_until=None))

    # Segments and keys

    def add_segment(self, stream_id: str, segment: Segment) -> None:
        """Note a landed segment; again is harmless."""
        c = ingest_stream_segment.c
        there = select(c.seq).where(c.stream_id == stream_id, c.seq == segment.seq)
        if self._connection.execute(there).first() is None:
            values = {n: getattr(segment, n) for n in ("seq", "sha256", "deliveries", "bytes")}
            self._connection.execute(insert(ingest_stream_segment).values(stream_id=stream_id, **values))
            more = ingest_stream.c.landed + segment.deliveries
            self._connection.execute(update(ingest_stream).where(ingest_stream.c.id == stream_id).values(landed=more))

    def segments(self, stream_id: str, after: int, limit: int) -> list[Segment]:
        """Return landed segments beyond a number, in order."""
        c = ingest_stream_segment.c
        query = select(ingest_stream_segment).where(c.stream_id == stream_id, c.seq > after).order_by(c.seq)
        return [
            Segment(row.seq, row.sha256, row.deliveries, row.bytes)
            for row in self._connection.execute(query.limit(limit))
        ]

    def last_segment(self, stream_id: str) -> Segment | None:
        """Return the segment that was landed last."""
        c = ingest_stream_segment.c
        query = select(ingest_stream_segment).where(c.stream_id == stream_id).order_by(c.seq.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else Segment(row.seq, row.sha256, row.deliveries, row.bytes)

    def note_reading(self, stream_id: str, numbers: Sequence[int], reading: Mapping[str, Any]) -> None:
        """Write down how a batch read its segments, where those before it were read otherwise."""
        c = ingest_stream_segment.c
        mine = update(ingest_stream_segment).where(c.stream_id == stream_id)
        before = select(c.reading).where(c.stream_id == stream_id, c.seq < numbers[0], c.reading.is_not(None))
        known = self._connection.execute(before.order_by(c.seq.desc()).limit(1)).scalar_one_or_none()
        self._connection.execute(mine.where(c.seq.between(numbers[0], numbers[-1])).values(reading=null()))
        if known != reading:
            self._connection.execute(mine.where(c.seq == numbers[0]).values(reading=dict(reading)))

    def readings(self, stream_id: str, up_to: int) -> list[tuple[Segment, Mapping[str, Any] | None]]:
        """Return the segments up to a number in order, each with how it was read (None: it was not written down)."""
        c = ingest_stream_segment.c
        query = select(ingest_stream_segment).where(c.stream_id == stream_id, c.seq <= up_to).order_by(c.seq)
        found: list[tuple[Segment, Mapping[str, Any] | None]] = []
        reading: Mapping[str, Any] | None = None
        for row in self._connection.execute(query):
            reading = row.reading or reading
            found.append((Segment(row.seq, row.sha256, row.deliveries, row.bytes), reading))
        return found

    def add_keys(self, stream_id: str, keys: Mapping[str, Sequence[JsonValue]], at: datetime) -> None:
        """Remember the keys of landed deliveries with their receipts; again is harmless."""
        c = ingest_stream_key.c
        names = list(keys)
        known: set[str] = set()
        for start in range(0, len(names), 500):
            query = select(c.key).where(c.stream_id == stream_id, c.key.in_(names[start : start + 500]))
            known |= set(self._connection.execute(query).scalars())
        new = [
            {"stream_id": stream_id, "key": key, "delivery": list(receipt), "at": at}
            for key, receipt in keys.items()
            if key not in known
        ]
        if new:
            self._connection.execute(insert(ingest_stream_key), new)

    def receipts(self, stream_id: str, keys: Sequence[str]) -> dict[str, list[Any]]:
        """Return the receipts that were given for some keys, while they are remembered."""
        c = ingest_stream_key.c
        found: dict[str, list[Any]] = {}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            asked = keys[start : start + _KEYS_AT_ONCE]
            query = select(c.key, c.delivery).where(c.stream_id == stream_id, c.key.in_(asked))
            found.update((row.key, row.delivery) for row in self._connection.execute(query))
        return found

    def sweep_keys(self, before: datetime) -> int:
        """Forget keys that are older than promised."""
        return self._connection.execute(delete(ingest_stream_key).where(ingest_stream_key.c.at < before)).rowcount

    # Windows

    def add_window(self, values: Mapping[str, Any], owner: Actor) -> None:
        """Store a window; a table holds one."""
        self._connection.execute(insert(ingest_stream_window).values(**values, owner=owner.to_json(), note={}))

    def forget_window(self, window_id: str) -> None:
        """Remove a window; its table stays."""
        self._connection.execute(delete(ingest_stream_window).where(ingest_stream_window.c.id == window_id))

    def note_window(self, window_id: str, note: Mapping[str, Any]) -> None:
        """Write down what a refresh came to."""
        query = update(ingest_stream_window).where(ingest_stream_window.c.id == window_id)
        self._connection.execute(query.values(note=dict(note)))

    def windows(self, *, stream_id: str | None = None, words: str | None = None) -> list[StreamWindow]:
        """Return windows of a stream, by id or table, or all."""
        c = ingest_stream_window.c
        query = (
            select(ingest_stream_window, ingest_stream.c.org_id, ingest_stream.c.table_name.label("source"))
            .join(ingest_stream, ingest_stream.c.id == c.stream_id)
            .order_by(c.table_name)
        )
        if stream_id is not None:
            query = query.where(c.stream_id == stream_id)
        if words is not None:
            query = query.where((c.id == words) | (c.table_name == words))
        return [_window(row) for row in self._connection.execute(query)]


def _stream(row: Row[Any]) -> Stream:
    return Stream(
        id=row.id,
        name=row.name,
        kind=StreamKind(row.kind),
        org_id=row.org_id,
        table=row.table_name,
        key=tuple(row.key),
        options=row.options,
        secrets=row.secrets,
        state=StreamState(row.state),
        owner=Actor.from_json(row.owner),
        created_at=row.created_at,
        created_by=row.created_by,
        live=row.live,
        trouble=row.trouble,
        lease_until=row.lease_until,
        position=row.position,
        landed=row.landed,
    )


def _window(row: Row[Any]) -> StreamWindow:
    return StreamWindow(
        id=row.id,
        stream_id=row.stream_id,
        org_id=row.org_id,
        source=row.source,
        table=row.table_name,
        spec=row.spec,
        created_at=row.created_at,
        owner=Actor.from_json(row.owner),
        note=row.note,
    )
