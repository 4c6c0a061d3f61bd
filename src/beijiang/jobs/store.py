"""All SQL on the tables of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from beijiang.db import JsonDocument, Shelf, UtcDateTime, age_of, metadata, part_of, upsert
from beijiang.jobs.models import TERMINAL, Job, JobProgress, JobState, actor_from_json, actor_to_json
from beijiang.kit import Actor, Part, Wanted
from beijiang.kit import Text as Words
from beijiang.kit.errors import JsonValue

__all__ = ["JobStore", "job", "job_executor"]

job = Table(
    "job",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("key", String(200)),
    Column("org_id", String(40)),
    Column("actor", JsonDocument, nullable=False),
    Column("actor_id", String(40), nullable=False),
    Column("arguments", JsonDocument, nullable=False),
    Column("state", String(12), nullable=False),
    Column("done", BigInteger, nullable=False, default=0),
    Column("total", BigInteger),
    Column("note_zh", Text, nullable=False, default=""),
    Column("note_en", Text, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("executor", String(80)),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    Column("submitted_at", UtcDateTime, nullable=False),
    Column("dispatched_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("result", JsonDocument),
    Column("error", JsonDocument),
    Index("ix_job_state", "state", "submitted_at"),
)
Index(
    "uq_job_open_key",
    job.c.key,
    unique=True,
    sqlite_where=job.c.ended_at.is_(None),
    postgresql_where=job.c.ended_at.is_(None),
)

job_executor = Table(
    "job_executor",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("heartbeat_at", UtcDateTime, nullable=False),
)


class JobStore:
    """Jobs and the processes that run them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        job_id: str,
        name: str,
        *,
        actor: Actor,
        org_id: str | None,
        arguments: dict[str, JsonValue],
        key: str | None,
        at: datetime,
    ) -> bool:
        """Insert a queued job; False where an unfinished one goes by the same key, which the next look finds."""
        added = self._connection.execute(
            upsert(self._connection, job)
            .on_conflict_do_nothing()
            .values(
                id=job_id,
                name=name,
                key=key,
                org_id=org_id,
                actor=actor_to_json(actor),
                actor_id=actor.id,
                arguments=arguments,
                state=JobState.QUEUED.value,
                submitted_at=at,
            )
            .returning(job.c.id)
        )
        return added.scalar_one_or_none() is not None

    def open_by_key(self, key: str) -> str | None:
        """Return the unfinished job that goes by ``key``."""
        query = select(job.c.id).where(job.c.key == key, job.c.ended_at.is_(None))
        found: str | None = self._connection.execute(query).scalar_one_or_none()
        return found

    def get(self, job_id: str) -> Job | None:
        """Return one job."""
        row = self._connection.execute(select(job).where(job.c.id == job_id)).one_or_none()
        return None if row is None else _job(row)

    def pulse(self) -> str:
        """Return a word that changes when an open job moves on, or one opens or ends."""
        open_ones = [state.value for state in JobState if state not in TERMINAL]
        seen = select(
            func.count(), func.sum(job.c.done), func.max(job.c.submitted_at), func.max(job.c.started_at)
        ).where(job.c.state.in_(open_ones))
        return ":".join(map(str, self._connection.execute(seen).one()))

    def list(
        self, *, org_id: str | None = None, state: JobState | None = None, limit: int = 100, before: str | None = None
    ) -> list[Job]:
        """Return jobs, newest first."""
        query = select(job).order_by(job.c.id.desc()).limit(limit)
        if org_id is not None:
            query = query.where(job.c.org_id == org_id)
        if state is not None:
            query = query.where(job.c.state == state.value)
        if before is not None:
            query = query.where(job.c.id < before)
        return [_job(row) for row in self._connection.execute(query)]

    def part(self, wanted: Wanted, org_id: str | None, now: datetime) -> Part[Job]:
        """Return a part of the jobs of a department (None: of all), newest first."""
        shelf = Shelf(
            rows=select(job) if org_id is None else select(job).where(job.c.org_id == org_id),
            columns={
                "name": job.c.name,
                "state": job.c.state,
                "progress": case(
                    (job.c.state == JobState.DONE.value, 1.0), (job.c.total > 0, 1.0 * job.c.done / job.c.total)
                ),
                "by": job.c.actor["name"].as_string(),
                "why": job.c.error["zh"].as_string(),
                "attempts": job.c.attempts,
                "at": job.c.submitted_at,
                "ended": job.c.ended_at,
                "age": age_of(job.c.submitted_at, now),
                "id": job.c.id,
            },
            counted=("name", "state", "by", "age"),
            words=("id", "why"),
            order=(job.c.id.desc(),),
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([_job(row) for row in rows], found, counts)

    def several(self, job_ids: Sequence[str]) -> Sequence[Job]:
        """Return some jobs."""
        return [_job(row) for row in self._connection.execute(select(job).where(job.c.id.in_(job_ids)))]

    def waiting(self) -> Sequence[tuple[str, str]]:
        """Return id and name of queued jobs that no engine has been told of, oldest first."""
        query = select(job.c.id, job.c.name).where(job.c.state == JobState.QUEUED.value, job.c.dispatched_at.is_(None))
        return [(row.id, row.name) for row in self._connection.execute(query.order_by(job.c.id))]

    def still_open(self, job_ids: Sequence[str]) -> Sequence[str]:
        """Return those that have not ended."""
        query = select(job.c.id).where(job.c.id.in_(job_ids), job.c.ended_at.is_(None))
        return self._connection.execute(query).scalars().all()

    def note_waiting(self, job_id: str, note: Words) -> None:
        """Say why a queued job has not begun."""
        query = update(job).where(job.c.id == job_id, job.c.state == JobState.QUEUED.value)
        self._connection.execute(query.values(note_zh=note.zh, note_en=note.en))

    def unfinished(self) -> Sequence[str]:
        """Return every job that has not ended and was handed to the engine."""
        query = select(job.c.id).where(job.c.ended_at.is_(None), job.c.dispatched_at.is_not(None))
        return self._connection.execute(query.order_by(job.c.id)).scalars().all()

    def mark_dispatched(self, job_id: str, at: datetime) -> None:
        """Note that the engine knows of the job."""
        self._connection.execute(update(job).where(job.c.id == job_id).values(dispatched_at=at))

    def begin(self, job_id: str, executor: str, at: datetime) -> Job | None:
        """Begin or resume a job under a new attempt number; None when it has ended already."""
        found = self.get(job_id)
        if found is None or found.ended:
            return None
        self._connection.execute(
            update(job)
            .where(job.c.id == job_id)
            .values(
                state=JobState.RUNNING.value,
                executor=executor,
                attempts=found.attempts + 1,
                started_at=found.started_at or at,
                note_zh=found.progress.note.zh if found.started_at else "",
                note_en=found.progress.note.en if found.started_at else "",
            )
        )
        return self.get(job_id)

    def note_progress(self, job_id: str, attempt: int, progress: JobProgress) -> None:
        """Keep how far the job is, unless a later attempt has taken it over."""
        self._connection.execute(
            update(job)
            .where(job.c.id == job_id, job.c.attempts == attempt, job.c.ended_at.is_(None))
            .values(done=progress.done, total=progress.total, note_zh=progress.note.zh, note_en=progress.note.en)
        )

    def signals(self, job_id: str) -> tuple[bool, int]:
        """Return whether cancelling was asked for, and the current attempt number."""
        row = self._connection.execute(select(job.c.cancel_requested, job.c.attempts).where(job.c.id == job_id)).one()
        return bool(row.cancel_requested), int(row.attempts)

    def end(
        self,
        job_id: str,
        state: JobState,
        at: datetime,
        *,
        result: JsonValue = None,
        error: dict[str, JsonValue] | None = None,
    ) -> bool:
        """End a job once; False when it had ended before."""
        done = self._connection.execute(
            update(job)
            .where(job.c.id == job_id, job.c.state.not_in([s.value for s in TERMINAL]))
            .values(state=state.value, ended_at=at, result=result, error=error)
        )
        return bool(done.rowcount)

    def ask_to_cancel(self, job_id: str) -> None:
        """Raise the flag that the running work looks at."""
        self._connection.execute(update(job).where(job.c.id == job_id).values(cancel_requested=True))

    def beat(self, executor: str, at: datetime) -> None:
        """Say that an executor lives."""
        known = update(job_executor).where(job_executor.c.id == executor).values(heartbeat_at=at)
        if self._connection.execute(known).rowcount == 0:
            self._connection.execute(insert(job_executor).values(id=executor, started_at=at, heartbeat_at=at))

    def silent_since(self, moment: datetime) -> Sequence[str]:
        """Return executors whose last heartbeat is older than ``moment``."""
        query = select(job_executor.c.id).where(job_executor.c.heartbeat_at < moment)
        return self._connection.execute(query).scalars().all()

    def forget_executor(self, executor: str) -> None:
        """Remove an executor that has ended or whose work was taken over."""
        self._connection.execute(delete(job_executor).where(job_executor.c.id == executor))


def _job(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        name=row.name,
        org_id=row.org_id,
        actor=actor_from_json(row.actor),
        arguments=row.arguments,
        state=JobState(row.state),
        progress=JobProgress(row.done, row.total, Words(row.note_zh, row.note_en)),
        attempts=row.attempts,
        cancel_requested=row.cancel_requested,
        submitted_at=row.submitted_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        result=row.result,
        error=row.error,
    )
