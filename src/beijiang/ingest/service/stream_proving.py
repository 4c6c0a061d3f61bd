"""The verbs of proof for streams: certificates of batches, and comparisons of whole tables with what was landed, as jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.ingest.models import STREAM_VERIFY_JOB, Certificate
from beijiang.ingest.service.comparisons import Comparisons
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import SYSTEM, NotFound, Text, new_id

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.ingest.connectors.stream_options import StreamOptions
    from beijiang.ingest.models import Stream
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.jobs import Job, JobRun
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Tables

__all__ = ["StreamProving"]

_SAYING = Text("核对表与已落盘的消息", "Comparing the table with the landed messages")


class StreamProving(Comparisons):
    """The part of ``Streams`` that holds tables against their messages."""

    db: Database
    ingest: Ingest
    tables: Tables
    access: Access
    evidence: Evidence
    clock: Clock

    if TYPE_CHECKING:

        def stream(self, actor: Actor, words: str) -> Stream: ...
        def _opened(self, stream: Stream) -> StreamOptions: ...

    def certificates(self, actor: Actor, words: str, limit: int = 50) -> list[Certificate]:
        """Return the certificates of a stream, of its batches and of verifications, newest first."""
        stream = self.stream(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_READ, stream.org_id)
        with self.db.read() as connection:
            found = SourceStore(connection).certificates([stream.id], limit)
        return [self._shown(actor, c, stream.org_id) for c in found]

    def verify(self, actor: Actor, words: str) -> Certificate:
        """Read every landed message again, hold the whole table against it, and certify what is found; waits for it."""
        stream = self.stream(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, stream.org_id)
        found = self._verified(actor, stream, lambda _rows, _all: None)
        return self._shown(actor, found, stream.org_id)

    def verify_later(self, actor: Actor, words: str) -> str:
        """Queue that comparison and return the job's id; one that goes on already is returned.

        Raises:
            NotFound: no message has reached the table yet.

        """
        stream = self.stream(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, stream.org_id)
        self.tables.get(actor, stream.table)  # a table that was never filled is told of at once
        key = f"{STREAM_VERIFY_JOB}:{stream.id}"
        return self.ingest.jobs.submit(actor, STREAM_VERIFY_JOB, {"stream": stream.id}, key=key, org_id=stream.org_id)

    def verifications(self, actor: Actor, words: str) -> list[Job]:
        """Return the comparisons of a stream that have not ended, newest first."""
        stream = self.stream(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_READ, stream.org_id)
        jobs = self.ingest.jobs.jobs(SYSTEM, org_id=stream.org_id, limit=100)
        mine = {"stream": stream.id}
        return [j for j in jobs if j.name == STREAM_VERIFY_JOB and j.arguments == mine and not j.ended]

    def verify_work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Do the comparison that a job stands for; registered in build.py as the work of ``STREAM_VERIFY_JOB``."""
        with self.db.read() as connection:
            stream = StreamStore(connection).stream(str(arguments["stream"]))
        if stream is None:
            raise NotFound("数据流已删除。", "The stream was removed.", code="stream_not_found")

        def compare() -> JsonValue:
            found = self._verified(job.actor, stream, lambda rows, whole: job.progress(rows, whole, _SAYING))
            return {"certificate": found.id, "verdict": found.verdict.value}

        return job.step("compare", compare)

    def _verified(self, actor: Actor, stream: Stream, tick: Callable[[int, int], None]) -> Certificate:
        from beijiang.ingest.service.stream_proof import Kept, stream_verified

        version = self.tables.history(actor, stream.table, 1)[0]
        position = int(str(version.position.get(stream.id, 0)))
        with self.db.read() as connection:
            store = StreamStore(connection)
            segments, last = store.readings(stream.id, position), store.last_segment(stream.id)
        waiting = 0 if last is None else max(0, last.seq - position)
        kept = Kept(self.ingest.landing, stream, self._opened(stream), segments, waiting)
        folder = self.ingest.settings.home / "staging" / new_id("verify")
        found = stream_verified(self.tables, actor, kept, folder, version=version, tick=tick)
        with self.db.begin() as tx:
            return self._keep(tx, actor, stream, version.version, found)
