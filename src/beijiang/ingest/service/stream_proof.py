"""Hold both sides of a stream against each other: the messages that were landed, and the rows that the table holds of them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from beijiang.ingest.models import Verdict
from beijiang.ingest.service.certifying import LISTED, Finding, differing, side, told
from beijiang.ingest.service.segments import Reader, last_of_each_key, name_of, reading_of
from beijiang.ingest.service.staging import stage_typed, staged_files
from beijiang.tables import (
    BUCKETS,
    FILE_COLUMN,
    HIDDEN,
    ROW_COLUMN,
    Among,
    Difference,
    DifferenceKind,
    Fingerprint,
    Part,
    Tally,
    WriteMode,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.ingest.connectors.stream_options import StreamOptions
    from beijiang.ingest.models import Segment, Stream
    from beijiang.ingest.store import Landing
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Tables, TableVersion

__all__ = ["Kept", "batch_proved", "stream_verified"]

_AT_ONCE: Final = 64
_BYTES: Final = 256 << 20
"""Segments that are read again at once when a stream is verified; the disk holds no more of them at a time."""
_PLACE: Final = (FILE_COLUMN, ROW_COLUMN)
_TURN: Final = "\0turn"
_MOST: Final = 1_000
"""Differences that tables tell at once."""


def batch_proved(  # noqa: PLR0913 - two sides and what lies between them
    tables: Tables,
    actor: Actor,
    stream: Stream,
    *,
    segments: Sequence[Segment],
    counts: Mapping[str, int],
    staged: Sequence[Path],
    columns: Sequence[str],
    tags: Sequence[str],
    version: int,
) -> Finding:
    """Hold the rows that were made of a batch against those that the committed version holds of it, and of nothing else.

    Between landed messages and rows stands the account of the batch, which balances or stops it:
    messages = rows + set aside + overtaken by a later message of the same key.
    """
    schema = _as_held(tables, actor, stream.table, columns)
    made = tables.fingerprint_of(actor, staged, schema, stream.key)
    among = Among(keys=tuple(staged)) if stream.key else Among(files=tuple(tags))
    if not made.rows and stream.key:
        held = Fingerprint()
    else:
        held = tables.fingerprint(actor, stream.table, columns, stream.key, among=among, version=version)
    unlike = made.differing(held)
    found: list[Difference] = []
    if unlike and stream.key:
        every = tables.differences(actor, stream.table, columns, stream.key, staged, buckets=unlike, version=version)
        found = [d for d in every if d.kind is not DifferenceKind.EXTRA]
    verdict = Verdict.DIFFERENT if unlike else Verdict.EXPLAINED if counts["bad"] else Verdict.EQUAL
    body = _body(segments, read=counts["read"], aside=counts["bad"], overtaken=counts["duplicates"], held=held)
    body |= {
        "ranges": differing(made, held, "commit"),
        "differences": [told(d) for d in found[:LISTED]],
        "differences_found": len(found),
    }
    return Finding(verdict, body)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a stream has landed and its table is to hold, segment by segment with how each was read, and what waits."""

    landing: Landing
    stream: Stream
    options: StreamOptions
    """Those of today, for segments of which nobody wrote down how they were read."""
    segments: Sequence[tuple[Segment, Mapping[str, Any] | None]]
    waiting: int = 0


@dataclass(slots=True)
class _Part:
    """Some segments that are read in one way."""

    reader: Reader
    segments: list[Segment]
    made: Fingerprint = field(default_factory=Fingerprint)


