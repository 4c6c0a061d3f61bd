"""A run that follows a source's log: a snapshot at first, then what the log holds up to now, as one commit.

The position stands in the commit with the rows. The source may forget its log only when that commit is durable, so a run that
is cut anywhere finds the same changes again; what came twice would change nothing, as only the last state of each key counts.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.ingest.connectors import Reading, Wanted
from beijiang.ingest.connectors.capture import LogPosition, Reshaped, changes_schema
from beijiang.ingest.connectors.sql import text_schema
from beijiang.ingest.models import CaptureState, Verdict
from beijiang.ingest.service.certifying import differing, side
from beijiang.ingest.service.coalescing import CHANGE, Key, coalesced
from beijiang.ingest.service.conforming import conform
from beijiang.ingest.service.fetching import ROWS_FILE, Fetched, Since, batches_of, checked_feed, fetch, patiently
from beijiang.ingest.service.logs import log_of, measured, start_from
from beijiang.ingest.service.staging import stage_typed, staged_files
from beijiang.ingest.service.syncing import GONE_FILE, SyncWork
from beijiang.ingest.store.captures import CaptureStore, now_text
from beijiang.kit import BeijiangError, Conflict, Text, new_id
from beijiang.tables import HIDDEN, Among, Fingerprint, WriteMode

if TYPE_CHECKING:
    from beijiang.ingest.connectors import Feed
    from beijiang.ingest.connectors.capture import Capture
    from beijiang.ingest.typing import TypedBatch
    from beijiang.kit.errors import JsonValue

__all__ = ["CaptureWork"]

CHANGES_FILE: Final = "log.parquet"
REMOVED_FILE: Final = "removed.parquet"
MOST: Final = 200_000
"""Changes of one run, about: transactions are not cut. The next run goes on where this one ended."""
_GROUP: Final = 50_000
_FOLLOWING = Text("读取变更日志", "Reading the log")


@dataclass(frozen=True, slots=True)
class Captured(Fetched):
    """What one look at a log, or the snapshot that begins it, brought."""

    position: dict[str, Any] = field(default_factory=dict)
    """Up to where everything is in it."""
    after: str | None = None
    """Position of the table on which it builds."""
    snapshot: bool = True
    anew: list[str] = field(default_factory=list)
    """Columns for whose sake a new snapshot was taken: their values changed without a log entry."""
    counts: dict[str, int] = field(default_factory=dict)
    emptied: bool = False
    removed: int = 0
    landed: dict[str, list[int]] = field(default_factory=dict)
    """Fingerprint of the rows that the log comes to."""


class _Beginning:
    """Gives the snapshot from which a capture begins, and keeps its position."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self.position: LogPosition | None = None

    @contextmanager
    def open(self, wanted: Wanted) -> Iterator[Reading]:
        with self._capture.begin(wanted) as (reading, position):
            self.position = position
            yield reading


