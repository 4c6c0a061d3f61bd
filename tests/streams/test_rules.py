"""Rules on a stream: judged in the path of the batch, alerts raised once, handled by people, seen through the gate."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from beijiang.evidence import EvidenceQuery
from beijiang.ingest import ArrivedBatch, Stream
from beijiang.kit import SYSTEM, Actor, BeijiangError, Conflict
from beijiang.mining import AlertQuery, AlertState, ReadingAlert, RuleDraft, RuleKind, Severity, StreamRule
from beijiang.mining.service.stream_rules.recalling import Recalling
from waiting import until

from .conftest import Site, key_of


def _rule(kind: RuleKind = RuleKind.THRESHOLD, **words: Any) -> RuleDraft:
    given = {"name": "高温", "key": "传感器", "time": "时间", "value": "温度", "level": 30.0, "clear": 28.0, **words}
    return RuleDraft(kind=kind, **given).checked()


def _send(site: Site, stream: Stream, *readings: tuple[str, datetime, float]) -> None:
    for sensor, at, value in readings:
        answer = site.post(stream, {"sensor": sensor, "at": at.isoformat(), "t": value, "n": 1})
        assert answer.status_code == 202, answer.text


def _alerts(site: Site, rule: StreamRule, **words: Any) -> list[ReadingAlert]:
    return site.platform.stream_rules.alerts(SYSTEM, AlertQuery(rule=rule.id, **words))


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _settled(site: Site, table: str, rows: int) -> None:
    until(lambda: site.count(table) >= rows)
    newest = site.platform.tables.get(SYSTEM, table).version
    until(lambda: (f := site.platform.protection.facts(table)) is not None and f.version >= newest)


@pytest.fixture(scope="module")
def steward(site: Site) -> Actor:
    key_of(site.platform, "duty", "ingest:source:read")
    return site.platform.access.actor_for_person("duty")


@pytest.fixture(scope="module")
def handled(site: Site, steward: Actor) -> tuple[StreamRule, ReadingAlert]:
    """Return a rule of the department's and the alert that it raised, which lasts."""
    stream = site.add("办", table="办")
    rule = site.platform.stream_rules.declare(steward, stream.id, _rule())
    _send(site, stream, ("甲", _now(), 31))
    _settled(site, "办", 1)
    return rule, until(lambda: site.platform.stream_rules.alerts(steward, AlertQuery(rule=rule.id)))[0]


def test_a_reading_beyond_the_level_raises_one_alert_and_its_return_ends_it(site: Site) -> None:
    stream = site.add("热", table="热")
    rules = site.platform.stream_rules
    rule = rules.declare(SYSTEM, stream.id, _rule(zh="{sensor} 达到 {value} 度"))
    at = _now() - timedelta(minutes=10)
    _send(site, stream, ("甲", at, 20), ("乙", at, 31), ("乙", at + timedelta(seconds=1), 32))
    _settled(site, "热", 3)
    (alert,) = until(lambda: _alerts(site, rule))
    assert (alert.sensor, alert.figure, alert.state) == ("乙", 31.0, AlertState.NEW)
    assert alert.text.zh == "乙 达到 31 度"
    assert alert.lasts
    _send(site, stream, ("乙", at + timedelta(seconds=9), 27))
    ended = until(lambda: [a for a in _alerts(site, rule) if not a.lasts])
    assert ended[0].id == alert.id
    assert ended[0].peak == 32.0
    assert ended[0].cleared_at == at + timedelta(seconds=9)
    assert [s.kind.value for s in rules.steps(SYSTEM, alert.id)] == ["raise", "clear"]


