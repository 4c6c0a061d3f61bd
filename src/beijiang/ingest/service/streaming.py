"""A micro-batch of a stream: land closed segments of its spool, then the steps of every run.

The number of the last segment is part of the commit that holds its rows. A batch takes what lies beyond that number and
nothing else, so whatever is killed at whatever instant, a delivery that was landed counts once.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from beijiang.ingest.errors import disk_trouble
from beijiang.ingest.models import ArrivedBatch, Certificate, Segment, Stream
from beijiang.ingest.service.segments import Reader, arrived, last_of_each_key, name_of, reading_of
from beijiang.ingest.service.staging import QUARANTINE_FILE, stage_typed, staged_files
from beijiang.ingest.service.stream_proof import batch_proved
from beijiang.ingest.service.work import Shop, Work
from beijiang.ingest.store import IngestStore
from beijiang.ingest.store.spool import closed_files, lines_of
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import Conflict, new_id
from beijiang.kit.errors import JsonValue

if TYPE_CHECKING:
    from beijiang.ingest.connectors.stream_options import StreamOptions
    from beijiang.jobs import JobRun

__all__ = ["StreamWork"]

_SEGMENTS: Final = 64
_BYTES: Final = 256 << 20
"""One batch takes no more than this; the next takes the rest."""


class StreamWork(Work):
    """One attempt at one micro-batch."""

    def __init__(
        self, shop: Shop, job: JobRun, run_id: str, stream: Stream, *, options: StreamOptions, spool: Path
    ) -> None:
        super().__init__(shop, job, run_id)
        self.stream = stream
        self.options = options
        self.spool = spool

    def _steps(self) -> JsonValue:
        self.job.step("land", lambda: bool(self._landed and self._register()))
        return super()._steps()

    # Landing

    @cached_property
    def _landed(self) -> list[Segment]:
        return [Segment(*values) for values in self._land_note["segments"]]

    @cached_property
    def _land_note(self) -> dict[str, Any]:
        return self.space.produce(
            "land", lambda _folder: {"segments": self._land(), "reading": reading_of(self.options)}
        )

    def _land(self) -> list[list[Any]]:
        """Put the next closed segments among the landed files; again is harmless."""
        done: Any = self.shop.tables.positions(self.actor, self.stream.table).get(self.stream.id, 0)
        with self.shop.db.read() as connection:
            store = StreamStore(connection)
            known = store.segments(self.stream.id, done, _SEGMENTS)
            last = store.last_segment(self.stream.id)
        newest = max(done, last.seq if last else 0)
        found, size = [], 0
        for segment in known:
            found.append([segment.seq, segment.sha256, segment.deliveries, segment.bytes])
            size += segment.bytes
        for seq, path in closed_files(self.spool):
            if seq <= newest or len(found) >= _SEGMENTS or size >= _BYTES:
                continue
            try:
                with path.open("rb") as stream:
                    sha256, taken, _ = self.shop.landing.put(stream, path.stat().st_size)
            except OSError as error:
                raise disk_trouble(error) from error
            found.append([seq, sha256, sum(1 for _ in lines_of(path)), taken])
            size += taken
        if not found:
            raise Conflict(
                "没有等待入表的消息。", "No message waits to be taken in.", code="nothing_waits", detail={"after": done}
            )
        return found

    def _register(self) -> bool:
        """Note what was landed, with the keys of its deliveries; then the spool need not hold it any longer."""
        with self.shop.db.begin() as tx:
            store, streams, now = IngestStore(tx.connection), StreamStore(tx.connection), self.shop.now()
            listed = {sha256 for sha256, _ in self.run.files}
            for segment in self._landed:
                if segment.sha256 in listed:
                    continue
                name = name_of(self.stream.name, segment)
                store.add_delivery(segment.sha256, segment.bytes, self.run.org_id, self.actor.id, name, now)
                store.add_run_file(self.run_id, segment.sha256, name)
                streams.add_segment(self.stream.id, segment)
                streams.add_keys(self.stream.id, self._keys(segment), now)
            run = store.run(self.run_id)
        assert run is not None  # noqa: S101  # it was there a line above
        self.run = run
        for segment in self._landed:
            with contextlib.suppress(OSError):
                (self.spool / f"{segment.seq:012d}.ndjson").unlink(missing_ok=True)
        return True

    def _keys(self, segment: Segment) -> dict[str, Sequence[JsonValue]]:
        keys: dict[str, Sequence[JsonValue]] = {}
        for line in lines_of(self.shop.landing.path(segment.sha256)):
            if b'"key":' in line:
                told = orjson.loads(line)
                if told.get("key"):
                    keys[told["key"]] = [told["id"], told.get("n", 1)]
        return keys

    # The steps of every run

    @cached_property
    def _reader(self) -> Reader:
        """Read as this run began to read: an attempt that goes on does not mind that the options were changed meanwhile."""
        told = self._land_note.get("reading") or reading_of(self.options)
        return Reader.as_told(self.shop.landing, self.stream.name, self.run.key, told)

    def _read(self, folder: Path) -> dict[str, Any]:
        del folder
        return self._reader.plan(self._landed).to_json()

    def _stage(self, folder: Path) -> dict[str, Any]:
        tick = self._ticker(0.0, 0.9)
        return stage_typed(self.plan, key=self.run.key, typed=self._reader.typed, folder=folder, tick=tick)

    def _settle(self, folder: Path) -> dict[str, Any]:
        self.stage()
        staged = self.space.folder("stage")
        os.link(staged / QUARANTINE_FILE, folder / QUARANTINE_FILE)
        files = staged_files(staged)
        if self.run.key:
            return last_of_each_key(self.plan, self.run.key, files, folder / "part-00000.parquet")
        for path in files:
            os.link(path, folder / path.name)
        return {"left": [], "good": self.stage()["staged"]}

    def counts(self) -> dict[str, int]:
        """Add up; overtaken messages are counted, not set aside, for nobody has anything to mend in them."""
        found = super().counts()
        return found | {"aside": found["bad"]}

    def report(self) -> dict[str, JsonValue]:
        """Return the account of the batch, with its place in the stream."""
        told: dict[str, JsonValue] = {
            "stream": self.stream.id,
            "first_segment": self._landed[0].seq,
            "last_segment": self._landed[-1].seq,
            "deliveries": sum(s.deliveries for s in self._landed),
        }
        return super().report() | told

    def _publish(self) -> JsonValue:
        self._announce()
        return super()._publish() if self.counts()["bad"] else True

    def _announce(self) -> None:
        """Tell who listens before the commit, so that nobody waits for it; overtaken messages are told too."""
        if self.shop.watches:
            tags = [(source.tag, self._landed[source.index].seq) for source in self.plan.sources]
            files = staged_files(self.space.folder("stage"))
            batch = ArrivedBatch(
                stream_id=self.stream.id,
                table=self.stream.table,
                last=self._landed[-1].seq,
                rows=lambda columns, after: arrived(files, columns, dict(tags), after),
            )
            for watch in self.shop.watches:
                watch.hear(batch)

    def _stop_if_bad(self) -> None:
        """Go on whatever the share of bad messages: a stream that stops would lose what comes next."""

    def _nothing_to_commit(self, good: int) -> bool:
        del good
        return False  # the position moves, or the same messages would be read for ever

    def _commit_words(self) -> dict[str, Any]:
        there: Any = self.shop.tables.positions(self.actor, self.stream.table).get(self.stream.id, 0)
        if self._landed[0].seq <= there < self._landed[-1].seq:
            raise Conflict(
                "另一个任务已把其中一部分消息入表，本次没有写入。",
                "Another run has taken in a part of these messages; nothing was written.",
                code="position_moved",
            )
        comments = {c.name: c.comment for c in self.options.columns if c.comment}
        return {"comments": comments, "position": {self.stream.id: self._landed[-1].seq}}

    def _resolutions(self) -> dict[str, list[int]]:
        return {}

    # The certificate, and the end

    def _before_the_end(self, version: int | None) -> None:
        self._certificate(version)

    def _also_at_the_end(self, tx: Any, version: int | None) -> None:
        store, numbers = StreamStore(tx.connection), [s.seq for s in self._landed]
        store.change(self.stream.id, position=numbers[-1], trouble=None)
        store.note_reading(self.stream.id, numbers, reading_of(self._reader.options))
        certificate = self._certificate(version)
        source: Any = certificate.body["source"]
        self._keep_certificate(tx, certificate, {"rows": source["rows"], "source": source["checksum"]})

    def _certificate(self, version: int | None) -> Certificate:
        assert version is not None  # noqa: S101  # a batch commits always, if only its position
        told = self.space.produce("certify", lambda _folder: self._certify(version))
        return Certificate.of_run(self.stream, self.run_id, told, self.shop.now())

    def _certify(self, version: int) -> dict[str, Any]:
        found = batch_proved(
            self.shop.tables,
            self.actor,
            self.stream,
            segments=self._landed,
            counts=self.counts(),
            staged=staged_files(self.space.folder("settle")),
            columns=self.plan.schema.names,
            tags=[s.tag for s in self.plan.sources],
            version=version,
        )
        return {"id": new_id("crt"), "version": version, "verdict": found.verdict.value, "body": found.body}
