"""A micro-batch of a stream: land closed segments of its spool, then the steps of every run.

The number of the last segment is part of the commit that holds its rows. A batch takes what lies beyond that number and
nothing else, so whatever is killed at whatever instant, a delivery that was landed counts once.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.ingest.connectors.messages import Record, Rows
from beijiang.ingest.errors import disk_trouble
from beijiang.ingest.models import DUPLICATE_SAME, Segment, Stream
from beijiang.ingest.readers import BadReason, BadRow, HeaderTemplate
from beijiang.ingest.service.conforming import conform
from beijiang.ingest.service.reading import ReadPlan, Source
from beijiang.ingest.service.staging import QUARANTINE_FILE, stage_typed, staged_files, staged_schema
from beijiang.ingest.service.work import Shop, Work
from beijiang.ingest.store import IngestStore
from beijiang.ingest.store.spool import closed_files, lines_of
from beijiang.ingest.store.streams import StreamStore
from beijiang.ingest.typing import TypedBatch, TypedSchema
from beijiang.kit import Conflict, Text
from beijiang.kit.errors import JsonValue
from beijiang.tables import FILE_COLUMN, ROW_COLUMN

if TYPE_CHECKING:
    from beijiang.ingest.connectors.stream_options import StreamOptions
    from beijiang.jobs import JobRun

__all__ = ["StreamWork"]

_SEGMENTS: Final = 64
_BYTES: Final = 256 << 20
"""One batch takes no more than this; the next takes the rest."""
_CHUNK: Final = 20_000

_WORDS: Final = {
    "not_an_object": Text("消息不是 JSON 对象，原文已保留。", "The message is no JSON object; it is kept as it came."),
    "undecodable": Text("消息不是 UTF-8 文本，原文已保留。", "The message is no UTF-8 text; it is kept as it came."),
}


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
        found = self.space.produce("land", lambda _folder: {"segments": self._land()})["segments"]
        return [Segment(*values) for values in found]

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
                name = f"{self.stream.name} {segment.seq}.ndjson"
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

    def _read(self, folder: Path) -> dict[str, Any]:
        del folder
        schema = TypedSchema(tuple(c.spec for c in self.options.columns))
        header = HeaderTemplate(0, 0, schema.names).to_json()
        sources = [
            Source(
                index=index,
                sha256=segment.sha256,
                name=f"{self.stream.name} {segment.seq}.ndjson",
                inner="",
                format="messages",
                encoding="utf-8",
                columns=schema.names,
                header=header,
                notes=(),
                bytes=segment.bytes,
            )
            for index, segment in enumerate(self._landed)
        ]
        return ReadPlan(schema, tuple(sources), spooled=False).to_json()

    def _stage(self, folder: Path) -> dict[str, Any]:
        return stage_typed(self.plan, key=self.run.key, typed=self._typed, folder=folder, tick=self._ticker(0.0, 0.9))

    def _typed(self, source: Source) -> Iterator[tuple[int, TypedBatch, int]]:
        """Yield the records of a segment in the types of the table; they count from 1 in the order in which they came."""
        rows = Rows(self.options)
        waiting: list[tuple[int, Record]] = []
        number, size = 0, 0
        for line in lines_of(self.shop.landing.path(source.sha256)):
            size += len(line)
            for record in rows.of(line):
                number += 1
                waiting.append((number, record))
            if len(waiting) >= _CHUNK:
                yield self._batch(waiting, size)
                waiting, size = [], 0
        if waiting:
            yield self._batch(waiting, size)

    def _batch(self, waiting: Sequence[tuple[int, Record]], size: int) -> tuple[int, TypedBatch, int]:
        schema = self.plan.schema
        good = [(number, record.cells) for number, record in waiting if record.cells is not None]
        bad = [
            BadRow(number, None, BadReason(record.trouble), _WORDS[record.trouble], record.raw)
            for number, record in waiting
            if record.cells is None
        ]
        columns = list(zip(*(cells for _, cells in good), strict=True)) or [()] * len(schema.columns)
        arrow = pa.schema([(name, pa.string()) for name in schema.names])
        batch = pa.RecordBatch.from_arrays([pa.array(c, pa.string()) for c in columns], schema=arrow)
        typed = conform(batch, schema, self.run.key, 0)
        numbers = pa.array([number for number, _ in good], pa.int64())
        misfits = [BadRow(good[b.line][0], b.column, b.reason, b.text, b.raw) for b in typed.bad]
        placed = TypedBatch(
            typed.rows,
            numbers.take(typed.row_numbers),
            sorted([*bad, *misfits], key=lambda b: b.line),
            typed.changes,
        )
        return len(waiting), placed, size

    def _settle(self, folder: Path) -> dict[str, Any]:
        """Leave the last message of each key; those before it have been overtaken and stay in the landed files."""
        self.stage()
        staged = self.space.folder("stage")
        os.link(staged / QUARANTINE_FILE, folder / QUARANTINE_FILE)
        files = staged_files(staged)
        if not self.run.key:
            for path in files:
                os.link(path, folder / path.name)
            return {"left": [], "good": self.stage()["staged"]}
        order = {source.tag: source.index for source in self.plan.sources}
        frame = pl.read_parquet(files)
        last = (
            frame.with_columns(pl.col(FILE_COLUMN).replace_strict(order, return_dtype=pl.Int64).alias("\0order"))
            .sort("\0order", ROW_COLUMN)
            .unique(list(self.run.key), keep="last", maintain_order=True)
            .drop("\0order")
        )
        schema = staged_schema(self.plan.schema)
        pq.write_table(last.to_arrow().cast(schema), folder / "part-00000.parquet", compression="zstd")
        left = []
        for source in self.plan.sources:
            came = frame.filter(pl.col(FILE_COLUMN) == source.tag).height
            stays = last.filter(pl.col(FILE_COLUMN) == source.tag).height
            if came > stays:
                left.append({"source": source.index, "reason": DUPLICATE_SAME, "rows": came - stays})
        return {"left": left, "good": last.height}

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
        return super()._publish() if self.counts()["bad"] else True

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

    def _also_at_the_end(self, tx: Any, version: int | None) -> None:
        del version
        StreamStore(tx.connection).change(self.stream.id, position=self._landed[-1].seq, trouble=None)