def test_late_readings_decide_nothing(site: Site) -> None:
    stream = site.add("迟", table="迟")
    rule = site.platform.stream_rules.declare(SYSTEM, stream.id, _rule())
    at = _now() - timedelta(hours=1)
    _send(site, stream, ("甲", at, 20))
    _settled(site, "迟", 1)
    _send(site, stream, ("甲", at - timedelta(minutes=5), 99))
    _settled(site, "迟", 2)
    assert _alerts(site, rule) == []
    assert site.platform.stream_rules.rule(SYSTEM, rule.id).late == 1


def test_a_batch_that_is_told_again_changes_nothing(site: Site) -> None:
    """What a process does that was killed between judging and committing, without the killing."""
    stream = site.add("再记", table="再记")
    rules = site.platform.stream_rules
    rule = rules.declare(SYSTEM, stream.id, _rule())
    told: list[ArrivedBatch] = []
    watch: Callable[[ArrivedBatch], None] = told.append
    site.platform.ingest.watches.append(type("Listener", (), {"hear": staticmethod(watch)})())
    try:
        _send(site, stream, ("甲", _now() - timedelta(minutes=1), 31))
        until(lambda: _alerts(site, rule))
        until(lambda: any(b.stream_id == stream.id for b in told))
    finally:
        site.platform.ingest.watches.pop()
    before = rules.rule(SYSTEM, rule.id)
    assert before.position == next(b for b in told if b.stream_id == stream.id).last

    def gone(columns: Any, after: int) -> Any:
        msg = f"the rows of {columns} after {after} were asked for again"
        raise AssertionError(msg)

    rules.hear(ArrivedBatch(stream_id=stream.id, table="再", last=before.position, rows=gone))
    assert rules.rule(SYSTEM, rule.id) == before
    assert len(_alerts(site, rule)) == 1


def test_what_another_process_judged_is_not_taken_from_memory(site: Site) -> None:
    """One process raises the alert, another ends it, and the first, which remembers that it lasts, raises the next."""
    stream = site.add("两处", table="两处")
    here = site.platform.stream_rules
    there = copy.copy(here)
    there._recalled = Recalling()
    rule = here.declare(SYSTEM, stream.id, _rule())
    begun = int((_now() - timedelta(minutes=5)).timestamp())
    for step, (judge, value) in enumerate(((here, 31.0), (there, 20.0), (here, 32.0), (here, 33.0)), 1):
        at = pa.array([(begun + step) * 1_000_000], pa.timestamp("us", "UTC"))
        rows = pa.table({"传感器": ["甲"], "时间": at, "温度": [value]})
        told = ArrivedBatch(
            stream_id=stream.id,
            table="两处",
            last=rule.position + step,
            rows=lambda names, _, rows=rows: rows.select(list(names)),
        )
        judge.hear(told)
    assert sorted(one.lasts for one in _alerts(site, rule)) == [False, True]


def test_a_silent_sensor_is_missed_by_the_clock_and_comes_back(site: Site) -> None:
    stream = site.add("静", table="静")
    rule = site.platform.stream_rules.declare(
        SYSTEM, stream.id, _rule(RuleKind.MISSING, name="失联", value="", silence=2, sensors=("甲", "从未来过"))
    )
    _send(site, stream, ("甲", _now(), 20), ("不相干", _now(), 20))
    _settled(site, "静", 2)
    missed = until(lambda: (f := _alerts(site, rule, lasting=True)) and len(f) == 2 and f)
    assert {a.sensor for a in missed} == {"甲", "从未来过"}
    _send(site, stream, ("甲", _now(), 20))
    until(lambda: [a for a in _alerts(site, rule, lasting=False) if a.sensor == "甲"])
    assert "没有读数" in missed[0].text.zh


def test_nobody_is_missed_while_the_stream_rests(site: Site) -> None:
    stream = site.add("歇", table="歇")
    rules = site.platform.stream_rules
    rule = rules.declare(SYSTEM, stream.id, _rule(RuleKind.MISSING, value="", silence=1, sensors=("甲",)))
    site.platform.streams.pause(SYSTEM, stream.id)
    until(lambda: stream.id in vars(rules).get("_listening", {}))  # a round has seen that it rests
    before = len(_alerts(site, rule))
    time.sleep(2.5)
    assert len(_alerts(site, rule)) == before


