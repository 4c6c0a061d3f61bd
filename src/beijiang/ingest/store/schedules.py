"""All SQL on schedules and their moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)

from beijiang.db import JsonDocument, UtcDateTime, metadata
from beijiang.ingest.models import RunState, Schedule, Slot, SlotState, Timing
from beijiang.ingest.store.metadata import ingest_run
from beijiang.ingest.store.sources import ingest_source, ingest_sync
from beijiang.ingest.store.turns import ingest_turn
from beijiang.kit import Text

__all__ = ["ScheduleStore"]

ingest_schedule = Table(
    "ingest_schedule",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("sync_id", String(40), nullable=False, index=True),
    Column("timing", JsonDocument, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("backoff", Integer, nullable=False),
    Column("owner_id", String(100), nullable=False),
    Column("owner_name", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, index=True),
    Column("fired", Integer, nullable=False),
    Column("fired_at", UtcDateTime),
    Column("seen", JsonDocument, nullable=False),
    Column("paused", JsonDocument),
)

ingest_slot = Table(
    "ingest_slot",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("schedule_id", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("run_id", String(40)),
    Column("late_seconds", Integer, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("retry_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("note", JsonDocument),
    UniqueConstraint("schedule_id", "number"),
    Index("ix_ingest_slot_state", "state"),
)

_OPEN = (SlotState.RUNNING.value, SlotState.RETRY.value)


class ScheduleStore:
    """Rows of schedules and of their moments."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Schedules

    def add(self, values: Mapping[str, Any]) -> None:
        """Store a schedule."""
        self._connection.execute(insert(ingest_schedule).values(**values))

    def change(self, schedule_id: str, values: Mapping[str, Any]) -> None:
        """Change some fields of a schedule."""
        self._connection.execute(update(ingest_schedule).where(ingest_schedule.c.id == schedule_id).values(**values))

    def claim(self, schedule: Schedule, at: datetime, values: Mapping[str, Any]) -> bool:
        """Take the next moment of a schedule, unless somebody else did, or it was paused or changed meanwhile.

        The row stays locked until the transaction ends, and the moment's number is taken only once.
        """
        query = (
            update(ingest_schedule)
            .where(
                ingest_schedule.c.id == schedule.id,
                ingest_schedule.c.fired == schedule.fired,
                ingest_schedule.c.next_at.is_not_distinct_from(schedule.next_at),
                ingest_schedule.c.paused.is_(None),
            )
            .values(fired=schedule.fired + 1, fired_at=at, **values)
        )
        return bool(self._connection.execute(query).rowcount)

    def forget(self, schedule_id: str) -> None:
        """Remove a schedule and its moments; the runs stay."""
        self._connection.execute(delete(ingest_slot).where(ingest_slot.c.schedule_id == schedule_id))
        self._connection.execute(delete(ingest_schedule).where(ingest_schedule.c.id == schedule_id))

    def orphans(self) -> Sequence[str]:
        """Return schedules whose sync is no more."""
        query = select(ingest_schedule.c.id).where(ingest_schedule.c.sync_id.not_in(select(ingest_sync.c.id)))
        return self._connection.execute(query).scalars().all()

    def get(self, schedule_id: str) -> Schedule | None:
        """Return one schedule."""
        row = self._connection.execute(_schedules().where(ingest_schedule.c.id == schedule_id)).one_or_none()
        return None if row is None else self._schedule(row)

    def every(self, *, sync_id: str | None = None, org_id: str | None = None) -> list[Schedule]:
        """Return the schedules of a sync, of a department, or all, by table."""
        query = _schedules().order_by(ingest_sync.c.table_name, ingest_schedule.c.id)
        if sync_id is not None:
            query = query.where(ingest_schedule.c.sync_id == sync_id)
        if org_id is not None:
            query = query.where(ingest_source.c.org_id == org_id)
        return [self._schedule(row) for row in self._connection.execute(query).all()]

    def due(self, now: datetime) -> list[Schedule]:
        """Return schedules whose moment has come, the longest overdue first."""
        query = _schedules().where(ingest_schedule.c.next_at <= now, ingest_schedule.c.paused.is_(None))
        return [self._schedule(r) for r in self._connection.execute(query.order_by(ingest_schedule.c.next_at)).all()]

    def following(self) -> list[Schedule]:
        """Return schedules for which no moment is known: they follow other syncs."""
        query = _schedules().where(ingest_schedule.c.next_at.is_(None), ingest_schedule.c.paused.is_(None))
        return [self._schedule(row) for row in self._connection.execute(query).all()]

    def ahead(self, moment: datetime) -> list[Schedule]:
        """Return schedules that last began a run later than ``moment``: the clock was set back since."""
        query = _schedules().where(
            ingest_schedule.c.fired_at > moment,
            ingest_schedule.c.next_at > moment,
            ingest_schedule.c.paused.is_(None),
        )
        return [self._schedule(row) for row in self._connection.execute(query).all()]

    def _schedule(self, row: Row[Any]) -> Schedule:
        timing = Timing.from_json(row.timing)
        return Schedule(
            id=row.id,
            sync_id=row.sync_id,
            table=row.table_name,
            source_id=row.source_id,
            source_name=row.source_name,
            org_id=row.org_id,
            timing=timing,
            whole=row.whole,
            retries=row.retries,
            backoff=row.backoff,
            owner_id=row.owner_id,
            owner_name=row.owner_name,
            created_at=row.created_at,
            next_at=row.next_at,
            fired=row.fired,
            seen=row.seen,
            paused=row.paused,
            names=self.names(timing.after) if timing.after else {},
        )

    def names(self, sync_ids: Sequence[str]) -> dict[str, str]:
        """Return the tables that some syncs fill; those that are no more are missing."""
        query = select(ingest_sync.c.id, ingest_sync.c.table_name).where(ingest_sync.c.id.in_(sync_ids))
        return {row.id: row.table_name for row in self._connection.execute(query)}

    def successes(self, sync_ids: Sequence[str]) -> dict[str, tuple[str, datetime]]:
        """Return the last run of each sync that was committed, and when it ended."""
        joined = ingest_turn.join(ingest_run, ingest_run.c.id == ingest_turn.c.run_id)
        newest = (
            select(func.max(ingest_run.c.id))
            .select_from(joined)
            .where(ingest_turn.c.sync_id.in_(sync_ids), ingest_run.c.state == RunState.COMMITTED.value)
            .group_by(ingest_turn.c.sync_id)
        )
        query = (
            select(ingest_turn.c.sync_id, ingest_run.c.id, ingest_run.c.ended_at)
            .select_from(joined)
            .where(ingest_run.c.id.in_(newest))
        )
        return {row.sync_id: (row.id, row.ended_at) for row in self._connection.execute(query)}

    def after_edges(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return which sync runs after which others."""
        query = select(ingest_schedule.c.sync_id, ingest_schedule.c.timing)
        found = [(row.sync_id, Timing.from_json(row.timing).after) for row in self._connection.execute(query)]
        return [(sync, after) for sync, after in found if after]

    # Moments

    def add_slot(self, slot: Slot) -> None:
        """Store a moment; its number is taken once."""
        values = {c.name: getattr(slot, c.name) for c in ingest_slot.c if c.name not in {"state", "note"}}
        self._connection.execute(insert(ingest_slot).values(**values, state=slot.state.value, note=_told(slot.note)))

    def trim(self, schedule_id: str, number: int) -> None:
        """Forget moments before a number; their runs are kept with the tables."""
        self._connection.execute(
            delete(ingest_slot).where(ingest_slot.c.schedule_id == schedule_id, ingest_slot.c.number < number)
        )

    def move_slot(self, slot: Slot, state: SlotState, *, note: Text | None = None, **values: Any) -> bool:
        """Move a moment on, unless somebody else did; tell whether it was moved."""
        query = update(ingest_slot).where(
            ingest_slot.c.id == slot.id, ingest_slot.c.state == slot.state.value, ingest_slot.c.attempt == slot.attempt
        )
        done = self._connection.execute(query.values(state=state.value, note=_told(note), **values))
        return bool(done.rowcount)

    def open_slots(self, schedule_id: str | None = None) -> list[Slot]:
        """Return moments that have not come to their end."""
        query = select(ingest_slot).where(ingest_slot.c.state.in_(_OPEN))
        if schedule_id is not None:
            query = query.where(ingest_slot.c.schedule_id == schedule_id)
        return [_slot(row) for row in self._connection.execute(query.order_by(ingest_slot.c.id))]

    def slots(self, schedule_id: str, limit: int) -> list[Slot]:
        """Return the moments of a schedule, newest first."""
        query = select(ingest_slot).where(ingest_slot.c.schedule_id == schedule_id)
        rows = self._connection.execute(query.order_by(ingest_slot.c.number.desc()).limit(limit))
        return [_slot(row) for row in rows]

    def last_slots(self, schedule_ids: Sequence[str]) -> dict[str, Slot]:
        """Return the newest moment of each schedule that has one."""
        newest = (
            select(ingest_slot.c.schedule_id, func.max(ingest_slot.c.number).label("number"))
            .where(ingest_slot.c.schedule_id.in_(schedule_ids))
            .group_by(ingest_slot.c.schedule_id)
            .subquery()
        )
        same = (ingest_slot.c.schedule_id == newest.c.schedule_id) & (ingest_slot.c.number == newest.c.number)
        rows = self._connection.execute(select(ingest_slot).join(newest, same))
        return {row.schedule_id: _slot(row) for row in rows}


def _schedules() -> Select[Any]:
    joined = ingest_schedule.join(ingest_sync, ingest_sync.c.id == ingest_schedule.c.sync_id).join(
        ingest_source, ingest_source.c.id == ingest_sync.c.source_id
    )
    return select(
        ingest_schedule,
        ingest_sync.c.table_name,
        ingest_sync.c.source_id,
        ingest_source.c.name.label("source_name"),
        ingest_source.c.org_id,
    ).select_from(joined)


def _slot(row: Row[Any]) -> Slot:
    known = {c.name: getattr(row, c.name) for c in ingest_slot.c if c.name not in {"state", "note"}}
    note = None if row.note is None else Text(row.note["zh"], row.note["en"])
    return Slot(**known, state=SlotState(row.state), note=note)


def _told(note: Text | None) -> dict[str, str] | None:
    return None if note is None else {"zh": note.zh, "en": note.en}
