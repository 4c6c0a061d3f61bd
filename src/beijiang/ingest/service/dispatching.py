"""The dispatcher: begins what is due, once, whoever else looks at the same clock; tries again what may succeed."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from beijiang.access import Permission
from beijiang.ingest.models import AlertKind, RunState, Schedule, Slot, SlotState, TimingKind
from beijiang.ingest.service.schedules import late_by
from beijiang.ingest.store import IngestStore
from beijiang.ingest.store.schedules import ScheduleStore
from beijiang.kit import SYSTEM, Actor, ActorKind, BeijiangError, Conflict, Denied, Rounds, Text, new_id

if TYPE_CHECKING:
    from beijiang.ingest.models import Run
    from beijiang.ingest.service.freshness import FreshnessBoard
    from beijiang.ingest.service.schedules import Schedules

__all__ = ["Dispatcher"]

log = logging.getLogger(__name__)

_LOOK_EVERY: Final = 2.0
"""Seconds between two looks at the clock."""
_WATCH_EVERY: Final = timedelta(seconds=60)
_SET_BACK: Final = timedelta(hours=2)
"""A last moment that lies further ahead means that the clock was wrong then; up to it, moments that have run are waited out."""
_COUNTED: Final = 10_000
_KEPT: Final = 2_000
"""Moments of a schedule that are remembered."""
_MAY: Final = frozenset(
    {
        Permission.INGEST_RUN_READ,
        Permission.INGEST_RUN_SUBMIT,
        Permission.INGEST_SOURCE_READ,
        Permission.JOBS_JOB_SUBMIT,
        Permission.TABLES_TABLE_READ_METADATA,
        Permission.TABLES_TABLE_WRITE,
    }
)
"""All that a run by schedule is for, whatever else its owner may do."""
_GIVEN_UP = Text("下一个时刻已到，不再重试", "given up, as its next moment had come")


class Dispatcher:
    """The loop behind schedules. Two processes may run it: each moment is claimed in the transaction that queues its run."""

    def __init__(
        self, schedules: Schedules, board: FreshnessBoard, watchers: Sequence[Callable[[], None]] = ()
    ) -> None:
        self.schedules = schedules
        self.board = board
        self.watchers = watchers
        """What others want to have looked after once a minute."""
        self.db = schedules.db
        self.clock = schedules.clock
        self._watched: datetime | None = None
        self._rounds = Rounds("schedules", self.tick, _LOOK_EVERY)

    def start(self) -> None:
        """Begin to look at the clock in a thread of its own. Again is a no-op."""
        self._rounds.start()

    def stop(self) -> None:
        """Stop looking; what was begun goes on."""
        self._rounds.stop()

    def tick(self) -> None:
        """Look once: settle what ended, begin what is due, watch over promises. Harmless at any time, from anywhere."""
        now = self.clock.now()
        with self.db.read() as connection:
            store = ScheduleStore(connection)
            slots, due, following = store.open_slots(), store.due(now), store.following()
            ahead, orphans = store.ahead(now + _SET_BACK), store.orphans()
        for orphan in orphans:
            with self.db.begin() as tx:
                ScheduleStore(tx.connection).forget(orphan)
        for slot in slots:
            self._guarded(lambda slot=slot: self._settle(slot, now))  # type: ignore[misc]
        for schedule in ahead:
            self._guarded(lambda schedule=schedule: self._realign(schedule, now))  # type: ignore[misc]
        for schedule in due:
            self._guarded(lambda schedule=schedule: self._begin_due(schedule, now))  # type: ignore[misc]
        for schedule in following:
            self._guarded(lambda schedule=schedule: self._begin_after(schedule, now))  # type: ignore[misc]
        if self._watched is None or not timedelta() <= now - self._watched < _WATCH_EVERY:
            self._watched = now
            self.board.watch()
            for watch in self.watchers:
                self._guarded(watch)

    def _guarded(self, step: Callable[[], None]) -> None:
        """Do one step; what is wrong with one schedule holds up no other."""
        try:
            step()
        except IntegrityError:
            log.debug("another dispatcher was faster")
        except Exception:
            log.exception("a schedule could not be looked after; it will be tried again")

    # Beginning

    def _begin_due(self, schedule: Schedule, now: datetime) -> None:
        """Begin the run of a moment that has come; later ones that have come too are counted into it."""
        at = schedule.next_at
        assert at is not None  # noqa: S101  # that is how it was found
        missed, moment = 0, at
        while missed < _COUNTED:
            following = self._next(schedule, moment)
            if following is None or following > now:
                break
            missed, moment = missed + 1, following
        slot = self._new_slot(schedule, at, now, missed)
        self._begin(schedule, slot, {"next_at": self._next(schedule, max(now, at))})

    def _begin_after(self, schedule: Schedule, now: datetime) -> None:
        """Begin a run that follows others, once each of them has succeeded since the last time."""
        if schedule.timing.kind is not TimingKind.AFTER:
            return
        gone = [s for s in schedule.timing.after if s not in schedule.names]
        if gone:
            self._halt(schedule, Text("先行的取数任务已被删除", "a sync that it follows was removed"))
            return
        with self.db.read() as connection:
            done = ScheduleStore(connection).successes(schedule.timing.after)
        fresh = {s: run_id for s, (run_id, _) in done.items() if schedule.seen.get(s) != run_id}
        if set(fresh) < set(schedule.timing.after) or self.schedules.turns.of_sync(schedule.sync_id):
            return
        slot = self._new_slot(schedule, max(at for _, at in done.values()), now, 0)
        self._begin(schedule, slot, {"seen": {s: run_id for s, (run_id, _) in done.items()}})

    def _begin(self, schedule: Schedule, slot: Slot, values: Mapping[str, object]) -> None:
        """Claim a moment and queue its run in one transaction, so that no kill can part them."""
        actor = self._actor(schedule)
        if actor is None:
            return
        joined = None
        if not schedule.whole and schedule.timing.kind is not TimingKind.AFTER:
            waiting = self.schedules.turns.of_sync(schedule.sync_id)
            joined = next((turn for turn in waiting if not self._is_part(turn.run_id)), None)
        if joined is None and self._is_refused(actor, schedule):
            return
        with self.db.begin() as tx:
            store = ScheduleStore(tx.connection)
            if not store.claim(schedule, slot.claimed_at, values):
                return
            store.trim(schedule.id, slot.number - _KEPT)
            for old in store.open_slots(schedule.id):
                if old.state is SlotState.RETRY:
                    store.move_slot(old, SlotState.FAILED, note=_GIVEN_UP, ended_at=slot.claimed_at, retry_at=None)
            if joined is not None:
                done = replace(slot, state=SlotState.JOINED, run_id=joined.run_id, ended_at=slot.claimed_at)
                store.add_slot(done)
                return
            reason = f"按计划：{schedule.text.zh} / by schedule: {schedule.text.en}"
            run_id = self.schedules.sources.run(actor, schedule.sync_id, whole=schedule.whole, reason=reason, tx=tx)
            store.add_slot(replace(slot, run_id=run_id))
        self.schedules.sources.ingest.jobs.nudge()

    def _is_refused(self, actor: Actor, schedule: Schedule) -> bool:
        """Stop a schedule whose table something else fills by now; it would be refused at every look at the clock."""
        try:
            self.schedules.sources.ingest.require_free(actor, schedule.table, schedule.org_id)
        except Conflict as error:
            self._halt(schedule, error.text)
            return True
        return False

    def _is_part(self, run_id: str) -> bool:
        """Tell whether a run reads a part again, which brings nothing new."""
        with self.db.read() as connection:
            asked = IngestStore(connection).request(run_id)
        return asked.since is not None or asked.until is not None

    def _new_slot(self, schedule: Schedule, at: datetime, now: datetime, missed: int) -> Slot:
        return Slot(
            id=new_id("slt"),
            schedule_id=schedule.id,
            number=schedule.fired + 1,
            at=at,
            claimed_at=now,
            state=SlotState.RUNNING,
            attempt=1,
            run_id=None,
            late_seconds=late_by(at, now),
            missed=missed,
        )

    def _realign(self, schedule: Schedule, now: datetime) -> None:
        """Go back to the present after a clock that was far ahead; else a schedule would rest until that time comes."""
        next_at = self._next(schedule, now)
        if next_at is None or schedule.next_at is None or next_at >= schedule.next_at:
            return
        with self.db.begin() as tx:
            if ScheduleStore(tx.connection).claim(schedule, now, {"next_at": next_at}):
                self.schedules.evidence.record(
                    tx,
                    SYSTEM,
                    "ingest.schedule_realign",
                    target=schedule.id,
                    detail={"from": schedule.next_at.isoformat()},
                )

    def _next(self, schedule: Schedule, after: datetime) -> datetime | None:
        return schedule.timing.next(after, self.schedules.zone, self.schedules.is_working)

    # What became of it

    def _settle(self, slot: Slot, now: datetime) -> None:
        if slot.state is SlotState.RETRY:
            if slot.retry_at is None or slot.retry_at <= now:
                self._try_again(slot)
            return
        run = None if slot.run_id is None else self.schedules.sources.ingest.kept(slot.run_id)
        if run is None or not run.ended:
            return
        with self.db.read() as connection:
            schedule = ScheduleStore(connection).get(slot.schedule_id)
        if schedule is None:
            return
        if run.state is RunState.COMMITTED:
            self.schedules.alerts.clear(AlertKind.RUN_FAILED, schedule.table)
            self._move(slot, SlotState.DONE, now)
        elif run.state is RunState.CANCELLED:
            self._move(slot, SlotState.CANCELLED, now)
        else:
            self._failed(schedule, slot, run, now)

    def _failed(self, schedule: Schedule, slot: Slot, run: Run, now: datetime) -> None:
        """Plan a new try after a passing trouble; anything else ends here, and is said."""
        error = run.error or {}
        words = Text(str(error.get("zh", "")), str(error.get("en", "")))
        if error.get("transient") and slot.attempt <= schedule.retries and schedule.paused is None:
            pause = schedule.pause_before(slot.attempt) * random.uniform(1.0, 1.25)  # noqa: S311  # scatter, no secret
            with self.db.begin() as tx:
                ScheduleStore(tx.connection).move_slot(slot, SlotState.RETRY, note=words, retry_at=now + pause)
            return
        tries = slot.attempt
        text = Text(
            f"表“{schedule.table}”的定时取数失败（第 {tries} 次尝试）：{words.zh}",
            f'The scheduled run of table "{schedule.table}" failed (attempt {tries}): {words.en}',
        )
        self.schedules.alerts.say(AlertKind.RUN_FAILED, schedule.table, schedule.org_id, text)
        self._move(slot, SlotState.FAILED, now, words)

    def _try_again(self, slot: Slot) -> None:
        with self.db.read() as connection:
            schedule = ScheduleStore(connection).get(slot.schedule_id)
        actor = None if schedule is None or schedule.paused is not None else self._actor(schedule)
        if schedule is None or actor is None or self._is_refused(actor, schedule):
            return
        number = slot.attempt + 1
        with self.db.begin() as tx:
            store = ScheduleStore(tx.connection)
            if not store.move_slot(slot, SlotState.RUNNING, attempt=number, retry_at=None):
                return
            reason = f"按计划重试（第 {number} 次）/ by schedule, attempt {number}"
            run_id = self.schedules.sources.run(actor, schedule.sync_id, whole=schedule.whole, reason=reason, tx=tx)
            begun = replace(slot, state=SlotState.RUNNING, attempt=number)
            store.move_slot(begun, SlotState.RUNNING, run_id=run_id)
        self.schedules.sources.ingest.jobs.nudge()

    def _move(self, slot: Slot, state: SlotState, now: datetime, note: Text | None = None) -> bool:
        with self.db.begin() as tx:
            return ScheduleStore(tx.connection).move_slot(slot, state, note=note, ended_at=now)

    # Under whose name

    def _actor(self, schedule: Schedule) -> Actor | None:
        """Return who runs it: its owner with today's rights, less all that a run does not need; or stop the schedule."""
        access = self.schedules.access
        try:
            found = self._owner(schedule)
            access.require(found, Permission.INGEST_RUN_SUBMIT, schedule.org_id)
            access.require(found, Permission.TABLES_TABLE_WRITE, schedule.org_id)
        except BeijiangError as error:
            if error.transient:
                raise
            why = Text("已无权运行此取数任务", "may no longer run this sync")
            if not isinstance(error, Denied):
                why = Text("的账号已停用或不存在", "has no open account any more")
            owner = schedule.owner_name
            self._halt(
                schedule,
                Text(
                    f"负责人“{owner}”{why.zh}，计划已停。请由有权的数据专员恢复，并由其负责。",
                    f'Its owner "{owner}" {why.en}, so the schedule stopped. A steward who may run it can resume it, and then answers for it.',
                ),
            )
            return None
        return found

    def _owner(self, schedule: Schedule) -> Actor:
        """Return the owner as of now; a schedule made by the operator runs as a steward of its department would."""
        if schedule.owner_id == SYSTEM.id:
            return Actor(
                id=SYSTEM.id,
                name=f"{schedule.owner_name}（计划）",
                kind=ActorKind.APPLICATION,
                org_id=schedule.org_id,
                roles=frozenset({"steward"}),
                session_id=schedule.id,
                scopes=_MAY,
            )
        asked = Actor(id=schedule.owner_id, name=schedule.owner_name, kind=ActorKind.PERSON)
        owner = self.schedules.access.current(asked)
        return replace(owner, name=f"{owner.name}（计划）", session_id=schedule.id, scopes=_MAY)

    def _halt(self, schedule: Schedule, why: Text) -> None:
        """Stop a schedule and say so; killed in between, it is found running and stopped again."""
        text = Text(f"表“{schedule.table}”：{why.zh}", f'Table "{schedule.table}": {why.en}')
        self.schedules.alerts.say(AlertKind.SCHEDULE_STOPPED, schedule.id, schedule.org_id, text)
        self.schedules.rest(SYSTEM, schedule, why, stopped=True)