def test_quiet_hours_keep_it_back_and_tell_when_they_end(site: Site) -> None:
    stream = site.add("夜", table="夜")
    rules = site.platform.stream_rules
    local = datetime.now(rules.zone)
    quiet = f"{local - timedelta(minutes=5):%H:%M}-{local + timedelta(minutes=5):%H:%M}"
    rule = rules.declare(SYSTEM, stream.id, _rule(quiet=quiet))
    grave = rules.declare(SYSTEM, stream.id, _rule(quiet=quiet, severity=Severity.CRITICAL))
    _send(site, stream, ("甲", _now(), 31))
    _settled(site, "夜", 1)
    kept, told = until(lambda: _alerts(site, rule)), until(lambda: _alerts(site, grave))

    def said(alert: ReadingAlert) -> list[str]:
        return [r.action for r in site.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=alert.id)).records]

    assert said(kept[0]) == ["mining.alert_hold_back"]
    assert said(told[0]) == ["mining.alert_raise"]


def test_people_acknowledge_assign_close_and_open_again(
    site: Site, steward: Actor, handled: tuple[StreamRule, ReadingAlert]
) -> None:
    rules = site.platform.stream_rules
    rule, alert = handled
    stream = site.platform.streams.stream(steward, rule.stream_id)
    assert rules.unattended(steward) >= 1
    assert rules.acknowledge(steward, alert.id, "已电话核实").acknowledged_by == "duty"
    with pytest.raises(BeijiangError) as again:
        rules.acknowledge(steward, alert.id)
    assert again.value.reason == "reading_alert_moved"
    assert rules.assign(steward, alert.id, "runner", "请到场").assignee == "runner"
    with pytest.raises(BeijiangError) as nobody:
        rules.assign(steward, alert.id, "other")
    assert nobody.value.reason == "assignee_not_found"
    with pytest.raises(BeijiangError):
        rules.close(steward, alert.id, " ")
    assert rules.close(steward, alert.id, "误报").state is AlertState.CLOSED
    assert rules.reopen(steward, alert.id, "又冒烟").state is AlertState.ACKNOWLEDGED
    _send(site, stream, ("甲", _now() + timedelta(seconds=1), 20))
    until(lambda: rules.alert(steward, alert.id).state is AlertState.CLOSED)
    assert [(s.kind.value, s.note, s.to) for s in rules.steps(steward, alert.id)] == [
        ("raise", "", ""),
        ("acknowledge", "已电话核实", ""),
        ("assign", "请到场", "runner"),
        ("close", "误报", ""),
        ("reopen", "又冒烟", ""),
        ("clear", "", ""),
    ]
    assert "误报" not in rules.export(steward, AlertQuery()).decode("utf-8-sig")
    assert alert.id in rules.export(steward, AlertQuery(rule=rule.id)).decode("utf-8-sig")


def test_another_department_finds_nothing(site: Site, handled: tuple[StreamRule, ReadingAlert]) -> None:
    rules = site.platform.stream_rules
    stranger = site.platform.access.actor_for_person("other")
    rule, alert = handled
    assert rules.alerts(stranger) == []
    assert rules.rules(stranger) == []
    bodies = []
    for look in (lambda i: rules.alert(stranger, i), lambda i: rules.acknowledge(stranger, i)):
        for name in (alert.id, "ral_made_up"):
            with pytest.raises(BeijiangError) as refused:
                look(name)
            bodies.append((refused.value.reason, refused.value.text.zh))
    assert len(set(bodies)) == 1
    for name in (rule.id, "srl_made_up"):
        with pytest.raises(BeijiangError) as hidden:
            rules.stop_rule(stranger, name)
        assert hidden.value.reason == "stream_rule_not_found"


