"""Freshness: what each table's department promised, what is, and a word before the promise breaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.ingest.models import (
    AlertKind,
    Freshness,
    FreshState,
    Promised,
    RunDot,
    Schedule,
    Slot,
    SlotState,
    Sync,
)
from beijiang.ingest.store.alerts import FreshnessStore
from beijiang.ingest.store.schedules import ScheduleStore
from beijiang.ingest.store.sources import SourceStore
from beijiang.kit import SYSTEM, Invalid, NotFound, Text

if TYPE_CHECKING:
    from beijiang.ingest.service.schedules import Schedules
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["FreshnessBoard"]

_LONGEST: Final = 366 * 10 * 1440
_ORDER: Final = {state: n for n, state in enumerate(FreshState)}


@dataclass(frozen=True, slots=True)
class _Table:
    """What is known of one table before it is judged."""

    name: str
    org_id: str
    born: datetime
    sync: Sync | None


class FreshnessBoard:
    """The state of every table against its promise."""

    def __init__(self, schedules: Schedules, cycle_of: Callable[[str], str | None]) -> None:
        self.schedules = schedules
        self.cycle_of = cycle_of
        self.access = schedules.access
        self.db = schedules.db
        self.clock = schedules.clock
        self.zone = schedules.zone

    def freshness(self, actor: Actor, table: str | None = None) -> list[Freshness]:
        """Return the tables whose runs the actor may see (the data authority sees all), what is worst first.

        Raises:
            NotFound: the table that was asked for is unknown or another department's.

        """
        self.access.require(actor, Permission.INGEST_RUN_READ)
        found = [f for f in self._judge() if table in {None, f.table}]
        allowed = {o: self.access.allows(actor, Permission.INGEST_RUN_READ, o) for o in {f.org_id for f in found}}
        seen = [f for f in found if allowed[f.org_id]]
        if table is not None and not seen:
            raise NotFound("没有这张表。", "There is no such table.", code="table_not_found")
        return sorted(seen, key=lambda f: (_ORDER[f.state], f.org_id, f.table))

    def timeline(self, actor: Actor, tables: Sequence[str], days: int = 30) -> Mapping[str, Sequence[RunDot]]:
        """Return the runs of the last days into tables whose runs the actor may see."""
        mine = {f.table for f in self.freshness(actor)}
        since = self.clock.now() - timedelta(days=days)
        with self.db.read() as connection:
            return FreshnessStore(connection).dots([t for t in tables if t in mine], since)

    def promise(
        self, actor: Actor, table: str, minutes: int, *, grace_minutes: int = 0, working_days: bool = False
    ) -> Freshness:
        """Promise how old a table's data may be at most; 0 minutes takes the promise back (the catalog's cycle holds)."""
        found = self.freshness(actor, table)[0]
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, found.org_id)
        if not 0 <= minutes <= _LONGEST or not 0 <= grace_minutes <= _LONGEST:
            raise Invalid(
                "承诺为 1 分钟至 10 年；填 0 则撤销。",
                "A promise is 1 minute to 10 years; 0 takes it back.",
                code="bad_promise",
            )
        told: dict[str, Any] = {"minutes": minutes, "grace_minutes": grace_minutes, "working_days": working_days}
        with self.db.begin() as tx:
            values = {**told, "set_by": actor.name, "set_at": self.clock.now()} if minutes else None
            FreshnessStore(tx.connection).set_promise(table, values)
            detail: dict[str, JsonValue] = {**told}
            self.schedules.evidence.record(tx, actor, "ingest.promise", target=table, detail=detail)
        return self.freshness(actor, table)[0]

    def watch(self) -> None:
        """Say what is about to break, or has, and take back what was mended; called by the dispatcher every minute."""
        alerts = self.schedules.alerts
        wanted: dict[tuple[AlertKind, str], tuple[str, Text]] = {}
        for one in self._judge():
            kind = _alert_kind(one, self.clock.now())
            if kind is not None:
                wanted[kind, one.table] = one.org_id, self._words(one)
        for kind, subject in alerts.open():
            if kind in {AlertKind.FRESHNESS_DUE, AlertKind.FRESHNESS_LATE} and (kind, subject) not in wanted:
                alerts.clear(kind, subject)
        for (kind, subject), (org_id, text) in wanted.items():
            alerts.say(kind, subject, org_id, text)

    # Inside

    def _judge(self) -> list[Freshness]:
        now = self.clock.now()
        with self.db.read() as connection:
            syncs = SourceStore(connection).syncs()
            facts, own = FreshnessStore(connection).fresh_at(), FreshnessStore(connection).promises()
            plans = ScheduleStore(connection).every()
            last = ScheduleStore(connection).last_slots([p.id for p in plans])
        tables = {t.name: _Table(t.name, t.org_id, t.created_at, None) for t in self._tables()}
        tables |= {s.table: _Table(s.table, s.org_id, s.created_at, s) for s in syncs}
        going = {t.sync_id for t in self.schedules.turns.every()}
        by_sync: dict[str, list[Schedule]] = {}
        for plan in plans:
            by_sync.setdefault(plan.sync_id, []).append(plan)
        found = []
        for table in tables.values():
            sync_id = "" if table.sync is None else table.sync.id
            promise = own.get(table.name) or self._of_catalog(table.name)
            mine = by_sync.get(sync_id, [])
            slots = [last[p.id] for p in mine if p.id in last]
            found.append(self._judged(table, promise, facts.get(table.name), now, (mine, slots, sync_id in going)))
        return found

    def _tables(self) -> Sequence[Any]:
        return self.schedules.sources.tables.list(SYSTEM)

    def _of_catalog(self, table: str) -> Promised | None:
        code = self.cycle_of(table)
        if code is None:
            return None
        cycle = self.schedules.standards.update_cycle(code)
        if cycle.interval is None:
            return None
        return Promised(interval=cycle.interval, grace=cycle.grace, origin="catalog", name=cycle.name)

    def _judged(
        self,
        table: _Table,
        promise: Promised | None,
        data_at: datetime | None,
        now: datetime,
        plan: tuple[Sequence[Schedule], Sequence[Slot], bool],
    ) -> Freshness:
        schedules, slots, going = plan
        alive = [s for s in schedules if s.paused is None]
        next_at = min((s.next_at for s in alive if s.next_at is not None), default=None)
        deadline = None
        if promise is not None:
            deadline = promise.deadline(data_at or table.born, self.zone, self.schedules.is_working)
        failed = [s for s in slots if s.state in {SlotState.FAILED, SlotState.RETRY}]
        reasons = [s.rests for s in schedules if s.rests is not None] + [s.note for s in failed if s.note is not None]
        state = _state(promise, data_at, deadline, now)
        coming = going or (next_at is not None and deadline is not None and next_at <= deadline and not failed)
        if state is FreshState.ON_TIME and promise is not None and deadline is not None:
            if now >= deadline - promise.warning and not coming:
                state = FreshState.DUE_SOON
            elif schedules and not alive:
                state = FreshState.PAUSED
        if state in {FreshState.DUE_SOON, FreshState.LATE, FreshState.NEVER}:
            reasons += _why(table, schedules, next_at, deadline, going=going)
        return Freshness(
            table=table.name,
            org_id=table.org_id,
            state=state,
            promise=promise,
            data_at=data_at,
            deadline=deadline,
            next_at=next_at,
            reasons=reasons,
            sync_id=None if table.sync is None else table.sync.id,
        )

    def _words(self, one: Freshness) -> Text:
        assert one.promise is not None  # noqa: S101  # nothing is said of tables without
        assert one.deadline is not None  # noqa: S101
        end = one.deadline.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")
        zh = "".join(f"；{r.zh}" for r in one.reasons[:3])
        en = "".join(f"; {r.en}" for r in one.reasons[:3])
        if _alert_kind(one, self.clock.now()) is AlertKind.FRESHNESS_DUE:
            return Text(
                f"表“{one.table}”将于 {end} 超出更新承诺（{one.promise.text.zh}）{zh}",
                f'Table "{one.table}" breaks its promise ({one.promise.text.en}) at {end}{en}',
            )
        return Text(
            f"表“{one.table}”已于 {end} 超出更新承诺（{one.promise.text.zh}）{zh}",
            f'Table "{one.table}" broke its promise ({one.promise.text.en}) at {end}{en}',
        )


def _state(promise: Promised | None, data_at: datetime | None, deadline: datetime | None, now: datetime) -> FreshState:
    if promise is None or deadline is None:
        return FreshState.NO_PROMISE
    if data_at is None:
        return FreshState.NEVER
    return FreshState.LATE if now > deadline else FreshState.ON_TIME


def _alert_kind(one: Freshness, now: datetime) -> AlertKind | None:
    if one.deadline is None:
        return None
    if one.state in {FreshState.LATE, FreshState.NEVER}:
        return AlertKind.FRESHNESS_LATE if now > one.deadline else None
    return AlertKind.FRESHNESS_DUE if one.state is FreshState.DUE_SOON else None


def _why(
    table: _Table, schedules: Sequence[Schedule], next_at: datetime | None, deadline: datetime | None, *, going: bool
) -> list[Text]:
    """Say what stands in the way, where nothing else has said it."""
    if going:
        return [Text("正在取数或排队", "a run is going on or waits")]
    if table.sync is None:
        return [Text("由部门交文件更新，尚未交来", "its files have not been handed in")]
    if not schedules:
        return [Text("没有取数计划", "no schedule runs it")]
    if next_at is not None and deadline is not None and next_at > deadline:
        return [Text("下一次计划运行在期限之后", "its next run comes after the deadline")]
    return []
