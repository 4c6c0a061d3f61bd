"""The verbs of schedules: what runs by itself, when, and under whose name; and how much a source bears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from beijiang.access import Permission
from beijiang.ingest.models import (
    PREVIEWED,
    AlertKind,
    Preview,
    Schedule,
    ScheduleDraft,
    Slot,
    SlotState,
    SourceLimits,
    Timing,
    TimingKind,
)
from beijiang.ingest.store.schedules import ScheduleStore
from beijiang.ingest.store.turns import TurnStore
from beijiang.kit import ActorKind, Conflict, NotFound, Refused, Text, new_id

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.ingest.service.alerts import Alerts
    from beijiang.ingest.service.sources import Sources
    from beijiang.ingest.service.turns import Turns
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.standards import Standards

__all__ = ["Schedules"]

_LISTED = 200


class Schedules:
    """Plans by which syncs run by themselves. Who makes or resumes one answers for it, and it has no more rights."""

    def __init__(self, sources: Sources, alerts: Alerts, turns: Turns, standards: Standards, zone: ZoneInfo) -> None:
        self.sources = sources
        self.db = sources.db
        self.access = sources.access
        self.evidence = sources.evidence
        self.clock = sources.clock
        self.alerts = alerts
        self.turns = turns
        self.standards = standards
        self.zone = zone

    # Looking

    def preview(self, actor: Actor, timing: Timing, count: int = PREVIEWED) -> Preview:
        """Say a timing in words and as its next moments; nothing is saved."""
        self.access.require(actor, Permission.INGEST_SOURCE_READ, actor.org_id)
        checked = timing.checked()
        if checked.after:
            syncs = [self.sources.sync(actor, words) for words in checked.after]
            checked = Timing(kind=checked.kind, after=tuple(s.id for s in syncs))
            return Preview(text=checked.text({s.id: s.table for s in syncs}), moments=(), provisional=False)
        moments = checked.upcoming(self.clock.now(), count, self.zone, self.is_working)
        years = {m.astimezone(self.zone).year for m in moments}
        provisional = checked.counts_working_days and not years <= self.standards.calendar.years
        return Preview(text=checked.text(), moments=moments, provisional=provisional)

    def schedules(self, actor: Actor, words: str | None = None) -> list[Schedule]:
        """Return the schedules of a sync, or all of the department's (the platform sees all), by table."""
        self.access.require(actor, Permission.INGEST_SOURCE_READ, actor.org_id)
        sync = None if words is None else self.sources.sync(actor, words)
        with self.db.read() as connection:
            return ScheduleStore(connection).every(sync_id=None if sync is None else sync.id, org_id=actor.org_id)

    def schedule(self, actor: Actor, schedule_id: str) -> Schedule:
        """Return one schedule.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        with self.db.read() as connection:
            found = ScheduleStore(connection).get(schedule_id)
        if found is None or not self.access.allows(actor, Permission.INGEST_SOURCE_READ, found.org_id):
            self.access.require(actor, Permission.INGEST_SOURCE_READ)
            raise NotFound("没有这个取数计划。", "There is no such schedule.", code="schedule_not_found")
        return found

    def slots(self, actor: Actor, schedule_id: str, limit: int = 50) -> list[Slot]:
        """Return what became of the moments of a schedule, newest first."""
        found = self.schedule(actor, schedule_id)
        with self.db.read() as connection:
            return ScheduleStore(connection).slots(found.id, min(limit, _LISTED))

    def waits(self, actor: Actor, schedule_id: str) -> Text | None:
        """Return what a schedule that follows others still waits for."""
        found = self.schedule(actor, schedule_id)
        if found.timing.kind is not TimingKind.AFTER:
            return None
        with self.db.read() as connection:
            done = ScheduleStore(connection).successes(found.timing.after)
        missing = [s for s in found.timing.after if done.get(s, ("",))[0] == found.seen.get(s, "")]
        names = [found.names.get(s, s) for s in missing]
        if not names:
            return Text("等待上一次取数结束", "waiting for its run before to finish")
        return Text(f"等待“{'”“'.join(names)}”取数成功", f"waiting for {' and '.join(names)} to succeed")

    # Changing

    def add(self, actor: Actor, words: str, draft: ScheduleDraft) -> Schedule:
        """Have a sync run by itself from now on; the actor answers for it.

        Raises:
            Invalid: the timing cannot be.
            Conflict: it would run after itself, directly or around a corner (``schedule_cycle``).

        """
        sync = self.sources.sync(actor, words)
        self._require_person(actor, sync.org_id)
        schedule_id = new_id("sch")
        values = self._values(actor, draft)
        with self.db.begin() as tx:
            store = ScheduleStore(tx.connection)
            made = {"id": schedule_id, "sync_id": sync.id, "created_at": self.clock.now(), "fired": 0}
            store.add({**values, **made})
            told: dict[str, JsonValue] = {"sync": sync.id, "table": sync.table, "timing": values["timing"]}
            self.evidence.record(tx, actor, "ingest.schedule_add", target=schedule_id, detail=told)
            self._no_cycle(store, sync.id)
        return self.schedule(actor, schedule_id)

    def change(self, actor: Actor, schedule_id: str, draft: ScheduleDraft) -> Schedule:
        """Replace when and how a schedule runs; the actor answers for it from now on."""
        found = self.schedule(actor, schedule_id)
        self._require_person(actor, found.org_id)
        values = self._values(actor, draft)
        with self.db.begin() as tx:
            store = ScheduleStore(tx.connection)
            store.change(found.id, values)
            told: dict[str, JsonValue] = {"timing": values["timing"]}
            self.evidence.record(tx, actor, "ingest.schedule_change", target=found.id, detail=told)
            self._no_cycle(store, found.sync_id)
        return self.schedule(actor, schedule_id)

    def pause(self, actor: Actor, schedule_id: str, reason: str = "") -> Schedule:
        """Let a schedule rest; a run that goes on is not stopped, one that waits for a new try is given up."""
        found = self.schedule(actor, schedule_id)
        self._require(actor, found.org_id)
        if found.paused is None:
            why = reason.strip()[:500]
            zh, en = f"{actor.name} 暂停", f"paused by {actor.name}"
            words = Text(f"{zh}：{why}", f"{en}: {why}") if why else Text(zh, en)
            self.rest(actor, found, words, stopped=False)
        return self.schedule(actor, schedule_id)

    def resume(self, actor: Actor, schedule_id: str) -> Schedule:
        """Let a schedule run again from now on; what passed meanwhile is not made up for, and the actor answers for it."""
        found = self.schedule(actor, schedule_id)
        self._require_person(actor, found.org_id)
        values: dict[str, Any] = {"paused": None, "owner_id": actor.id, "owner_name": actor.name}
        values["next_at"] = found.timing.next(self.clock.now(), self.zone, self.is_working)
        with self.db.begin() as tx:
            store = ScheduleStore(tx.connection)
            if found.timing.after:
                values["seen"] = {sync: run for sync, (run, _) in store.successes(found.timing.after).items()}
            store.change(found.id, values)
            self.evidence.record(tx, actor, "ingest.schedule_resume", target=found.id)
        self.alerts.clear(AlertKind.SCHEDULE_STOPPED, found.id)
        return self.schedule(actor, schedule_id)

    def remove(self, actor: Actor, schedule_id: str) -> None:
        """Forget a schedule; the sync, its runs and its table stay."""
        found = self.schedule(actor, schedule_id)
        self._require(actor, found.org_id)
        with self.db.begin() as tx:
            ScheduleStore(tx.connection).forget(found.id)
            self.evidence.record(tx, actor, "ingest.schedule_remove", target=found.id, detail={"table": found.table})
        self.alerts.clear(AlertKind.SCHEDULE_STOPPED, found.id)

    def run_now(self, actor: Actor, schedule_id: str) -> str:
        """Run what a schedule runs, at once and by hand; its own moments stay as they are."""
        found = self.schedule(actor, schedule_id)
        return self.sources.run(actor, found.sync_id, whole=found.whole)

    # How much a source bears

    def limits(self, actor: Actor, words: str) -> SourceLimits:
        """Return how many runs of a source go on at once, and in which hours none begins."""
        source = self.sources.source(actor, words)
        with self.db.read() as connection:
            return TurnStore(connection).limits(source.id)

    def set_limits(self, actor: Actor, words: str, limits: SourceLimits) -> SourceLimits:
        """Say how much a source bears; runs that go on are not stopped."""
        source = self.sources.source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        checked = limits.checked()
        with self.db.begin() as tx:
            TurnStore(tx.connection).set_limits(source.id, checked)
            self.evidence.record(tx, actor, "ingest.source_limits", target=source.id, detail=checked.to_json())
        self.sources.ingest.jobs.nudge()
        return checked

    # For the dispatcher

    def is_working(self, day: Any) -> bool:
        """Tell whether people work on a day."""
        return self.standards.calendar.is_working(day)

    def rest(self, by: Actor, schedule: Schedule, why: Text, *, stopped: bool) -> None:
        """Write down that a schedule rests, and give up what waited for a new try."""
        now = self.clock.now()
        paused: dict[str, JsonValue] = {"at": now.isoformat(), "by": by.name, "zh": why.zh, "en": why.en}
        with self.db.begin() as tx:
            store = ScheduleStore(tx.connection)
            store.change(schedule.id, {"paused": paused | {"stopped": stopped}})
            for slot in store.open_slots(schedule.id):
                if slot.state is SlotState.RETRY:
                    store.move_slot(slot, SlotState.CANCELLED, note=why, ended_at=now, retry_at=None)
            action = "ingest.schedule_stop" if stopped else "ingest.schedule_pause"
            self.evidence.record(tx, by, action, target=schedule.id, detail={"why": why.zh})

    # Inside

    def _require(self, actor: Actor, org_id: str) -> None:
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, org_id)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, org_id)

    def _require_person(self, actor: Actor, org_id: str) -> None:
        """Return if the actor can answer for a schedule: its runs have its owner's rights, more than a key's and for longer.

        Raises:
            Refused: an API key asks (``person_needed``); it may still pause and remove.

        """
        self._require(actor, org_id)
        if actor.kind is ActorKind.APPLICATION:
            raise Refused(
                "取数计划由人负责，API 密钥只能暂停或删除。请登录后设置。",
                "A person answers for a schedule; an API key may only pause or remove it. Sign in to set it.",
                code="person_needed",
            )

    def _values(self, actor: Actor, draft: ScheduleDraft) -> dict[str, Any]:
        checked = draft.checked()
        timing, seen = checked.timing, {}
        if timing.after:
            timing = Timing(kind=timing.kind, after=tuple(self.sources.sync(actor, w).id for w in timing.after))
            with self.db.read() as connection:
                done = ScheduleStore(connection).successes(timing.after)
            seen = {sync: run_id for sync, (run_id, _) in done.items()}
        now = self.clock.now()
        next_at = timing.next(now, self.zone, self.is_working)
        if next_at is None and not timing.after:
            raise Conflict("按这个时间安排永远不会运行。", "By this timing it would never run.", code="never_runs")
        return {
            "timing": timing.to_json(),
            "whole": checked.whole,
            "retries": checked.retries,
            "backoff": checked.backoff,
            "next_at": next_at,
            "seen": seen,
            "owner_id": actor.id,
            "owner_name": actor.name,
        }

    def _no_cycle(self, store: ScheduleStore, sync_id: str) -> None:
        """Refuse, and undo, a schedule by which a sync would wait for itself; asked under the lock of the evidence log."""
        before: dict[str, set[str]] = {}
        for sync, others in store.after_edges():
            before.setdefault(sync, set()).update(others)
        path = _way(before, sorted(before.get(sync_id, ())), sync_id)
        if path:
            names = store.names(path)
            told = " ← ".join(names.get(s, s) for s in (sync_id, *path))
            raise Conflict(
                f"这样会循环等待：{told}。请去掉其中一个先后关系。",
                f"They would wait for each other in a circle: {told}. Take one of the dependencies away.",
                code="schedule_cycle",
            )


def _way(before: Mapping[str, set[str]], starts: Sequence[str], goal: str) -> list[str]:
    """Return a way from one of ``starts`` to ``goal`` along what runs before what; empty if there is none."""
    seen: set[str] = set()
    todo = [[s] for s in starts]
    while todo:
        path = todo.pop()
        if path[-1] == goal:
            return path
        if path[-1] not in seen:
            seen.add(path[-1])
            todo += [[*path, s] for s in before.get(path[-1], ())]
    return []


def late_by(at: datetime, now: datetime) -> int:
    """Return by how many seconds a moment is late; a minute and a half is the loop's own pace and no lateness."""
    late = now - at
    return int(late.total_seconds()) if late > timedelta(seconds=90) else 0