def test_a_trial_says_what_would_have_been_raised_and_raises_nothing(site: Site, steward: Actor) -> None:
    stream = site.add("试", table="试")
    at = _now() - timedelta(hours=3)
    for number, value in enumerate((20, 31, 33, 27, 30, 20)):
        _send(site, stream, ("甲", at + timedelta(minutes=number), value))
    _settled(site, "试", 6)
    rules = site.platform.stream_rules
    trial = rules.try_out(steward, stream.id, _rule())
    assert (trial.raised, trial.readings, trial.sensors, trial.truncated) == (2, 6, 1, False)
    assert [(a[0], a[1] - at, a[3]) for a in trial.alerts] == [
        ("甲", timedelta(minutes=1), 33.0),
        ("甲", timedelta(minutes=4), 30.0),
    ]
    gone = rules.try_out(steward, stream.id, _rule(RuleKind.MISSING, value="", silence=600))
    assert [(a[1] - at, a[2]) for a in gone.alerts] == [(timedelta(minutes=15), None)]
    assert rules.rules(steward, stream.id) == []
    assert rules.try_out(steward, stream.id, _rule(), days=0.01).readings == 0


def test_a_change_begins_a_revision_and_ends_what_lasts(site: Site, steward: Actor) -> None:
    stream = site.add("改", table="改")
    rules = site.platform.stream_rules
    rule = rules.declare(steward, stream.id, _rule())
    _send(site, stream, ("甲", _now(), 31))
    _settled(site, "改", 1)
    until(lambda: rules.alerts(steward, AlertQuery(rule=rule.id)))
    changed = rules.change(steward, rule.id, _rule(level=40.0, clear=35.0))
    assert changed.revision == 2
    assert not rules.alerts(steward, AlertQuery(rule=rule.id))[0].lasts
    assert rules.alerts(steward, AlertQuery(rule=rule.id))[0].level == 30.0
    assert not rules.stop_rule(steward, rule.id).active
    assert [r["revision"] for r in rules.revisions(steward, rule.id)] == [3, 2, 1]
    _send(site, stream, ("甲", _now() + timedelta(seconds=2), 99))
    _settled(site, "改", 2)
    assert len(rules.alerts(steward, AlertQuery(rule=rule.id))) == 1


def test_the_timeline_has_readings_thresholds_and_alerts(site: Site, steward: Actor) -> None:
    rules = site.platform.stream_rules
    stream = site.add("线", table="线")
    rule = rules.declare(steward, stream.id, _rule())
    _send(site, stream, ("甲", _now() - timedelta(seconds=9), 31), ("甲", _now(), 20))
    _settled(site, "线", 2)
    until(lambda: rules.alerts(steward, AlertQuery(rule=rule.id)))
    line = rules.timeline(steward, rule.id, "甲")
    assert [v for _, v in line.points] == [31.0, 20.0]
    assert [r.draft.level for r in line.rules] == [30.0]
    assert len(line.alerts) == 1


def test_alerts_become_a_governed_table(site: Site, steward: Actor) -> None:
    rules = site.platform.stream_rules
    stream = site.add("记", table="记")
    rules.declare(steward, stream.id, _rule())
    rules.record_into(steward, stream.id, "预警记录")
    with pytest.raises(BeijiangError) as taken:
        rules.record_into(steward, stream.id, "另一张")
    assert taken.value.reason == "table_exists"
    with pytest.raises(Conflict) as other:
        site.add("别", table="预警记录")
    assert other.value.reason == "table_is_made"
    second = site.add("再", table="再")
    at = _now()
    _send(site, stream, ("甲", at, 31))
    until(lambda: site.count("预警记录") == 1)
    _settled(site, "记", 1)  # an alert stands before its batch is in the table
    with pytest.raises(Conflict):
        rules.record_into(steward, second.id, "记")
    assert site.rows("预警记录", '"传感器", "触发时数值", "处理状态"') == [
        {"传感器": "甲", "触发时数值": 31.0, "处理状态": "待确认"}
    ]
    rules.acknowledge(steward, rules.alerts(steward, AlertQuery(stream=stream.id))[0].id)
    rules.write_records(at_once=True)
    assert site.rows("预警记录", '"处理状态"') == [{"处理状态": "处理中"}]
    version = site.platform.tables.get(SYSTEM, "预警记录").version
    rules.write_records(at_once=True)
    assert site.platform.tables.get(SYSTEM, "预警记录").version == version


