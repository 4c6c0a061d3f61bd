"""Monitors: each version of each table is held against the table's own history; what is unusual is said once, and decided on."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from beijiang.access import Permission
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Invalid, NotFound, Text, new_id
from beijiang.quality.errors import no_finding
from beijiang.quality.models.looking import (
    COLUMNS_MOST,
    codes_of,
    judge_distribution,
    look_query,
    looks_of,
    shares_query,
    with_shares,
)
from beijiang.quality.models.monitors import (
    REMOVES,
    Band,
    Call,
    Decision,
    Finding,
    FindingState,
    Monitor,
    MonitorSetting,
    Observation,
    judge_schema,
    judge_volume,
    limits_on,
    volume_band,
)
from beijiang.quality.models.rules import Severity
from beijiang.quality.service.base import Base
from beijiang.quality.store import MonitorStore, QualityLists
from beijiang.quality.store.monitors import key_of

if TYPE_CHECKING:
    from beijiang.ingest import Freshness, FreshnessBoard
    from beijiang.kit import Actor, Part, Wanted
    from beijiang.kit.errors import JsonValue
    from beijiang.quality.service.scoring import Quality
    from beijiang.tables import TableWritten

__all__ = ["MonitorReport", "Monitors"]

log = logging.getLogger(__name__)

REMEMBERED: Final = 420
"""Observations that are looked back at: more than a year of daily versions."""
LOOKED_BACK: Final = 60
"""Observations of columns that are looked back at."""
SHARE_OF_TIME: Final = 20
"""A table is looked into again after so many times as long as the last look took: 5 % of the time at most."""
SNOOZE_LONGEST: Final = 366
_PASSED_OVER: Final = {"compact", "rollback"}
"""Writes that bring no delivery."""


@dataclass(frozen=True, slots=True)
class MonitorReport:
    """How a table is watched, and what was found."""

    table: str
    org_id: str
    observations: Sequence[Observation]
    band: Band | None
    """What is usual today, None while it is learned."""
    known: int
    """Versions of today's kind of day that are known."""
    findings: Sequence[Finding]
    settings: Mapping[Monitor, MonitorSetting]
    freshness: Freshness | None