class CaptureWork(SyncWork):
    """One attempt at one run that follows a log. Runs of one sync never overlap."""

    def do(self) -> JsonValue:
        with self._alone():
            return super().do()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        path = self.shop.home / "staging" / f"{self.sync.id}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            while True:
                with suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                self.job.check_cancelled(now=True)
                time.sleep(0.2)
            yield

    @cached_property
    def _capture(self) -> Capture:
        return log_of(self.connector, self.sync)

    # Looking at the source

    @cached_property
    def _fetched(self) -> Captured:
        return Captured.from_json(self.space.produce("fetch", self._fetch))

    def _table_position(self) -> LogPosition | None:
        return LogPosition.from_json(self.shop.tables.positions(self.actor, self.sync.table).get(self.sync.id))

    def _fetch(self, folder: Path) -> dict[str, Any]:
        known = self.shop.tables.schema(self.actor, self.sync.table)
        names = [] if known is None else [n for n in known.names if n not in HIDDEN]
        feed = patiently(lambda: checked_feed(self.connector, self.sync, names))
        wanted = Wanted(feed=feed, key=self.sync.key)
        stands = self._table_position()
        with self.shop.db.read() as connection:
            start = start_from(stands, CaptureStore(connection).state(self.sync.id))
        after = None if stands is None else stands.at
        if start is None or self.request.whole:
            return self._begin(feed, folder, after, [])
        try:
            found: Captured = patiently(lambda: self._follow(wanted, start, after, folder))
        except Reshaped as reshaped:
            return self._begin(feed, folder, after, [*reshaped.columns])
        return found.to_json()

    def _begin(self, feed: Feed, folder: Path, after: str | None, anew: list[str]) -> dict[str, Any]:
        self._note(
            after or "", "", now_text(self.shop.now())
        )  # the old log is given up: if this run fails, the next begins anew
        beginning = _Beginning(self._capture)
        found: Fetched = patiently(
            lambda: fetch(
                beginning,
                self.sync,
                feed,
                since=Since(),
                folder=folder,
                tally=self._tally,
                held=None,
                tick=self.job.progress,
            )
        )
        assert beginning.position is not None  # noqa: S101  # it was opened
        position = beginning.position.to_json()
        return found.to_json() | {"position": position, "after": after, "snapshot": True, "anew": anew}

    def _follow(self, wanted: Wanted, start: LogPosition, after: str | None, folder: Path) -> Captured:
        read = 0
        with (
            self._capture.changes(wanted, start, MOST) as stretch,
            pq.ParquetWriter(folder / CHANGES_FILE, changes_schema(wanted.feed), compression="zstd") as writer,
        ):
            for batch in stretch.batches():
                writer.write_table(pa.Table.from_batches([batch]), row_group_size=_GROUP)
                read += batch.num_rows
                self.job.progress(read, None, _FOLLOWING)
            end = stretch.end()
        columns = [c.name for c in wanted.feed.columns]
        rows, removed = folder / ROWS_FILE, folder / REMOVED_FILE
        net = coalesced(
            folder / CHANGES_FILE,
            self.sync.key,
            columns,
            rows=rows,
            removed=removed,
            stored=lambda keys, names: self._stored(keys, names, folder),
        )
        tallied = self._tally([rows], text_schema(wanted.feed)).to_json() if net.rows else {}
        return Captured(
            columns=tuple(c.spec.to_json() for c in wanted.feed.columns),
            comments={c.name: c.comment for c in wanted.feed.columns if c.comment},
            rows=net.rows,
            cursor="",
            start=start.at,
            end=end.at,
            source=tallied,
            counted_by="log",
            landed=tallied,
            consistent=True,
            unchanged=False,
            has_keys=False,
            unique=True,
            position=end.to_json(),
            after=after,
            snapshot=False,
            counts=dict(net.counts),
            emptied=net.emptied,
            removed=net.removed,
        )

    def _stored(
        self, keys: Sequence[Key], names: Sequence[str], folder: Path
    ) -> Mapping[Key, Mapping[str, str | None]]:
        key = self.sync.key
        asked = folder / "asked.parquet"
        pl.DataFrame(keys, schema=dict.fromkeys(key, pl.String), orient="row").write_parquet(asked)
        found = self.shop.tables.kept_texts(self.actor, self.sync.table, key, names, [asked])
        return {tuple(row[k] for k in key): row for row in found}

    # Landing, typing

    @property
    def _seen(self) -> Path:
        return self.space.folder("fetch") / (ROWS_FILE if self._fetched.snapshot else CHANGES_FILE)

    def _stop_if_empty(self) -> None:
        """An empty table, or a log without a change, is no fault."""

    def _stage(self, folder: Path) -> dict[str, Any]:
        if self._fetched.snapshot:
            return super()._stage(folder)
        path = self.space.folder("fetch") / ROWS_FILE
        return stage_typed(
            self.plan,
            key=self.run.key,
            typed=lambda _source: self._typed(path),
            folder=folder,
            tick=self._ticker(0.5, 0.4),
        )

    def _typed(self, path: Path) -> Iterator[tuple[int, TypedBatch, int]]:
        """Yield typed rows under the numbers of the changes that made them."""
        names = list(self.plan.schema.names)
        for batch in batches_of(path):
            made = conform(batch.select(names), self.plan.schema, self.run.key, 0)
            changes = batch.column(CHANGE)
            made.row_numbers = changes.take(made.row_numbers)
            made.bad = [replace(b, line=changes[b.line].as_py()) for b in made.bad]
            yield batch.num_rows, made, batch.nbytes

    # The commit

    @property
    def mode(self) -> WriteMode:
        """A snapshot becomes the table; changes are merged into it. History is kept at both."""
        if self.sync.history:
            return WriteMode.HISTORY
        return WriteMode.REPLACE if self._fetched.snapshot else WriteMode.MERGE

    @property
    def _is_complete(self) -> bool:
        return self.mode is WriteMode.HISTORY and self._fetched.snapshot

    def _find_gone(self, folder: Path) -> dict[str, Any]:
        fetched = self._fetched
        if fetched.snapshot:
            return {"rows": 0}
        if not fetched.emptied:
            if fetched.removed:
                self._typed_keys(folder, self.space.folder("fetch") / REMOVED_FILE).rename(folder / GONE_FILE)
            return {"rows": fetched.removed}
        theirs = self._typed_keys(folder, self.space.folder("fetch") / ROWS_FILE)
        gone = self.shop.tables.gone(self.actor, self.sync.table, self.run.key, [theirs], folder / GONE_FILE)
        return {"rows": gone}

    def _commit_words(self) -> dict[str, Any]:
        return super()._commit_words() | {"position": {self.sync.id: self._fetched.position}}

    def _commit(self) -> JsonValue:
        stands = self._table_position()
        at, mine = (None if stands is None else stands.at), self._fetched.position["at"]
        if at not in {self._fetched.after, mine}:
            raise Conflict(
                f"表“{self.sync.table}”在本次读取之后已被另一次取数更新，本次结果不再使用，没有写入任何数据。再取一次即可。",
                f'Table "{self.sync.table}" was written by another run after this one had read; its result is not used and nothing was written. Run it once more.',
                code="capture_overtaken",
            )
        return super()._commit()

    def _finish(self) -> JsonValue:
        done = super()._finish()
        committed = isinstance(done, dict) and done.get("version") is not None
        # Only what stands in the table may be forgotten by the source, whatever was read since.
        position = self._table_position() if committed else LogPosition.from_json(self._fetched.position)
        assert position is not None  # noqa: S101  # it was committed or made above
        with suppress(BeijiangError):  # the next run confirms what this one could not
            self._capture.confirm(position)
            state = measured(self.sync, self._capture, position, self._follows(), self.shop.now())
            with self.shop.db.begin() as tx:
                CaptureStore(tx.connection).note(state)
        return done

    def _follows(self) -> str:
        stands = self._table_position()
        return "" if stands is None else stands.at

    def _also_at_the_end(self, tx: Any, version: int | None) -> None:
        super()._also_at_the_end(tx, version)
        fetched = self._fetched
        follows = fetched.position["at"] if version is not None else fetched.after or ""
        CaptureStore(tx.connection).note(self._state(follows, fetched.position["at"], fetched.position["seen_at"]))

    def _note(self, follows: str, position: str, seen_at: str) -> None:
        with self.shop.db.begin() as tx:
            CaptureStore(tx.connection).note(self._state(follows, position, seen_at))

    def _state(self, follows: str, position: str, seen_at: str) -> CaptureState:
        return CaptureState(
            sync_id=self.sync.id,
            follows=follows,
            position=position,
            seen_at=seen_at,
            lag_bytes=None,
            lag_seconds=None,
            retained=None,
            measured_at=self.shop.now(),
        )

    def report(self) -> dict[str, JsonValue]:
        fetched = self._fetched
        counts: dict[str, JsonValue] = {**fetched.counts}
        told: dict[str, JsonValue] = {
            "snapshot": fetched.snapshot,
            "anew": [*fetched.anew],
            "from": fetched.start,
            "to": fetched.position["at"],
            "changes": counts,
        }
        return super().report() | {"captured": told}

    # The certificate

    def _certify(self, version: int | None) -> dict[str, Any]:
        """Hold the rows that the log comes to against what the table has under all keys that it names."""
        fetched = self._fetched
        if fetched.snapshot:
            return super()._certify(version)
        tables, schema = self.shop.tables, self.plan.schema
        number = version if version is not None else tables.get(self.actor, self.sync.table).version
        staged = staged_files(self.space.folder("settle"))
        named = [*staged, *([self.space.folder("gone") / GONE_FILE] if self._gone else [])]
        landed = Fingerprint.from_json(fetched.landed)
        made = tables.fingerprint_of(self.actor, staged, schema.to_arrow(), self.sync.key)
        held = tables.fingerprint(
            self.actor,
            self.sync.table,
            list(schema.names),
            self.sync.key,
            version=number,
            among=Among(keys=tuple(named)),
        )
        aside, unlike = self.counts()["aside"], differing(made, held, "commit")
        verdict = Verdict.DIFFERENT if unlike else Verdict.EXPLAINED if aside else Verdict.EQUAL
        told: dict[str, JsonValue] = {**fetched.counts}
        body: dict[str, JsonValue] = {
            "part": None,
            "consistent": True,
            "counted_by": fetched.counted_by,
            "source": side(landed),
            "landed": side(landed),
            "made": side(made),
            "held": side(held),
            "set_aside": aside,
            "deleted_at_source": 0,
            "ranges": unlike,
            "differences": [],
            "differences_found": len(unlike),
            "log": {"from": fetched.start, "to": fetched.end, "changes": told, "removed": self._gone},
        }
        return {"id": new_id("crt"), "version": number, "verdict": verdict.value, "body": body}