def stream_verified(
    tables: Tables, actor: Actor, kept: Kept, folder: Path, *, version: TableVersion, tick: Callable[[int, int], None]
) -> Finding:
    """Read every landed segment again and hold the whole table against it.

    Rows that came another way (mended ones, or files that were taken into the same table) are told apart by where they
    are from; rows of which the table's history knows no origin are not explained by anything.
    """
    folder.mkdir(parents=True)
    try:
        return _Verification(tables, actor, kept, folder, version, tick).found()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Verification:
    """One comparison of a stream's table with its landed segments."""

    def __init__(
        self,
        tables: Tables,
        actor: Actor,
        kept: Kept,
        folder: Path,
        version: TableVersion,
        tick: Callable[[int, int], None],
    ) -> None:
        self.tables, self.actor, self.kept, self.folder = tables, actor, kept, folder
        self.version, self.tick = version, tick
        self.stream = kept.stream
        arrow = tables.schema(actor, self.stream.table)
        visible = () if arrow is None else tuple(n for n in arrow.names if n not in HIDDEN)
        self.read = self.aside = self.rows = 0
        self.found_rows: list[JsonValue] = []
        self.found_count = 0
        self.damaged = [s for s, _ in kept.segments if not _whole(kept.landing.path(s.sha256), s.sha256)]
        self.parts = [*self._parts()]
        self.columns = self._columns(visible)
        self.left_out = [n for n in visible if n not in self.columns]

    def found(self) -> Finding:
        """Return verdict and body of the certificate."""
        made = self._made_by_key() if self.stream.key else self._made_by_place()
        key = self.stream.key
        held = self.tables.fingerprint(self.actor, self.stream.table, self.columns, key, version=self.version.version)
        unlike = made.differing(held)
        elsewhere = 0
        if unlike:
            elsewhere = self._by_key(unlike) if key else self._by_place(held)
        verdict = Verdict.EQUAL
        if self.found_count:
            verdict = Verdict.DIFFERENT
        elif self.aside or elsewhere or self.left_out:
            verdict = Verdict.EXPLAINED
        overtaken = self.read - self.aside - self.rows
        segments = [s for s, _ in self.kept.segments]
        body = _body(segments, read=self.read, aside=self.aside, overtaken=overtaken, held=held)
        body |= {
            "ranges": differing(made, held, "verify") if self.found_count else [],
            "differences": self.found_rows[:LISTED],
            "differences_found": self.found_count,
            "from_elsewhere": elsewhere,
            "waiting": self.kept.waiting,
            "columns_left_out": [*self.left_out],
        }
        return Finding(verdict, body)

    # What the landed segments come to

    def _parts(self) -> Iterator[_Part]:
        kept, now = self.kept, reading_of(self.kept.options)
        part: _Part | None = None
        size = 0
        for segment, noted in kept.segments:
            if segment in self.damaged:
                self._tell({"kind": "damaged", "key": [name_of(kept.stream.name, segment)], "columns": []})
                continue
            reading = noted or now
            if (
                part is None
                or size >= _BYTES
                or len(part.segments) >= _AT_ONCE
                or reading_of(part.reader.options) != reading
            ):
                if part is not None:
                    yield part
                part, size = _Part(Reader.as_told(kept.landing, kept.stream.name, kept.stream.key, reading), []), 0
            part.segments.append(segment)
            size += segment.bytes
        if part is not None:
            yield part

    def _columns(self, visible: Sequence[str]) -> list[str]:
        """Return the columns that can be compared: with a key, one that not all segments have keeps what it had."""
        ways = [{c.name for c in p.reader.options.columns} for p in self.parts]
        if not self.stream.key:
            return [*visible]
        return [n for n in visible if all(n in way for way in ways)]

    def _staged(self, part: _Part, segments: Sequence[Segment], folder: Path) -> tuple[int, int]:
        """Stage some segments in ``folder``; return how many messages stand in them and how many became rows."""
        plan = part.reader.plan(segments)
        folder.mkdir(parents=True)
        found = stage_typed(
            plan, key=self.stream.key, typed=part.reader.typed, folder=folder, tick=lambda _size, _note: None
        )
        return sum(c["read"] for c in found["counts"]), found["staged"]

    def _each(self) -> Iterator[tuple[_Part, list[Path], Path]]:
        for number, part in enumerate(self.parts):
            place = self.folder / f"{number:06d}"
            read, staged = self._staged(part, part.segments, place)
            self.read += read
            self.aside += read - staged
            self.tick(self.read, self.version.rows)
            yield part, staged_files(place), place

    def _made_by_place(self) -> Fingerprint:
        whole = Fingerprint()
        for part, files, place in self._each():
            part.made = self.tables.fingerprint_of(self.actor, files, self._schema(), ())
            self.rows += part.made.rows
            whole = _plus(whole, part.made)
            shutil.rmtree(place)
        return whole

    def _made_by_key(self) -> Fingerprint:
        """Leave the last message of each key in all parts; of every part only its last ones are kept on the disk."""
        frames = []
        for turn, (part, files, place) in enumerate(self._each()):
            target = self.folder / f"last-{turn:06d}.parquet"
            last_of_each_key(part.reader.plan(part.segments), self.stream.key, files, target)
            shutil.rmtree(place)
            frames.append(pl.scan_parquet(target).select(*self.columns).with_columns(pl.lit(turn).alias(_TURN)))
        if not frames:
            return Fingerprint()
        key = list(self.stream.key)
        every = pl.concat(frames, how="vertical_relaxed")
        last = every.select(*key, _TURN).group_by(key).agg(pl.max(_TURN))
        every.join(last, on=[*key, _TURN], how="semi").drop(_TURN).sink_parquet(self._last)
        made = self.tables.fingerprint_of(self.actor, [self._last], self._schema(), key)
        self.rows = made.rows
        return made

    @property
    def _last(self) -> Path:
        return self.folder / "last.parquet"

    def _schema(self) -> pa.Schema:
        return _as_held(self.tables, self.actor, self.stream.table, self.columns)

    # Where the two sides part

    def _by_place(self, held: Fingerprint) -> int:
        """Find the rows that differ by segment and number; return how many rows are no message's."""
        mine = 0
        for number, part in enumerate(self.parts):
            tags = tuple(s.tag for s in part.reader.plan(part.segments).sources)
            there = self._held(tags)
            mine += there.rows
            if part.made.differing(there):
                for segment in part.segments:
                    self._one_segment(part, segment, self.folder / f"again-{number}-{segment.seq}")
        others = held.rows - mine
        if others and not self._elsewhere():
            self._tell({"kind": "extra", "key": [self.stream.table], "columns": []}, others)
        return others

    def _held(self, tags: tuple[str, ...]) -> Fingerprint:
        return self.tables.fingerprint(
            self.actor, self.stream.table, self.columns, (), among=Among(files=tags), version=self.version.version
        )

    def _one_segment(self, part: _Part, segment: Segment, place: Path) -> None:
        (source,) = part.reader.plan([segment]).sources
        self._staged(part, [segment], place)
        files = staged_files(place)
        if self.tables.fingerprint_of(self.actor, files, self._schema(), ()).differing(self._held((source.tag,))):
            found = self.tables.differences(
                self.actor,
                self.stream.table,
                self.columns,
                _PLACE,
                files,
                buckets=range(BUCKETS),
                part=Part(FILE_COLUMN, source.tag, source.tag),
                version=self.version.version,
            )
            for difference in found:
                where: list[JsonValue] = [source.name, difference.key[1]]
                self._tell({"kind": difference.kind.value, "key": where, "columns": [*difference.columns]})
            if not found:
                self._tell({"kind": "altered", "key": [source.name], "columns": []})
        shutil.rmtree(place)

    def _by_key(self, unlike: Sequence[int]) -> int:
        """Find the rows that differ by their key; return how many of them came another way than by this stream."""
        elsewhere = 0
        others = self._elsewhere()
        for bucket in unlike:
            found = self.tables.differences(
                self.actor,
                self.stream.table,
                self.columns,
                self.stream.key,
                [self._last],
                buckets=[bucket],
                version=self.version.version,
            )
            known = self._not_ours(found) if others else frozenset()
            for difference in found:
                if difference.key in known and difference.kind in {DifferenceKind.EXTRA, DifferenceKind.ALTERED}:
                    elsewhere += 1
                else:
                    self._tell(told(difference))
            if not found or len(found) >= _MOST:  # more than can be looked at, so not all of it is explained
                self._tell({"kind": "altered", "key": [f"{bucket:02x}"], "columns": []})
        return elsewhere

    def _not_ours(self, found: Sequence[Difference]) -> frozenset[tuple[str | None, ...]]:
        """Return the keys among some whose row in the table is from other files than this stream's segments."""
        if not found:
            return frozenset()
        key, target = list(self.stream.key), self.folder / "keys.parquet"
        pl.DataFrame([d.key for d in found], schema=dict.fromkeys(key, pl.String), orient="row").write_parquet(target)
        ours = {s.tag for p in self.parts for s in p.reader.plan(p.segments).sources}
        rows = self.tables.kept_texts(
            self.actor, self.stream.table, key, [FILE_COLUMN], [target], version=self.version.version
        )
        return frozenset(tuple(r[n] for n in key) for r in rows if r[FILE_COLUMN] not in ours)

    def _elsewhere(self) -> bool:
        """Tell whether the table's history names a version with rows of other files."""
        ours = {s.sha256 for s, _ in self.kept.segments}
        writing = {WriteMode.APPEND, WriteMode.MERGE, WriteMode.REPLACE}
        return any(
            v.mode in writing and v.version <= self.version.version and any(f.sha256 not in ours for f in v.sources)
            for v in self.tables.history(self.actor, self.stream.table)
        )

    def _tell(self, difference: dict[str, Any], rows: int = 1) -> None:
        self.found_rows.append(difference)
        self.found_count += rows


