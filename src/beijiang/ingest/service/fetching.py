"""The first step of a run from a source: look once, write down everything that was seen, and land it unchanged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.ingest.connectors import Feed, Wanted, Window
from beijiang.ingest.errors import bad_overlap, disk_trouble
from beijiang.ingest.typing import ColumnSpec, ColumnType, TypedSchema
from beijiang.kit import BeijiangError, Conflict, Invalid, Text, ahead
from beijiang.tables import Fingerprint, Part

if TYPE_CHECKING:
    from beijiang.ingest.connectors import Connector, Reading
    from beijiang.ingest.models import Sync

__all__ = [
    "KEYS_FILE",
    "ROWS_FILE",
    "Fetched",
    "Landed",
    "Opener",
    "Since",
    "batches_of",
    "checked_feed",
    "fetch",
    "patiently",
    "start_of",
]

ROWS_FILE: Final = "rows.parquet"
AGAIN_FILE: Final = "again.parquet"
KEYS_FILE: Final = "keys.parquet"
_GROUP: Final = 122_880
_HELD: Final = 128 << 20
"""Bytes of rows that stay in memory for the step that types them; of more than that, none do."""
_PAUSES: Final = (0.5, 2.0, 8.0)
"""Seconds before each new attempt at a source that does not answer."""

_OURS: Final = frozenset({"disk_error", "disk_full"})

_READING = Text("读取数据源", "Reading the source")
_KEYS = Text("读取全部主键", "Reading all keys")


@dataclass(frozen=True, slots=True)
class Since:
    """What a run takes up from the one before: its position, from where it reads again, and whether it is the keys' turn."""

    position: str | None = None
    start: str | None = None
    keys: bool = False


class Opener(Protocol):
    """What gives a look at a feed: a connector, or the beginning of a capture."""

    def open(self, wanted: Wanted) -> AbstractContextManager[Reading]:
        """Begin to look."""
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one look at a source brought, and what the source itself says that it amounts to."""

    columns: tuple[dict[str, object], ...]
    """Specs of the columns, as stored."""
    comments: dict[str, str]
    rows: int
    cursor: str
    start: str | None
    end: str | None
    """Canonical texts of the cursor: from where it was read, and the highest value seen."""
    source: dict[str, list[int]]
    """Fingerprint of what was asked for, counted on the source's side."""
    counted_by: str
    """``source``: the source counted; ``reread``: the rows were read a second time."""
    consistent: bool
    unchanged: bool
    """The table holds just what the source counted, so no row was read."""
    has_keys: bool
    """All keys of the source came too, so that what was deleted there can leave."""
    unique: bool
    """The source itself guarantees one row per key."""
    since: str | None = None
    """The position before this look; between ``start`` and it stand rows that are read again."""
    keys: int = 0
    """How many keys the source has, where they were asked for."""
    staged: dict[str, Any] | None = None
    """What became of the rows that were typed while the source still counted; None where that was not done."""

    @property
    def schema(self) -> TypedSchema:
        """Return the columns."""
        return TypedSchema(tuple(ColumnSpec.from_json(c) for c in self.columns))

    @property
    def part(self) -> Part | None:
        """Return which rows of the table this look covers; None means all."""
        return Part(self.cursor, self.start, self.end) if self.cursor else None

    def to_json(self) -> dict[str, Any]:
        """Return it for storage."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Rebuild a stored one."""
        known = {f.name for f in fields(cls)}
        kept = {name: held for name, held in value.items() if name in known}
        return cls(**{"unchanged": False, **kept, "columns": tuple(value["columns"])})


@dataclass(frozen=True, slots=True)
class Landed:
    """Rows that were just written down, as the next step takes them up."""

    path: Path
    batches: Callable[[], Iterable[pa.RecordBatch]]
    """The rows in the file, from memory where they are few."""
    given_up: Event
    """Set when the look at the source broke off, so that nothing comes of these rows."""

    def tick(self, _size: int, _note: Text) -> None:
        """Stop the work on rows of which nothing comes; called between any two pieces of it.

        Raises:
            CancelledError: the look at the source broke off; whoever waits for this work does not look at its end.

        """
        if self.given_up.is_set():
            raise CancelledError


