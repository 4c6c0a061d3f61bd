"""Readings as they arrive: judged once each, with what is remembered, raised and ended written in one transaction."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest import StreamState
from beijiang.kit import SYSTEM, BeijiangError, new_id
from beijiang.mining.models import KeyState, RuleDraft, RuleKind, Turn, judge, silent
from beijiang.mining.service.stream_rules.base import PLATFORM, moment
from beijiang.mining.service.stream_rules.reading import readings_of
from beijiang.mining.service.stream_rules.recording import Recording
from beijiang.mining.store import ReadingAlertStore, RuleStore

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.ingest import ArrivedBatch
    from beijiang.kit.errors import JsonValue
    from beijiang.mining.models import StreamRule

__all__ = ["Hearing"]

log = logging.getLogger(__name__)

_EVERY: Final = 1.0
"""Seconds between two looks for sensors that are silent."""
_AT_ONCE: Final = 1_000


class Hearing(Recording):
    """Judge what arrives, and what does not."""

    _stopping: threading.Event | None = None
    _thread: threading.Thread | None = None

    def hear(self, batch: ArrivedBatch) -> None:
        """Judge the readings of a micro-batch that no rule has judged yet; told again it does nothing again."""
        with self.db.read() as connection:
            rules = [one for one in RuleStore(connection).rules(stream_id=batch.stream_id) if one.active]
        for rule in rules:
            if rule.position < batch.last:
                self._hear(rule, batch)

    def heard(self, stream_id: str) -> int | None:
        """Return the segment up to which every rule of a stream has judged; None where there is no rule."""
        with self.db.read() as connection:
            rules = [one for one in RuleStore(connection).rules(stream_id=stream_id) if one.active]
        return min((one.position for one in rules), default=None)

    def _hear(self, rule: StreamRule, batch: ArrivedBatch) -> None:
        draft = rule.draft
        columns = [draft.key, draft.time, *([draft.value] if draft.value else [])]
        try:
            found = list(readings_of(batch.rows(columns, rule.position), draft))
        except BeijiangError as error:
            if error.transient:
                raise
            self._note(rule, batch.last, error)
            return
        by_sensor: defaultdict[str, list[tuple[float, float | None]]] = defaultdict(list)
        meant = frozenset(draft.sensors)
        for sensor, at, value in found:
            if not meant or sensor in meant:
                by_sensor[sensor].append((at, value))
        now = self.clock.now()
        with self.db.begin(counted=False) as tx:
            rules = RuleStore(tx.connection)
            states = self._recalled.take(rules, rule, by_sensor)
            late, turned = 0, []
            for sensor, readings in by_sensor.items():
                state = states[sensor]
                readings.sort(key=lambda one: one[0])
                before = state.late
                turned += [(sensor, turn) for turn in judge(draft, state, readings, now.timestamp())]
                late += state.late - before
            if not rules.advance(rule, batch.last, late):
                return  # another process has judged it, or the rule says something else by now
            rules.keep(rule.id, {sensor: states[sensor] for sensor in by_sensor})
            self._turned(tx, rule, turned, now)
        self._recalled.hold(rule, batch.last, states)

    def _note(self, rule: StreamRule, position: int, error: BeijiangError) -> None:
        told = {"code": error.reason, "zh": error.text.zh, "en": error.text.en}
        with self.db.begin() as tx:
            RuleStore(tx.connection).note(rule.id, told, position)

    # Sensors from which nothing comes

    def start(self) -> None:
        """Begin to look at the clock, in a thread of its own."""
        if self._thread is None:
            self._stopping = threading.Event()
            self._listening: dict[str, datetime] = {}
            self._began = self.clock.now()
            self._thread = threading.Thread(target=self._loop, name="beijiang-stream-rules", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        if self._thread is not None and self._stopping is not None:
            self._stopping.set()
            self._thread.join()
            self._thread = None

    def _loop(self) -> None:
        assert self._stopping is not None  # noqa: S101  # made before the thread
        while not self._stopping.wait(_EVERY):
            try:
                self.tick(self._began)
                self.write_records()
            except Exception:  # the loop outlives a failing database and tries again
                log.exception("looking for silent sensors failed; it will be tried again")

    def tick(self, since: datetime) -> None:
        """Raise the alerts of sensors that are silent for too long, and tell what quiet hours kept back.

        Silence counts from ``since`` at the earliest, from the start of a rule, and from when its stream was last seen not
        running: while nobody listens, nobody is missed.
        """
        now = self.clock.now()
        with self.db.read() as connection:
            rules = [one for one in RuleStore(connection).rules() if one.active]
            untold = ReadingAlertStore(connection).untold()
        running = {s.id for s in self.streams.streams(SYSTEM) if s.state is StreamState.RUNNING and s.trouble is None}
        heard = self.__dict__.setdefault("_listening", {})
        for rule in rules:
            if rule.draft.kind is not RuleKind.MISSING:
                continue
            if rule.stream_id not in running:
                heard[rule.stream_id] = now
                continue
            began = max(since, rule.began_at, heard.get(rule.stream_id, since))
            self._miss(rule, began, now)
        for row in untold:
            draft = RuleDraft.from_json(row.draft)
            if not draft.is_quiet(now.astimezone(self.zone)):
                self._tell(row)

    def _miss(self, rule: StreamRule, began: datetime, now: datetime) -> None:
        before = now.timestamp() - rule.draft.silence
        if before < began.timestamp():
            return
        with self.db.read() as connection:  # nobody silent is the rule, and costs no write
            if not self._silent(RuleStore(connection), rule, before):
                return
        with self.db.begin(counted=False) as tx:
            rules = RuleStore(tx.connection)
            states = self._silent(rules, rule, before)
            turns = [
                (sensor, silent(rule.draft, s, began.timestamp(), now.timestamp())) for sensor, s in states.items()
            ]
            turned = [(sensor, turn) for sensor, turn in turns if turn is not None]
            rules.keep(rule.id, {sensor: states[sensor] for sensor, _ in turned})
            self._turned(tx, rule, turned, now)

    def _silent(self, rules: RuleStore, rule: StreamRule, before: float) -> dict[str, KeyState]:
        found = rules.quiet_ones(rule.id, before, _AT_ONCE)
        if rule.draft.sensors:
            known = rules.known(rule.id)
            found |= {sensor: KeyState() for sensor in rule.draft.sensors if sensor not in known}
        return found

    # What is written

    def _turned(self, tx: UnitOfWork, rule: StreamRule, turned: Iterable[tuple[str, Turn]], now: datetime) -> None:
        alerts, records = ReadingAlertStore(tx.connection), []
        lasting: Mapping[str, Any] = alerts.lasting(rule.id) if turned else {}
        for sensor, turn in turned:
            if turn.raised:
                records.append(self._raised(alerts, rule, sensor, turn, now))
            else:
                row = lasting.get(sensor) or alerts.lasting(rule.id, [sensor]).get(sensor)
                if row is not None:
                    self._end(alerts, row, at=moment(turn.at), note="", peak=turn.peak)
                    records.append(("mining.alert_clear", row.id, {}))
        for action, target, more in records:
            detail: dict[str, JsonValue] = {"org": rule.org_id, "rule": rule.id, **more}
            self.evidence.record(tx, SYSTEM, action, target=target, detail=detail)

    def _raised(
        self, alerts: ReadingAlertStore, rule: StreamRule, sensor: str, turn: Turn, now: datetime
    ) -> tuple[str, str, dict[str, JsonValue]]:
        quiet = rule.draft.is_quiet(now.astimezone(self.zone))
        alert_id = new_id("ral")
        values = {
            "id": alert_id,
            "rule_id": rule.id,
            "revision": rule.revision,
            "org_id": rule.org_id,
            "stream_id": rule.stream_id,
            "table_name": rule.table,
            "sensor": sensor,
            "severity": rule.draft.severity.value,
            "figure": turn.figure,
            "peak": turn.peak,
            "since": moment(turn.since),
            "raised_at": moment(turn.at),
            "seen_at": now,
            "told": not quiet,
        }
        alerts.raise_(values, PLATFORM, now)
        action = "mining.alert_hold_back" if quiet else "mining.alert_raise"
        return action, alert_id, {"severity": rule.draft.severity.value}

    def _tell(self, row: Any) -> None:
        with self.db.begin(counted=False) as tx:
            ReadingAlertStore(tx.connection).change(row.id, told=True)
            detail: dict[str, JsonValue] = {"org": row.org_id, "rule": row.rule_id, "severity": row.severity}
            self.evidence.record(tx, SYSTEM, "mining.alert_raise", target=row.id, detail=detail)
