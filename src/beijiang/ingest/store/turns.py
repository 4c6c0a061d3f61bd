"""All SQL on turns: which runs of a source wait, which go on, and how many it bears at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Select, String, Table, delete, insert, select, update

from beijiang.db import JsonDocument, UtcDateTime, metadata
from beijiang.ingest.models import QuietWindow, SourceLimits
from beijiang.ingest.store.metadata import ingest_run
from beijiang.ingest.store.sources import ingest_source

__all__ = ["Turn", "TurnStore"]

ingest_turn = Table(
    "ingest_turn",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("sync_id", String(40), nullable=False),
    Column("source_id", String(40), nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("released_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_ingest_turn_open", "source_id", "ended_at"),
    Index("ix_ingest_turn_sync", "sync_id"),
)

ingest_source_limit = Table(
    "ingest_source_limit",
    metadata,
    Column("source_id", String(40), primary_key=True),
    Column("at_once", Integer, nullable=False),
    Column("quiet", JsonDocument, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One run of a source that has not come to its end."""

    run_id: str
    job_id: str
    sync_id: str
    source_id: str
    table: str
    released_at: datetime | None


class TurnStore:
    """Rows of turns and of limits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, run_id: str, sync_id: str, source_id: str, at: datetime) -> None:
        """Put a run in the line of its source; again is harmless."""
        known = select(ingest_turn.c.run_id).where(ingest_turn.c.run_id == run_id)
        if self._connection.execute(known).first() is None:
            values = {"run_id": run_id, "sync_id": sync_id, "source_id": source_id, "queued_at": at}
            self._connection.execute(insert(ingest_turn).values(**values))

    def of_jobs(self, job_ids: Sequence[str]) -> list[Turn]:
        """Return the turns that some jobs stand for, in the order of their runs."""
        return self._turns(_turns().where(ingest_run.c.job_id.in_(job_ids)))

    def open_of_source(self, source_id: str) -> list[Turn]:
        """Return the runs of a source that were let go and have not ended, as far as is known."""
        query = _turns().where(
            ingest_turn.c.source_id == source_id,
            ingest_turn.c.ended_at.is_(None),
            ingest_turn.c.released_at.is_not(None),
        )
        return self._turns(query)

    def open_of_sync(self, sync_id: str) -> list[Turn]:
        """Return the runs of a sync that wait or go on, as far as is known."""
        query = _turns().where(ingest_turn.c.sync_id == sync_id, ingest_turn.c.ended_at.is_(None))
        return self._turns(query.where(ingest_run.c.ended_at.is_(None)))

    def open_syncs(self) -> list[Turn]:
        """Return every run that waits or goes on, as far as is known."""
        return self._turns(_turns().where(ingest_turn.c.ended_at.is_(None), ingest_run.c.ended_at.is_(None)))

    def lock(self, source_id: str) -> None:
        """Keep other processes from letting runs of this source go until the transaction ends."""
        query = select(ingest_source.c.id).where(ingest_source.c.id == source_id).with_for_update()
        self._connection.execute(query).all()

    def release(self, run_id: str, at: datetime) -> None:
        """Let a run go."""
        self._connection.execute(update(ingest_turn).where(ingest_turn.c.run_id == run_id).values(released_at=at))

    def end(self, run_ids: Sequence[str], at: datetime) -> None:
        """Note that runs have ended."""
        self._connection.execute(update(ingest_turn).where(ingest_turn.c.run_id.in_(run_ids)).values(ended_at=at))

    def limits(self, source_id: str) -> SourceLimits:
        """Return how much a source bears."""
        query = select(ingest_source_limit).where(ingest_source_limit.c.source_id == source_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return SourceLimits()
        return SourceLimits(at_once=row.at_once, quiet=tuple(QuietWindow(**q) for q in row.quiet))

    def set_limits(self, source_id: str, limits: SourceLimits) -> None:
        """Replace how much a source bears."""
        self._connection.execute(delete(ingest_source_limit).where(ingest_source_limit.c.source_id == source_id))
        self._connection.execute(insert(ingest_source_limit).values(source_id=source_id, **limits.to_json()))

    def _turns(self, query: Select[Any]) -> list[Turn]:
        rows = self._connection.execute(query.order_by(ingest_turn.c.run_id))
        return [Turn(r.run_id, r.job_id, r.sync_id, r.source_id, r.table_name, r.released_at) for r in rows]


def _turns() -> Select[Any]:
    joined = ingest_turn.join(ingest_run, ingest_run.c.id == ingest_turn.c.run_id)
    return select(ingest_turn, ingest_run.c.job_id, ingest_run.c.table_name).select_from(joined)