def checked_feed(connector: Connector, sync: Sync, known: Sequence[str]) -> Feed:
    """Return the feed with the wanted columns.

    Raises:
        Conflict: a column that the table has, or that was asked for, is gone from the source (``source_column_gone``).
        Invalid: the key or the cursor is no column of it.

    """
    feed = connector.describe(sync.feed)
    names = [c.name for c in feed.columns]
    wanted = [*sync.columns] or names
    gone = [
        n for n in dict.fromkeys([*sync.columns, *(known if not sync.columns else ()), *sync.key]) if n not in names
    ]
    if gone:
        raise Conflict(
            f"数据源“{sync.feed}”已没有列：{'、'.join(gone)}。表“{sync.table}”没有改变。若属有意，请重新选择要取的列；若是改名，请与数据源部门确认。",
            f'The source\'s "{sync.feed}" no longer has: {", ".join(gone)}. Table "{sync.table}" is unchanged. If that is meant, choose the columns anew; if they were renamed, ask the source\'s department.',
            code="source_column_gone",
            detail={"columns": [*gone], "table": sync.table},
        )
    if sync.cursor and sync.cursor not in names:
        raise Invalid(
            f"数据源“{sync.feed}”没有游标列“{sync.cursor}”。",
            f'The source\'s "{sync.feed}" has no cursor column "{sync.cursor}".',
            code="unknown_column",
        )
    return feed.only([*wanted, *sync.key, *([sync.cursor] if sync.cursor else [])])


def start_of(position: object, overlap: str, kind: ColumnType) -> str | None:
    """Return from where to read again: the last position less the overlap, as canonical text.

    Raises:
        Invalid: the overlap is no number.

    """
    if position is None:
        return None
    text = str(position)
    if not overlap:
        return text
    try:
        size = Decimal(overlap)
    except InvalidOperation as error:
        raise bad_overlap(overlap) from error
    if kind is ColumnType.TIMESTAMP:
        moment = datetime.fromisoformat(text) - timedelta(seconds=float(size))
        return moment.isoformat(sep=" ", timespec="microseconds")
    if kind is ColumnType.DATE:
        return (datetime.fromisoformat(text) - timedelta(days=float(size))).date().isoformat()
    return f"{Decimal(text) - size:f}"


def patiently(work: Callable[[], Any], pause: Callable[[float], None] = time.sleep) -> Any:
    """Do ``work``, again after a pause where a source did not answer; what it refuses is not tried again."""
    for seconds in _PAUSES:
        try:
            return work()
        except BeijiangError as error:
            if not error.transient or error.reason in _OURS:
                raise
        pause(seconds)
    return work()


def fetch(  # noqa: PLR0913  # a source, a folder, and what the run knows of both
    connector: Opener,
    sync: Sync,
    feed: Feed,
    *,
    since: Since,
    until: str | None = None,
    folder: Path,
    tally: Callable[[Sequence[Path], pa.Schema], Fingerprint],
    held: Callable[[Part | None], Fingerprint] | None,
    tick: Callable[[int, int | None, Text], None],
    meanwhile: Callable[[Landed], dict[str, Any]] | None = None,
) -> Fetched:
    """Read a feed into ``folder``: rows that the table has not by the source's count, keys for deletions, and that count.

    Args:
        connector: the way to the source.
        sync: what is taken from it.
        feed: the feed with the wanted columns.
        since: what it takes up from the run before.
        until: canonical text of the cursor up to which is read; None reads to the end.
        folder: where the files go.
        tally: fingerprints a Parquet file.
        held: fingerprints a part of the table; None where its columns are not those of the feed.
        tick: is told rows done, rows expected, and what is going on.
        meanwhile: takes the rows up while the source still counts them; what it returns is kept as ``staged``.

    """
    window = Window(sync.cursor, since.start, until) if sync.cursor else None
    compared = since.keys and window is not None
    wanted = Wanted(feed=feed, key=sync.key, window=window)
    with connector.open(wanted) as look:
        schema = look.schema
        end = until or look.position()
        # Rows that come while this run reads wait for the next one, so that all of its looks see the same.
        bounded = window is not None and end is not None and not look.consistent
        reading = look.until(end) if bounded else look
        # Where the table may hold the same already, counting first can spare the reading; else both are done at once.
        twin = reading.twin() if held is None else None
        claimed = reading.fingerprint() if twin is None else None
        expected = None if claimed is None else claimed.rows
        part = Part(sync.cursor, since.start, None if end is None else str(end)) if sync.cursor else None
        unchanged = claimed is not None and held is not None and not claimed.differing(held(part))
        batches = _nothing if unchanged else reading.batches
        with (
            ThreadPoolExecutor(1, thread_name_prefix="beijiang-count") as counter,
            ThreadPoolExecutor(1, thread_name_prefix="beijiang-early") as beside,
            _set_on_trouble() as given_up,
        ):
            counting = None if twin is None else counter.submit(_counted_by, twin)
            kept = _Kept()
            rows = _write(batches, schema, folder / ROWS_FILE, lambda n: tick(n, expected, _READING), kept)
            landed = Landed(folder / ROWS_FILE, kept.reading(folder / ROWS_FILE), given_up)
            staging = None if meanwhile is None or unchanged else beside.submit(meanwhile, landed)
            count = _write_keys(reading, sync.key, folder, lambda n: tick(n, None, _KEYS)) if compared else 0
            if counting is not None:
                claimed = counting.result() or reading.fingerprint()
            counted_by = "reread" if claimed is None else "source"
            if claimed is None:
                claimed = _reread(reading, folder / AGAIN_FILE, tally, lambda n: tick(n, rows, _READING))
            with _our_disk():
                staged = None if staging is None else staging.result()
    return Fetched(
        columns=tuple(c.spec.to_json() for c in feed.columns),
        comments={c.name: c.comment for c in feed.columns if c.comment},
        rows=rows,
        cursor=sync.cursor,
        start=since.start,
        end=None if end is None else str(end),
        source=claimed.to_json(),
        counted_by=counted_by,
        consistent=reading.consistent,
        has_keys=compared,
        unchanged=unchanged,
        unique=reading.consistent and bool(sync.key) and set(sync.key) >= set(feed.key) > set(),
        since=since.position,
        keys=count,
        staged=staged,
    )


