"""A run from a source: fetch and land, then the steps of every run, then the certificate of what arrived."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.ingest.models import AUTO, SYNC_FILE_SUFFIX, Certificate, KeyComparison, Lateness, Sync, SyncMode
from beijiang.ingest.service.certifying import certified
from beijiang.ingest.service.conforming import conformed
from beijiang.ingest.service.fetching import (
    KEYS_FILE,
    ROWS_FILE,
    Fetched,
    Landed,
    Since,
    batches_of,
    checked_feed,
    fetch,
    patiently,
    start_of,
)
from beijiang.ingest.service.observing import keys_are_due, observed, overlap_of
from beijiang.ingest.service.reading import ReadPlan
from beijiang.ingest.service.staging import QUARANTINE_FILE, stage_typed, staged_files, staged_schema
from beijiang.ingest.service.work import Shop, Work
from beijiang.ingest.service.workspace import place
from beijiang.ingest.store import IngestStore
from beijiang.ingest.store.lateness import LatenessStore
from beijiang.ingest.store.tombstones import KeyStore
from beijiang.ingest.typing import TypedSchema
from beijiang.kit import Text, new_id
from beijiang.kit.errors import JsonValue
from beijiang.tables import HIDDEN, Fingerprint, Part, WriteMode

if TYPE_CHECKING:
    from beijiang.ingest.connectors import Connector, Feed
    from beijiang.jobs import JobRun

__all__ = ["GONE_FILE", "SyncWork"]

GONE_FILE: Final = "gone.parquet"
_EARLY: Final = "early"
"""In the folder of what was fetched: the rows that were typed already."""
_CERTIFYING = Text("核对两边的数据", "Comparing both sides")


class SyncWork(Work):
    """One attempt at one run whose rows come from a source."""

    def __init__(self, shop: Shop, job: JobRun, run_id: str, sync: Sync, connector: Connector) -> None:
        super().__init__(shop, job, run_id)
        self.sync = sync
        self.connector = connector

    def _steps(self) -> JsonValue:
        self.job.step("fetch", lambda: bool(self._fetched and self._land()))
        return super()._steps()

    # Looking at the source

    @cached_property
    def _fetched(self) -> Fetched:
        return Fetched.from_json(self.space.produce("fetch", self._fetch))

    def _fetch(self, folder: Path) -> dict[str, Any]:
        known = self.shop.tables.schema(self.actor, self.sync.table)
        names = [] if known is None else [n for n in known.names if n not in HIDDEN]
        feed = patiently(lambda: checked_feed(self.connector, self.sync, names))
        since = self._since(feed)
        found: Fetched = patiently(
            lambda: fetch(
                self.connector,
                self.sync,
                feed,
                since=since,
                until=self.request.until if self._is_part else None,
                folder=folder,
                tally=self._tally,
                held=self._held(feed),
                tick=self.job.progress,
                meanwhile=lambda landed: self._stage_early(feed, landed, folder / _EARLY),
            )
        )
        return found.to_json()

    def _since(self, feed: Feed) -> Since:
        if self._is_part:
            return Since(start=self.request.since)
        with self.shop.db.read() as connection:
            due = self.request.keys or keys_are_due(connection, self.sync)
            seen = LatenessStore(connection).of(self.sync.id)
        column = feed.column(self.sync.cursor)
        if column is None or self.request.whole:
            return Since(keys=due)
        position = self.shop.tables.positions(self.actor, self.sync.table).get(self.sync.id)
        overlap = overlap_of(self.sync, seen, column.spec.type)
        start = start_of(position, overlap.size, column.spec.type)
        return Since(None if position is None else str(position), start, due)

    def _held(self, feed: Feed) -> Callable[[Part | None], Fingerprint] | None:
        """Return what counts a part of the table as the source counts; None where a run would change its columns."""
        known = self.shop.tables.schema(self.actor, self.sync.table)
        comes = TypedSchema(tuple(c.spec for c in feed.columns)).to_arrow()
        if self.table is None or known is None:
            return None
        told = {c.name: c.comment for c in self.table.columns}
        same = all(f.name in known.names and known.field(f.name).type == f.type for f in comes)
        if not same or any(c.comment and c.comment != told.get(c.name) for c in feed.columns):
            return None
        columns, key = list(comes.names), self.run.key
        return lambda part: self.shop.tables.fingerprint(self.actor, self.sync.table, columns, key, part=part)

    @property
    def _is_part(self) -> bool:
        """Tell whether a part is read again, which leaves the position as it is."""
        return self.request.since is not None or self.request.until is not None

    def _tally(self, files: Sequence[Path], schema: pa.Schema) -> Fingerprint:
        return self.shop.tables.fingerprint_of(self.actor, files, schema, self.run.key)

    def _land(self) -> str:
        """Keep what was read among the landed files, and name it as the run's; again is harmless."""
        path, name = self._seen, self._name
        with path.open("rb") as stream:
            sha256, size, _ = self.shop.landing.put(stream, path.stat().st_size)
        with self.shop.db.begin() as tx:
            store = IngestStore(tx.connection)
            if sha256 not in dict(self.run.files):
                store.add_delivery(sha256, size, self.run.org_id, self.actor.id, name, self.shop.now())
                store.add_run_file(self.run_id, sha256, name)
            run = store.run(self.run_id)
        assert run is not None  # noqa: S101  # it was there a line above
        self.run = run
        return sha256

    @property
    def _name(self) -> str:
        """What people call the file that lands."""
        return f"{self.sync.source_name} {self.sync.feed}{SYNC_FILE_SUFFIX}"

    @property
    def _seen(self) -> Path:
        """The file in which everything that was seen is written down."""
        return self.space.folder("fetch") / ROWS_FILE

    # The steps of every run, on rows that are typed already

    def _read(self, folder: Path) -> dict[str, Any]:
        del folder
        sha256 = self._land()  # the run may go on in another process, which has not looked yet
        name = dict(self.files)[sha256]
        schema = self._fetched.schema
        return ReadPlan.of_landed(schema, schema.names, sha256, name, self.shop.landing.path(sha256)).to_json()

    def _stage_early(self, feed: Feed, landed: Landed, folder: Path) -> dict[str, Any]:
        """Type the rows that were just written down, while the source still counts them."""
        with landed.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        schema = TypedSchema(tuple(c.spec for c in feed.columns))
        plan = ReadPlan.of_landed(schema, schema.names, sha256, self._name, landed.path)
        shutil.rmtree(folder, ignore_errors=True)  # an attempt before this one may have lost its source
        folder.mkdir()
        return self._staged(plan, landed.batches, folder, landed.tick)

    def _stage(self, folder: Path) -> dict[str, Any]:
        early, told = self.space.folder("fetch") / _EARLY, self._fetched.staged
        if told is not None:
            for path in early.iterdir():
                os.link(path, folder / path.name)
            return told
        path = self.shop.landing.path(self.plan.sources[0].sha256)
        return self._staged(self.plan, lambda: batches_of(path), folder, self._ticker(0.5, 0.4))

    def _staged(
        self,
        plan: ReadPlan,
        batches: Callable[[], Iterable[pa.RecordBatch]],
        folder: Path,
        tick: Callable[[int, Text], None],
    ) -> dict[str, Any]:
        return stage_typed(
            plan,
            key=self.run.key,
            typed=lambda _source: conformed(batches(), plan.schema, self.run.key),
            folder=folder,
            tick=tick,
        )

    def _settle(self, folder: Path) -> dict[str, Any]:
        """Look for repeated keys only where the source does not rule them out."""
        if self.run.key and not self._fetched.unique:
            return super()._settle(folder)
        staged = self.stage()["staged"]
        for path in (*staged_files(self.space.folder("stage")), self.space.folder("stage") / QUARANTINE_FILE):
            if path.exists():
                os.link(path, folder / path.name)
        return {"left": [], "good": staged}

    def _publish(self) -> JsonValue:
        """Also look, while the table is still as it was, how late rows came."""
        self._lateness  # noqa: B018  # worked out once, before the commit
        return super()._publish()

    @cached_property
    def _lateness(self) -> dict[str, Any] | None:
        """How far behind the position the rows were that are new inside the overlap; None where that is not learned."""
        if self.sync.overlap != AUTO or self._fetched.since is None:
            return None
        return self.space.produce("late", self._observe)

    def _observe(self, folder: Path) -> dict[str, Any]:
        found = self._fetched
        part = Part(found.cursor, found.start, found.since)
        files = staged_files(self.space.folder("settle"))
        target = folder / "late.parquet"
        if files:
            self.shop.tables.late(self.actor, self.sync.table, self.run.key, files, target, part=part)
        return observed(target, str(found.since))

    def _commit_words(self) -> dict[str, Any]:
        words: dict[str, Any] = {"comments": self._fetched.comments}
        if self._fetched.end is not None and not self._is_part:
            words["position"] = {self.sync.id: self._fetched.end}
        words["complete"] = self._is_complete
        if self._gone:
            words["removed"] = (self.space.folder("gone") / GONE_FILE,)
        return words

    @property
    def _is_complete(self) -> bool:
        """Tell whether a table that keeps its history is to hold just what was read: a full run, or a snapshot."""
        return self.mode is WriteMode.HISTORY and self.sync.mode is SyncMode.FULL

    @cached_property
    def _gone(self) -> int:
        """How many rows the table has and the source, in this look, has not."""
        return int(self.space.produce("gone", self._find_gone)["rows"])

    def _find_gone(self, folder: Path) -> dict[str, Any]:
        if not self._fetched.has_keys:
            return {"rows": 0}
        theirs = self.space.folder("fetch") / KEYS_FILE
        schema = staged_schema(self.plan.schema)
        with pq.ParquetFile(theirs) as file:
            keys = [file.schema_arrow.field(name) for name in self.run.key]
        if any(field.type != schema.field(field.name).type for field in keys):
            theirs = self._typed_keys(folder, theirs)
        rows = self.shop.tables.gone(self.actor, self.sync.table, self.run.key, [theirs], folder / GONE_FILE)
        return {"rows": rows}

    def _typed_keys(self, folder: Path, theirs: Path) -> Path:
        """Return the source's keys in the types of the table; what cannot be one is no key of the table either."""
        schema = TypedSchema(tuple(c for c in self.plan.schema.columns if c.name in self.run.key))
        target = folder / KEYS_FILE
        with pq.ParquetWriter(target, schema.to_arrow()) as writer:
            for _, typed, _ in conformed(batches_of(theirs), schema, self.run.key):
                writer.write_batch(typed.rows.cast(schema.to_arrow()))
        return target

    def _stop_if_empty(self) -> None:
        """A part of a source may be empty; a whole one that suddenly is does not empty the table."""
        window = self._fetched.start is not None or self._is_part
        if not self._fetched.unchanged and not (window and self.table is not None):
            super()._stop_if_empty()

    @property
    def _has_committed(self) -> bool:
        """Tell whether an earlier attempt at this run made its version already."""
        if self.table is None:
            return False
        return any(v.run_id == self.run_id for v in self.shop.tables.history(self.actor, self.sync.table, 50))

    def _nothing_to_commit(self, good: int) -> bool:
        if self._has_committed:
            return False
        nothing = super()._nothing_to_commit(good) and not self._is_complete
        return (self._fetched.unchanged or nothing) and not self._gone

    # The certificate

    def _also_at_the_end(self, tx: Any, version: int | None) -> None:
        source = Fingerprint.from_json(self._fetched.source).checksum
        facts: dict[str, JsonValue] = {"rows": self._fetched.rows, "source": source}
        self._keep_certificate(tx, self._certificate(version), facts)
        now = self.shop.now()
        if self._lateness is not None:
            LatenessStore(tx.connection).add(
                Lateness(sync_id=self.sync.id, run_id=self.run_id, at=now, **self._lateness)
            )
        if self._fetched.has_keys:
            KeyStore(tx.connection).add(
                KeyComparison(
                    run_id=self.run_id,
                    sync_id=self.sync.id,
                    table=self.sync.table,
                    at=now,
                    version=version,
                    keys=self._fetched.keys,
                    gone=self._gone,
                )
            )

    def _before_the_end(self, version: int | None) -> None:
        if self._gone:
            place(self.space.folder("gone") / GONE_FILE, self.shop.tombstones(self.run_id).path)
        self._certificate(version)

    def _certificate(self, version: int | None) -> Certificate:
        told = self.space.produce("certify", lambda _folder: self._certify(version))
        return Certificate.of_run(self.sync, self.run_id, told, self.shop.now())

    def _certify(self, version: int | None) -> dict[str, Any]:
        self.job.progress(97, 100, _CERTIFYING)
        number = version if version is not None else self.shop.tables.get(self.actor, self.sync.table).version
        found = certified(
            self.shop.tables,
            self.actor,
            self.sync,
            self._fetched,
            counts=self.counts(),
            landed=self._landed,
            staged=staged_files(self.space.folder("settle")),
            schema=self.plan.schema,
            version=number,
            whole=self.sync.mode is not SyncMode.INCREMENTAL,
        )
        return {"id": new_id("crt"), "version": number, "verdict": found.verdict.value, "body": found.body}

    def _landed(self) -> Fingerprint:
        path = self.space.folder("fetch") / ROWS_FILE
        with pq.ParquetFile(path) as file:
            return self._tally([path], file.schema_arrow)