class Monitors(Base):
    """Volume, columns and distribution of every table, watched without set-up; freshness is the board's."""

    def __init__(self, quality: Quality, board: FreshnessBoard) -> None:
        q = quality
        super().__init__(q.db, q.tables, q.runner, q.access, q.evidence, q.jobs, q.alerts, q.clock)
        self.board = board
        self.zone = q.runner.zone

    # What the platform does by itself

    def on_table_written(self, event: TableWritten) -> None:
        """Note what a version is like, and judge its volume and columns. Idempotent; no row is read."""
        if event.mode in _PASSED_OVER:
            return
        at = datetime.fromisoformat(event.written_at)
        now = Observation(
            table=event.table,
            version=event.version,
            org_id=event.org_id,
            day=at.astimezone(self.zone).date(),
            at=at,
            mode=REMOVES if _only_removes(event) else event.mode,
            rows=event.rows,
            moved=event.rows_added + event.rows_changed,
            columns=tuple(zip(event.columns, event.column_types, strict=False)),
        )
        with self.db.read() as connection:
            store = MonitorStore(connection)
            known, settings = store.observations(event.table, REMEMBERED), store.settings(event.table)
        if any(o.version >= event.version for o in known):
            return
        calls: list[Call] = []
        judged = {Monitor.SCHEMA} if now.removes else {Monitor.VOLUME, Monitor.SCHEMA}
        if Monitor.VOLUME in judged and _is_on(settings, Monitor.VOLUME):
            limits = self._limits(now.day, Monitor.VOLUME, settings)
            calls += judge_volume(known, now, self.standards.calendar, limits)
        if _is_on(settings, Monitor.SCHEMA):
            calls += judge_schema(known[-1] if known else None, now)
        now = replace(now, expected=not any(call.learns for call in calls))
        self._settle(now, calls, judged)

    def watch(self) -> None:
        """Look into the newest versions that nobody looked into; called by the dispatcher every minute."""
        with self.db.read() as connection:
            store = MonitorStore(connection)
            waiting = [(one, store.observations(one.table, LOOKED_BACK, looks=True)) for one in store.unseen()]
        for one, known in waiting:
            last = next((o for o in reversed(known) if o.looks is not None), None)
            rested = last is None or one.at - last.at >= timedelta(seconds=SHARE_OF_TIME * last.seconds)
            if rested:
                try:
                    self._look(one, known[:-1])
                except NotFound:
                    log.info("table %s went away before it was looked into", one.table)
                except BeijiangError:
                    log.exception("table %s could not be looked into; it will be tried again", one.table)

    # Verbs

    def findings(self, actor: Actor, limit: int = 500) -> Sequence[Finding]:
        """Return findings of the tables whose results the actor may see, those that go on first."""
        tables = self._judged(actor)
        with self.db.read() as connection:
            return MonitorStore(connection).findings(tables, limit)

    def _judged(self, actor: Actor) -> list[str]:
        """Return the tables whose results the actor may see."""
        self.access.require(actor, Permission.QUALITY_RESULT_READ)
        tables = self.tables.list(actor)
        seen = {
            org: self.access.allows(actor, Permission.QUALITY_RESULT_READ, org) for org in {t.org_id for t in tables}
        }
        return [t.name for t in tables if seen[t.org_id]]

    def finding_part(self, actor: Actor, wanted: Wanted) -> Part[Finding]:
        """Return a part of the findings that ``findings`` lists, narrowed, counted and sorted; of any age."""
        tables = self._judged(actor)
        with self.db.read() as connection:
            return QualityLists(connection).findings(wanted, tables, self.clock.now())

    def standing(self, actor: Actor, table: str) -> int:
        """Count what goes on at a table."""
        info = self._table(actor, table)
        with self.db.read() as connection:
            return len(MonitorStore(connection).standing(info.name))

    def report(self, actor: Actor, table: str) -> MonitorReport:
        """Return how a table is watched: its history, what is usual, and what was found.

        Raises:
            NotFound: no such table, or it is hidden from this actor.

        """
        info = self._table(actor, table)
        with self.db.read() as connection:
            store = MonitorStore(connection)
            known, settings = store.observations(info.name, REMEMBERED, looks=True), store.settings(info.name)
            found = store.findings([info.name], 200)
        today = self.clock.now().astimezone(self.zone).date()
        whole = next((o.whole for o in reversed(known) if not o.removes), False)
        limits = self._limits(today, Monitor.VOLUME, settings)
        band, days = volume_band(known, today, whole=whole, calendar=self.standards.calendar, limits=limits)
        fresh = None
        if self.access.allows(actor, Permission.INGEST_RUN_READ, info.org_id):
            fresh = self.board.freshness(actor, info.name)[0]
        return MonitorReport(info.name, info.org_id, known, band, days, found, settings, fresh)

    def look(self, actor: Actor, table: str) -> MonitorReport:
        """Look into the newest version now, without waiting for the dispatcher.

        Raises:
            NotFound: no such table, or it is hidden from this actor.

        """
        info = self._table(actor, table, Permission.QUALITY_MONITOR_DECIDE)
        with self.db.read() as connection:
            known = MonitorStore(connection).observations(info.name, LOOKED_BACK, looks=True)
        if known and known[-1].looks is None:
            self._look(known[-1], known[:-1])
        return self.report(actor, info.name)

    def decide(
        self,
        actor: Actor,
        finding_id: str,
        decision: Decision,
        reason: str,
        until: date | None = None,
        *,
        seen: str | None = None,
    ) -> Finding:
        """Say that a finding is as expected, so that bands learn from it, or that nobody wants to hear of it for a while.

        ``seen`` is the token of the finding that was shown.

        Raises:
            NotFound: no such finding, or it is over.
            Conflict: a newer version made another finding of it (``changed_since_seen``).
            Invalid: no reason, or a snooze without a day within a year.

        """
        with self.db.read() as connection:
            found = MonitorStore(connection).finding(finding_id)
        if found is None or not found.stands:
            self.access.require(actor, Permission.QUALITY_RESULT_READ)
            raise no_finding()
        try:
            self._table(actor, found.table, Permission.QUALITY_MONITOR_DECIDE)
        except NotFound:
            raise no_finding() from None
        if not reason.strip():
            raise Invalid("请说明理由。", "A reason is needed.", code="reason_needed")
        found.shown.check(seen)
        now = self.clock.now()
        today = now.astimezone(self.zone).date()
        if decision is Decision.SNOOZE and not (until and today < until <= today + timedelta(days=SNOOZE_LONGEST)):
            raise Invalid("请选择一年之内的日期。", "Choose a day within a year.", code="bad_period")
        told = {"decided_by": actor.name, "decided_at": now, "reason": reason.strip()[:1000]}
        if decision is Decision.SNOOZE:
            made = replace(found, state=FindingState.SNOOZED, until=until, **told)  # type: ignore[arg-type]
        else:
            made = replace(found, state=FindingState.EXPECTED, over_at=now, **told)  # type: ignore[arg-type]
        with self.db.begin() as tx:
            store = MonitorStore(tx.connection)
            store.change(made)
            if decision is Decision.EXPECTED:
                store.learn(made.table, made.version)
            detail: dict[str, JsonValue] = {
                "finding": made.id,
                "monitor": made.call.monitor.value,
                "aspect": made.call.aspect,
                "column": made.call.column,
                "decision": decision.value,
                "until": until.isoformat() if until else None,
                "reason": made.reason,
            }
            self.evidence.record(tx, actor, "quality.monitor_decide", target=made.table, detail=detail)
        self._tell(made.table, made.org_id)
        return made

    def set_monitor(
        self,
        actor: Actor,
        table: str,
        monitor: Monitor,
        reason: str,
        *,
        is_on: bool = True,
        limits: Mapping[str, float] | None = None,
    ) -> MonitorSetting:
        """Watch a table otherwise than usual: with other limits, or not at all.

        Raises:
            Invalid: no reason, or a limit that there is none of.

        """
        info = self._table(actor, table, Permission.QUALITY_MONITOR_DECIDE)
        if not reason.strip():
            raise Invalid("请说明理由。", "A reason is needed.", code="reason_needed")
        own, today = dict(limits or {}), self.clock.now().astimezone(self.zone).date()
        known = limits_on(today, monitor)
        wrong = [name for name, value in own.items() if name not in known or not 0 <= value <= 1000]  # noqa: PLR2004
        if wrong:
            raise Invalid(
                f"没有这个阈值：{wrong[0][:40]}。可用：{'、'.join(known) or '无'}。",
                f"There is no limit {wrong[0][:40]}. There are: {', '.join(known) or 'none'}.",
                code="unknown_limit",
            )
        made = MonitorSetting(
            table=info.name, monitor=monitor, is_on=is_on, limits=own, by=actor.id, reason=reason.strip()[:1000]
        )
        with self.db.begin() as tx:
            MonitorStore(tx.connection).put_setting(made, self.clock.now())
            numbers: dict[str, JsonValue] = {**own}
            detail: dict[str, JsonValue] = {
                "monitor": monitor.value,
                "on": is_on,
                "limits": numbers,
                "reason": made.reason,
            }
            self.evidence.record(tx, actor, "quality.monitor_set", target=info.name, detail=detail)
        return made

    # Inside

    @staticmethod
    def _limits(day: date, monitor: Monitor, settings: Mapping[Monitor, MonitorSetting]) -> dict[str, float]:
        own = settings.get(monitor)
        return limits_on(day, monitor, own.limits if own else None)

    def _look(self, one: Observation, before: Sequence[Observation]) -> None:
        """Count a version's columns in two queries and judge them."""
        with self.db.read() as connection:
            settings = MonitorStore(connection).settings(one.table)
        if not _is_on(settings, Monitor.DISTRIBUTION):
            return
        limits, started = self._limits(one.day, Monitor.DISTRIBUTION, settings), time.monotonic()
        measured = self.runner.version(one.table, one.version)
        types = {column.name: column.type for column in measured.columns[:COLUMNS_MOST]}
        at = {one.table: one.version}
        count = self.runner.measures.count
        looks = looks_of(list(types), count(look_query(one.table, types, history=measured.history), at))
        codes = codes_of(looks, types, limits["codes"])
        if codes:
            looks = with_shares(looks, list(codes), count(shares_query(one.table, codes, history=measured.history), at))
        seen = replace(one, looks=looks, seconds=time.monotonic() - started)
        calls = judge_distribution(before, seen, limits)
        seen = replace(seen, expected=one.expected and not any(call.learns for call in calls))
        self._settle(seen, calls, {Monitor.DISTRIBUTION})

    def _settle(self, now: Observation, calls: Sequence[Call], of: set[Monitor]) -> None:
        """Keep an observation and what was found in it; what was found before and is gone is over."""
        try:
            with self.db.begin() as tx:
                store = MonitorStore(tx.connection)
                standing = {key_of(f.table, f.call): f for f in store.standing(now.table) if f.call.monitor in of}
                store.put(now)
                opened: list[Finding] = []
                for call in calls:
                    old = standing.pop(key_of(now.table, call), None)
                    if old is not None:
                        store.change(replace(old, call=call))
                        continue
                    made = Finding(
                        id=new_id("qm"), table=now.table, org_id=now.org_id, version=now.version, call=call, at=now.at
                    )
                    store.add(made)
                    opened.append(made)
                gone = [old for old in standing.values() if old.version < now.version]
                for old in gone:
                    store.change(replace(old, state=FindingState.OVER, over_at=self.clock.now()))
                for what, some in (("open", opened), ("over", gone)):
                    if some:
                        words: list[JsonValue] = [f.call.words.zh for f in some]
                        detail: dict[str, JsonValue] = {"version": now.version, "findings": words}
                        self.evidence.record(tx, SYSTEM, f"quality.monitor_{what}", target=now.table, detail=detail)
        except IntegrityError:
            log.info("another process observed %s first", now.table)
            return
        if opened or gone:
            self._tell(now.table, now.org_id)

    def _tell(self, table: str, org_id: str) -> None:
        """Say what goes on at a table, or take it back when nothing does."""
        today = self.clock.now().astimezone(self.zone).date()
        with self.db.read() as connection:
            standing = MonitorStore(connection).standing(table)
        loud = [
            f
            for f in standing
            if f.call.severity is not Severity.MINOR and not (f.until is not None and f.until > today)
        ]
        self.alerts.clear(AlertKind.MONITOR, table)
        if loud:
            zh = "；".join(f.call.words.zh for f in loud[:3])
            en = "; ".join(f.call.words.en for f in loud[:3])
            self.alerts.say(AlertKind.MONITOR, table, org_id, Text(f"表 {table}：{zh}", f"Table {table}: {en}"))


def _only_removes(event: TableWritten) -> bool:
    """Tell whether rows left and none came: that says nothing of how much is delivered."""
    return event.mode != "replace" and bool(event.rows_removed) and not event.rows_added + event.rows_changed


def _is_on(settings: Mapping[Monitor, MonitorSetting], monitor: Monitor) -> bool:
    return monitor not in settings or settings[monitor].is_on