@contextmanager
def _set_on_trouble() -> Iterator[Event]:
    """Hold an event that is set when what is done meanwhile breaks off."""
    event = Event()
    try:
        yield event
    except BaseException:
        event.set()
        raise


def _counted_by(twin: AbstractContextManager[Reading]) -> Fingerprint | None:
    """Return what a second look counts; None where the source gives no second connection, or has forgotten the snapshot."""
    try:
        with twin as other:
            return other.fingerprint()
    except BeijiangError:
        return None


def _write_keys(reading: Reading, key: Sequence[str], folder: Path, tick: Callable[[int], None]) -> int:
    schema = pa.schema([reading.schema.field(name) for name in key])
    return _write(reading.keys, schema, folder / KEYS_FILE, tick)


def _reread(
    reading: Reading, path: Path, tally: Callable[[Sequence[Path], pa.Schema], Fingerprint], tick: Callable[[int], None]
) -> Fingerprint:
    """Return what the rows come to when they are read a second time, for a source that cannot count them."""
    _write(reading.batches, reading.schema, path, tick)
    claimed = tally([path], reading.schema)
    path.unlink()
    return claimed


def _nothing() -> Iterator[pa.RecordBatch]:
    return iter(())


class _Kept:
    """Rows that stay in memory as long as they are few."""

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep a batch, or from here on none."""
        self._bytes += batch.nbytes
        if self._bytes <= _HELD:
            self._batches.append(batch)
        else:
            self._batches.clear()

    def reading(self, path: Path) -> Callable[[], Iterable[pa.RecordBatch]]:
        """Return what yields the rows: these, or those that were written to ``path``."""
        kept = self._batches
        return (lambda: kept) if self._bytes <= _HELD else (lambda: batches_of(path))


def _write(
    batches: Callable[[], Iterator[pa.RecordBatch]],
    schema: pa.Schema,
    path: Path,
    tick: Callable[[int], None],
    kept: _Kept | None = None,
) -> int:
    """Write what is read, while the next batch is being read."""
    rows = 0
    writer: pq.ParquetWriter | None = None
    try:
        for batch in ahead(batches):
            with _our_disk():
                ours = pa.RecordBatch.from_arrays(batch.columns, schema=schema)
                table = pa.Table.from_batches([ours])
                writer = writer or _landing(path, schema)
                writer.write_table(table, row_group_size=_GROUP)
            if kept is not None:
                kept.add(ours)
            rows += batch.num_rows
            tick(rows)
        with _our_disk():
            (writer or _landing(path, schema)).close()
    except BaseException:
        with suppress(Exception):  # what went wrong is known
            if writer is not None:
                writer.close()
        raise
    return rows


def _landing(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a file for rows as they come: it is read once, from its beginning to its end, so nothing in it helps a search."""
    return pq.ParquetWriter(
        path, schema, compression="zstd", store_schema=True, use_dictionary=False, write_statistics=False
    )


def batches_of(path: Path) -> Iterable[pa.RecordBatch]:
    """Yield the rows of a Parquet file."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=65_536)


@contextmanager
def _our_disk() -> Iterator[None]:
    """Keep trouble with our own disk apart from the source's: a connector takes every other for its own."""
    try:
        yield
    except OSError as error:
        raise disk_trouble(error) from error
