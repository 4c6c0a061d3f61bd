"""Alerts as people see and handle them: every look goes through the gate, every step has a name and a note."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import NotFound, guard_formula
from beijiang.mining.errors import alert_moved, no_alert, rule_unfit
from beijiang.mining.models import AlertQuery, AlertState, AlertStep, ReadingAlert, StepKind, StreamRule
from beijiang.mining.models.reading_alerts import FITS
from beijiang.mining.service.stream_rules.base import Base, Sight
from beijiang.mining.service.stream_rules.reading import readings_of
from beijiang.mining.store import ReadingAlertStore, RuleStore
from beijiang.tables import Exit, Filter, FilterOp

if TYPE_CHECKING:
    from beijiang.access import Person
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Handling", "Timeline"]

_MOST: Final = 1_000
_EXPORTED: Final = 10_000
_POINTS: Final = 2_000
_HEAD: Final = (
    "编号", "规则", "级别", "传感器", "触发时间", "恢复时间", "数值", "最值", "触发值", "状态", "确认人", "负责人", "内容",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timeline:
    """The readings of one sensor over some hours, with the rules that judge them and the alerts that they raised."""

    rule: StreamRule
    sensor: str
    since: datetime
    until: datetime
    points: Sequence[tuple[float, float | None]]
    """Seconds since 1970 and value, in order; at most 2,000, the newest."""
    rules: Sequence[StreamRule]
    """Those that judge the same value."""
    alerts: Sequence[ReadingAlert]


class Handling(Base):
    """See, acknowledge, assign, close, open again."""

    def alerts(self, actor: Actor, query: AlertQuery | None = None) -> list[ReadingAlert]:
        """Return the alerts that the actor may see: those that last first, then the newest."""
        self.access.require(actor, Permission.MINING_ALERT_READ)
        asked = query or AlertQuery()
        with self.db.read() as connection:
            store = ReadingAlertStore(connection)
            orgs = [
                one for one in store.organisations() if self.access.allows(actor, Permission.MINING_ALERT_READ, one)
            ]
            rows = store.find(replace(asked, limit=min(max(asked.limit, 1), _EXPORTED)), orgs)
        sight = Sight(self, actor)
        found = [sight.shown(row) for row in rows]
        return [one for one in found if not (asked.sensor and one.masked)]

    def unattended(self, actor: Actor) -> int:
        """Count the alerts that the actor may see and nobody has acknowledged."""
        return len(self.alerts(actor, AlertQuery(state=AlertState.NEW, limit=_MOST)))

    def alert(self, actor: Actor, alert_id: str) -> ReadingAlert:
        """Return one alert.

        Raises:
            NotFound: unknown or hidden, which look the same.

        """
        self.access.require(actor, Permission.MINING_ALERT_READ)
        with self.db.read() as connection:
            row = ReadingAlertStore(connection).get(alert_id)
        if row is None:
            raise no_alert()
        return Sight(self, actor).shown(row)

    def steps(self, actor: Actor, alert_id: str) -> list[AlertStep]:
        """Return what happened to an alert, oldest first."""
        alert = self.alert(actor, alert_id)
        with self.db.read() as connection:
            return ReadingAlertStore(connection).steps(alert.id)

    def acknowledge(self, actor: Actor, alert_id: str, note: str = "") -> ReadingAlert:
        """Say that one has seen it and looks after it; one whose readings have recovered is thereby closed."""
        alert = self._handled(actor, alert_id, StepKind.ACKNOWLEDGE)
        state = AlertState.ACKNOWLEDGED if alert.lasts else AlertState.CLOSED
        now = self.clock.now()
        values = {"acknowledged_by": actor.name[:200], "acknowledged_at": now}
        return self._step(actor, alert, AlertStep(StepKind.ACKNOWLEDGE, now, actor.name, note), state, values)

    def assign(self, actor: Actor, alert_id: str, person: str, note: str = "") -> ReadingAlert:
        """Put an alert into somebody's hands, who is told of it.

        Raises:
            NotFound: there is no such person who may handle it (``assignee_not_found``).

        """
        alert = self._handled(actor, alert_id, StepKind.ASSIGN)
        chosen = next((one for one in self.handlers(actor, alert.org_id) if person in {one.id, one.login}), None)
        if chosen is None:
            raise NotFound(
                "本部门没有可以处理预警的这个人。", "The department has no such person who may handle alerts.",
                code="assignee_not_found",
            )  # fmt: skip
        step = AlertStep(StepKind.ASSIGN, self.clock.now(), actor.name, note, chosen.name)
        values = {"assignee_id": chosen.id, "assignee": chosen.name[:200]}
        return self._step(actor, alert, step, alert.state, values, {"person": chosen.id})

    def close(self, actor: Actor, alert_id: str, note: str) -> ReadingAlert:
        """Say how it ended. While its condition lasts the rule raises no other for the sensor.

        Raises:
            Invalid: nothing was said (``stream_rule_unfit``).

        """
        alert = self._handled(actor, alert_id, StepKind.CLOSE)
        if not note.strip():
            raise rule_unfit("请写明处置结果再办结。", "Say what came of it before you close it.")
        step = AlertStep(StepKind.CLOSE, self.clock.now(), actor.name, note)
        return self._step(actor, alert, step, AlertState.CLOSED, {})

    def reopen(self, actor: Actor, alert_id: str, note: str = "") -> ReadingAlert:
        """Take a closed alert up again."""
        alert = self._handled(actor, alert_id, StepKind.REOPEN)
        step = AlertStep(StepKind.REOPEN, self.clock.now(), actor.name, note)
        return self._step(actor, alert, step, AlertState.ACKNOWLEDGED, {})

    def handlers(self, actor: Actor, org_id: str) -> list[Person]:
        """Return the people of a department who may handle its alerts."""
        self.access.require(actor, Permission.MINING_ALERT_HANDLE, org_id)
        return [
            one
            for one in self.access.people(actor, org_id)
            if one.disabled_at is None
            and self.access.allows(one.as_actor(None), Permission.MINING_ALERT_HANDLE, org_id)
        ]

    def export(self, actor: Actor, query: AlertQuery) -> bytes:
        """Return alerts as CSV with a mark of order for spreadsheets; the same that the list shows."""
        self.access.require(actor, Permission.MINING_ALERT_READ)
        found = self.alerts(actor, replace(query, limit=_EXPORTED))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(_HEAD)
        for one in found:
            writer.writerow([guard_formula("" if cell is None else str(cell)) for cell in self._cells(one)])
        return text.getvalue().encode("utf-8-sig")

    def _cells(self, one: ReadingAlert) -> tuple[Any, ...]:
        times = [None if at is None else at.astimezone(self.zone).isoformat(sep=" ", timespec="seconds") for at in (one.raised_at, one.cleared_at)]  # fmt: skip
        return (
            one.id, one.rule, one.severity.text.zh, one.sensor, *times, one.figure, one.peak, one.level,
            one.state.text.zh, one.acknowledged_by, one.assignee, one.text.zh,
        )  # fmt: skip

    def timeline(self, actor: Actor, rule_id: str, sensor: str, hours: int = 24) -> Timeline:
        """Return the readings of a sensor over the last hours, through the gate, with the thresholds to be drawn.

        Raises:
            NotFound: the rule is unknown, or the table is hidden from the actor.

        """
        rule = self._rule(actor, rule_id)
        draft, until = rule.draft, self.clock.now()
        since = until - timedelta(hours=min(max(hours, 1), 24 * 31))
        governed = self.gate.open(actor, rule.table, "stream rule: timeline", Exit.CHART)
        plain = {one.name for one in governed.columns if not one.masked}
        shown = draft.key in plain and draft.time in plain and (not draft.value or draft.value in plain)
        filters = (Filter(draft.key, FilterOp.EQ, sensor), Filter(draft.time, FilterOp.GTE, since.isoformat()))
        columns = [draft.key, draft.time, *([draft.value] if draft.value else [])]
        points = [
            (at, value)
            for batch in (governed.batches(filters, columns) if shown else ())
            for _, at, value in readings_of(batch, draft)
        ]
        with self.db.read() as connection:
            every = RuleStore(connection).rules(stream_id=rule.stream_id)
        rules = [one for one in every if one.active and one.draft.value == draft.value]
        alerts = self.alerts(actor, AlertQuery(stream=rule.stream_id, sensor=sensor, since=since))
        return Timeline(rule, sensor, since, until, sorted(points)[-_POINTS:], rules, alerts)

    def _handled(self, actor: Actor, alert_id: str, kind: StepKind) -> ReadingAlert:
        alert = self.alert(actor, alert_id)
        self.access.require(actor, Permission.MINING_ALERT_HANDLE, alert.org_id)
        if alert.state not in FITS[kind]:
            raise alert_moved(alert.state.text.zh, alert.state.text.en)
        return alert

    def _step(
        self,
        actor: Actor,
        alert: ReadingAlert,
        step: AlertStep,
        state: AlertState,
        values: dict[str, Any],
        more: dict[str, JsonValue] | None = None,
    ) -> ReadingAlert:
        with self.db.begin() as tx:
            store = ReadingAlertStore(tx.connection)
            if not store.move(alert.id, alert.state, state=state.value, **values):
                raise alert_moved(alert.state.text.zh, alert.state.text.en)
            store.step(alert.id, replace(step, note=step.note.strip()))
            detail: dict[str, JsonValue] = {"org": alert.org_id, "rule": alert.rule_id, **(more or {})}
            self.evidence.record(tx, actor, f"mining.alert_{step.kind.value}", target=alert.id, detail=detail)
        return self.alert(actor, alert.id)
