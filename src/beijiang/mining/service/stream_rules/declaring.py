"""Rules as their keepers declare, change, stop and try them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import new_id
from beijiang.mining.errors import rule_unfit
from beijiang.mining.models import KeyState, RuleDraft, RuleKind, StreamRule, Trial, Turn, judge
from beijiang.mining.service.stream_rules.base import Base, moment
from beijiang.mining.service.stream_rules.reading import readings_of
from beijiang.mining.store import ReadingAlertStore, RuleStore
from beijiang.tables import Exit, Filter, FilterOp

if TYPE_CHECKING:
    from beijiang.ingest import Stream
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Declaring"]

_READINGS: Final = 300_000
"""So many readings a trial takes at most."""
_SHOWN: Final = 100
_DAYS: Final = 92
_NUMBERS: Final = frozenset({"integer", "decimal", "double"})


class Declaring(Base):
    """Declare, change, stop, try."""

    def rules(self, actor: Actor, stream: str = "") -> list[StreamRule]:
        """Return the rules in force on the actor's streams, or on one of them; stopped ones too."""
        self.access.require(actor, Permission.MINING_ALERT_READ, actor.org_id)
        stream_id = self.streams.stream(actor, stream).id if stream else ""
        with self.db.read() as connection:
            return RuleStore(connection).rules(org_id=actor.org_id, stream_id=stream_id)

    def rule(self, actor: Actor, rule_id: str) -> StreamRule:
        """Return one rule.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        return self._rule(actor, rule_id)

    def revisions(self, actor: Actor, rule_id: str) -> list[dict[str, Any]]:
        """Return all revisions of a rule, newest first."""
        rule = self.rule(actor, rule_id)
        with self.db.read() as connection:
            found = RuleStore(connection).history(rule.id)
        return [
            {"revision": number, "active": active, "set_by": by, "set_at": at.isoformat(), **draft.to_json()}
            for number, active, draft, by, at in found
        ]

    def declare(self, actor: Actor, stream: str, draft: RuleDraft) -> StreamRule:
        """Have a stream's readings judged from now on.

        Raises:
            Invalid: the rule does not fit, or names columns that the stream has not (``stream_rule_unfit``).

        """
        found = self.streams.stream(actor, stream)
        self.access.require(actor, Permission.MINING_RULE_MANAGE, found.org_id)
        _check_columns(draft.checked(), found)
        now = self.clock.now()
        rule = StreamRule(
            id=new_id("srl"),
            revision=1,
            stream_id=found.id,
            org_id=found.org_id,
            table=found.table,
            draft=draft,
            active=True,
            position=found.position,
            late=0,
            trouble=None,
            set_by=actor.name,
            set_at=now,
            began_at=now,
        )
        return self._set(actor, rule, "mining.rule_declare")

    def change(self, actor: Actor, rule_id: str, draft: RuleDraft) -> StreamRule:
        """Replace what a rule says; earlier revisions stay on record, and alerts that last under it end."""
        rule = self.rule(actor, rule_id)
        self.access.require(actor, Permission.MINING_RULE_MANAGE, rule.org_id)
        stream = self.streams.stream(actor, rule.stream_id)
        _check_columns(draft.checked(), stream)
        fresh = replace(rule, revision=rule.revision + 1, draft=draft, active=True, position=stream.position)
        return self._set(actor, fresh, "mining.rule_change")

    def stop_rule(self, actor: Actor, rule_id: str) -> StreamRule:
        """Judge no more by a rule; its alerts and their history stay. ``change`` takes it up again."""
        rule = self.rule(actor, rule_id)
        self.access.require(actor, Permission.MINING_RULE_MANAGE, rule.org_id)
        return self._set(actor, replace(rule, revision=rule.revision + 1, active=False), "mining.rule_stop")

    def _set(self, actor: Actor, rule: StreamRule, action: str) -> StreamRule:
        now = self.clock.now()
        rule = replace(rule, set_by=actor.name, set_at=now, began_at=now, trouble=None, late=0)
        with self.db.begin() as tx:
            RuleStore(tx.connection).add(rule)
            alerts = ReadingAlertStore(tx.connection)
            for row in alerts.lasting(rule.id).values():
                self._end(alerts, row, at=now, note="规则已调整")
            detail: dict[str, JsonValue] = {"org": rule.org_id, "stream": rule.stream_id, "revision": rule.revision}
            self.evidence.record(tx, actor, action, target=rule.id, detail={**detail, "says": rule.draft.to_json()})
        return self.rule(actor, rule.id)

    def try_out(self, actor: Actor, stream: str, draft: RuleDraft, days: float = 7) -> Trial:
        """Return what a rule would have done in the last days with the readings of the stream's table; nothing is raised.

        The rows come through the gate, as the actor sees them. A silence is judged by the readings' own times.

        Raises:
            NotFound: the table is hidden from the actor, or nothing has arrived yet.
            Invalid: the rule does not fit, or a column that it names is masked for the actor (``stream_rule_unfit``).

        """
        found = self.streams.stream(actor, stream)
        self.access.require(actor, Permission.MINING_ALERT_READ, found.org_id)
        _check_columns(draft.checked(), found)
        if not 0 < days <= _DAYS:
            raise rule_unfit(f"试算的天数须在 0 到 {_DAYS} 之间。", f"A trial looks at up to {_DAYS} days.")
        until = self.clock.now()
        since = until - timedelta(days=days)
        columns = [draft.key, draft.time, *([draft.value] if draft.value else [])]
        governed = self.gate.open(actor, found.table, "stream rule: trial", Exit.PREVIEW)
        plain = {one.name for one in governed.columns if not one.masked}
        masked = [name for name in columns if name not in plain]
        if masked:
            raise rule_unfit(
                f"列“{masked[0]}”对您脱敏或不可见，不能用它试算。",
                f'Column "{masked[0]}" is masked for you or hidden, so it cannot be tried on.',
            )
        by_sensor, count, whole = defaultdict(list), 0, True
        filters = (Filter(draft.time, FilterOp.GTE, since.isoformat()),)
        for batch in governed.batches(filters, columns):
            for sensor, at, value in readings_of(batch, draft):
                by_sensor[sensor].append((at, value))
                count += 1
            if count >= _READINGS:
                whole = False
                break
        return _tried(draft, by_sensor, (since, until), count, truncated=not whole)


def _tried(
    draft: RuleDraft,
    by_sensor: dict[str, list[tuple[float, float | None]]],
    span: tuple[datetime, datetime],
    count: int,
    *,
    truncated: bool,
) -> Trial:
    since, until = span
    found: list[tuple[str, datetime, datetime | None, float | None]] = []
    late = 0
    for sensor, readings in sorted(by_sensor.items()):
        if draft.sensors and sensor not in draft.sensors:
            continue
        readings.sort(key=lambda one: one[0])
        state = KeyState()
        if draft.kind is RuleKind.MISSING:
            turns = _gaps(draft, [at for at, _ in readings], until.timestamp())
        else:
            turns = judge(draft, state, readings, until.timestamp())
        late += state.late
        for turn in turns:
            if turn.raised:
                found.append((sensor, moment(turn.at), None, turn.peak))
            else:
                found[-1] = (sensor, found[-1][1], moment(turn.at), turn.peak)
        if found and found[-1][0] == sensor and found[-1][2] is None and state.peak is not None:
            found[-1] = (*found[-1][:3], state.peak)
    found.sort(key=lambda one: one[1])
    return Trial(since, until, count, len(by_sensor), late, tuple(found[:_SHOWN]), len(found), truncated)


def _gaps(draft: RuleDraft, times: list[float], until: float) -> list[Turn]:
    """Return the silences between readings, and the one up to now."""
    turns = []
    for before, after in zip(times, [*times[1:], None], strict=True):
        if (until if after is None else after) - before < draft.silence:
            continue
        turns.append(Turn(raised=True, at=before + draft.silence, figure=None, peak=None, since=before))
        if after is not None:
            turns.append(Turn(raised=False, at=after, figure=None, peak=None, since=before))
    return turns


def _check_columns(draft: RuleDraft, stream: Stream) -> None:
    columns: Any = stream.options.get("columns", [])
    types = {str(one["name"]): str(one.get("type") or "text") for one in columns}
    for name, fits in ((draft.key, None), (draft.time, {"timestamp"}), (draft.value, _NUMBERS)):
        if name and (name not in types or (fits is not None and types[name] not in fits)):
            raise rule_unfit(
                f"数据流没有适用的列“{name}”：时间列须为日期时间，数值列须为数字。",
                f'The stream has no column "{name}" that fits: a time is a timestamp, a value a number.',
            )