def _body(
    segments: Sequence[Segment], *, read: int, aside: int, overtaken: int, held: Fingerprint
) -> dict[str, JsonValue]:
    """Return the account: every landed message is a row, set aside, or overtaken by a later one of its key."""
    listing = hashlib.sha256("\n".join(f"{s.seq}\t{s.sha256}" for s in segments).encode()).hexdigest()
    return {
        "part": None,
        "consistent": True,
        "counted_by": "segments",
        "source": {
            "rows": read,
            "checksum": listing,
            "deliveries": sum(s.deliveries for s in segments),
            "segments": len(segments),
            "first": segments[0].seq if segments else 0,
            "last": segments[-1].seq if segments else 0,
        },
        "held": side(held),
        "set_aside": aside,
        "overtaken": overtaken,
        "deleted_at_source": 0,
    }


def _as_held(tables: Tables, actor: Actor, table: str, columns: Sequence[str]) -> pa.Schema:
    """Return some columns as the table holds them, so that both sides write their values alike."""
    import pyarrow as pa

    arrow = tables.schema(actor, table)
    assert arrow is not None  # noqa: S101  # its version was found before
    return pa.schema([arrow.field(name) for name in columns])


def _plus(left: Fingerprint, right: Fingerprint) -> Fingerprint:
    """Return what two sets of rows come to together."""
    sums = dict(left.tallies)
    for bucket, tally in right.tallies.items():
        before = sums.get(bucket, Tally())
        sums[bucket] = Tally(before.rows + tally.rows, before.checksum + tally.checksum)
    return Fingerprint(sums)


def _whole(path: Path, sha256: str) -> bool:
    """Tell whether a landed file is there and holds what it held when it was landed."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    except OSError:
        return False