def test_columns_that_do_not_fit_are_refused(site: Site, steward: Actor) -> None:
    stream = site.add("不合", table="不合")
    for words in ({"key": "没有"}, {"time": "温度"}, {"value": "传感器"}):
        with pytest.raises(BeijiangError) as refused:
            site.platform.stream_rules.declare(steward, stream.id, _rule(**words))
        assert refused.value.reason == "stream_rule_unfit"


def test_the_api_declares_tries_lists_and_acknowledges(site: Site) -> None:
    keeper = key_of(site.platform, "keeper", "mining:rule:manage", "mining:alert:read", "mining:alert:handle",
                    "ingest:source:read", "protection:rows:read_own")  # fmt: skip
    site.http.headers["Authorization"] = f"Bearer {keeper}"
    stream = site.add("接口", table="接口")
    said = {"name": "高温", "kind": "threshold", "key": "传感器", "time": "时间", "value": "温度", "level": 30}
    made = site.http.post("/api/v1/stream-rules", json={"stream": stream.id, "rule": said})
    assert made.status_code == 201, made.text
    rule = made.json()["id"]
    _send(site, stream, ("甲", _now(), 31))
    _settled(site, "接口", 1)
    site.http.headers["Authorization"] = f"Bearer {keeper}"
    (alert,) = until(lambda: site.http.get(f"/api/v1/reading-alerts?rule={rule}").json()["alerts"])
    assert alert["value"] == 31
    done = site.http.post(f"/api/v1/reading-alerts/{alert['id']}/acknowledge", json={"note": "看过"})
    assert done.json()["state"] == "acknowledged"
    assert [h["kind"] for h in site.http.get(f"/api/v1/reading-alerts/{alert['id']}").json()["history"]] == [
        "raise", "acknowledge",
    ]  # fmt: skip
    trial = site.http.post("/api/v1/stream-rules/trial", json={"stream": stream.id, "rule": said, "days": 1}).json()
    assert (trial["raised"], trial["readings"]) == (1, 1)
    line = site.http.get(f"/api/v1/stream-rules/{rule}/timeline?sensor=甲").json()
    assert [v for _, v in line["points"]] == [31]
    assert "甲" in site.http.get("/api/v1/reading-alerts/export").text
    assert site.http.put(f"/api/v1/stream-rules/{rule}", json={**said, "level": 40}).json()["revision"] == 2
    assert not site.http.post(f"/api/v1/stream-rules/{rule}/stop").json()["active"]
    del site.http.headers["Authorization"]


def test_people_are_told_and_the_notice_holds_no_value(site: Site, steward: Actor) -> None:
    stream = site.add("告", table="告")
    rules = site.platform.stream_rules
    rule = rules.declare(SYSTEM, stream.id, _rule())
    _send(site, stream, ("甲", _now(), 37.5))
    _settled(site, "告", 1)
    alert = until(lambda: rules.alerts(steward, AlertQuery(rule=rule.id)))[0]
    site.platform.notices.take()
    told = until(lambda: [n for n in site.platform.notices.notices(steward) if n.notice.thing == alert.id])
    assert told[0].seen is not None
    assert "37.5" in told[0].seen.title.zh
    assert told[0].seen.href == f"/console/reading-alerts/{alert.id}"
    assert "37.5" not in repr(told[0].notice)
