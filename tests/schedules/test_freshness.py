"""Promises are kept an eye on: said once and before they break, and taken back when they are kept again."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from beijiang.access import PersonDraft, Role
from beijiang.ingest import AlertKind, CursorRange, FreshState, RunState, SyncDraft, SyncMode, Verdict
from beijiang.kit import SYSTEM, Denied, Invalid, NotFound, Text


def fresh(office: Any, table: str = "学生表") -> Any:
    return office.platform.freshness.freshness(office.steward, table)[0]


def test_a_promise_from_never_to_late_and_back(office: Any) -> None:
    platform, board = office.platform, office.platform.freshness
    told = board.promise(office.steward, "课程表", 24 * 60, grace_minutes=120)
    assert (told.state, told.promise.text.zh) == (FreshState.NEVER, "不旧于 1 天")
    platform.sources.run(office.steward, "课程表")
    office.settle()
    assert fresh(office, "课程表").state is FreshState.ON_TIME
    plan = office.plan("课程表", kind="daily", at=["10:00"])

    office.at("2025-09-26 11:10")
    platform.schedules.pause(office.steward, plan.id, "考试周")
    board.watch()
    one = fresh(office, "课程表")
    assert (one.state, [r.zh for r in one.reasons]) == (FreshState.DUE_SOON, ["李专员 暂停：考试周"])
    alert = platform.alerts.open()[AlertKind.FRESHNESS_DUE, "课程表"]
    assert "2025-09-26 12:00" in alert.text.zh
    assert "考试周" in alert.text.zh
    for _ in range(3):
        board.watch()
    assert len(platform.alerts.alerts(office.steward)) == 1, "said once, not every minute"

    office.at("2025-09-26 12:01")
    board.watch()
    assert {k for k, _ in platform.alerts.open()} == {AlertKind.FRESHNESS_LATE}
    assert fresh(office, "课程表").state is FreshState.LATE

    platform.schedules.resume(office.steward, plan.id)
    platform.sources.run(office.steward, "课程表")
    office.settle()
    board.watch()
    assert not platform.alerts.open()
    assert fresh(office, "课程表").state is FreshState.ON_TIME
    closed = platform.alerts.alerts(office.steward, closed=True)
    assert {a.kind for a in closed if a.subject == "课程表"} == {AlertKind.FRESHNESS_DUE, AlertKind.FRESHNESS_LATE}
    assert board.promise(office.steward, "课程表", 0).state is FreshState.NO_PROMISE
    with pytest.raises(Invalid):
        board.promise(office.steward, "课程表", -1)


def test_a_plan_that_runs_in_time_raises_no_alert_and_holidays_need_not_count(office: Any) -> None:
    platform, board = office.platform, office.platform.freshness
    office.at("2025-09-30 06:30")
    plan = office.plan("学生表", kind="working_days", at=["06:30"])
    platform.sources.run(office.steward, "学生表")
    office.settle()
    board.promise(office.steward, "学生表", 26 * 60, working_days=True)
    office.at("2025-10-08 20:00")
    office.tick()
    assert fresh(office).state is FreshState.ON_TIME, "nobody worked since the 30th"
    assert not platform.alerts.open()
    office.at("2025-10-09 06:30")
    office.tick()
    office.settle()
    assert [s.late_seconds for s in office.slots(plan)] == [0]
    office.at("2025-10-11 09:00")
    platform.schedules.pause(office.steward, plan.id)
    board.watch()
    assert fresh(office).state is FreshState.LATE, "Saturday the 11th was worked"
    board.promise(office.steward, "学生表", 0)
    board.watch()
    assert not platform.alerts.open()


def test_the_cycle_of_the_catalog_is_the_promise_where_none_is_made(office: Any) -> None:
    from beijiang.catalog import ResourceEdit

    platform = office.platform
    platform.sources.run(office.steward, "教师表")
    office.settle()
    platform.db.deliver_waiting()
    entry = platform.catalog.resource_for_table("教师表")
    platform.catalog.edit(office.steward, entry.id, ResourceEdit(update_cycle="2"))
    one = fresh(office, "教师表")
    assert (one.promise.origin, one.promise.text.zh, one.state) == ("catalog", "每日", FreshState.ON_TIME)
    office.later(days=1, hours=13)
    assert fresh(office, "教师表").state is FreshState.DUE_SOON, "half of the day of grace has passed"
    platform.catalog.edit(office.steward, entry.id, ResourceEdit(update_cycle="10"))
    assert fresh(office, "教师表").state is FreshState.NO_PROMISE


def test_who_sees_which_tables_and_alerts(office: Any) -> None:
    platform = office.platform
    people = {}
    for login, role, org in (
        ("shi", Role.BUREAU_REVIEWER, "bigdata"),
        ("wang", Role.STEWARD, "health"),
        ("fen", Role.ANALYST, "education"),
    ):
        try:
            people[login] = platform.access.actor_for_person(login)
        except NotFound:
            platform.access.add_person(
                SYSTEM, PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role}))
            )
            people[login] = platform.access.actor_for_person(login)
    platform.freshness.promise(office.steward, "班级表", 1)
    office.later(hours=3)
    platform.freshness.watch()
    (alert,) = platform.alerts.alerts(people["shi"])
    assert alert.kind is AlertKind.FRESHNESS_LATE
    assert {f.table for f in platform.freshness.freshness(people["shi"])} >= {"班级表"}
    assert platform.alerts.alerts(people["wang"]) == []
    platform.alerts.say(AlertKind.FRESHNESS_LATE, "卫生的表", "health", Text("已迟", "late"))
    assert [a.subject for a in platform.alerts.alerts(office.steward, limit=1)] == ["班级表"], "others take no place"
    assert [platform.alerts.unattended(people[who]) for who in ("shi", "wang")] == [2, 1]
    assert platform.freshness.freshness(people["wang"]) == []
    with pytest.raises(NotFound):
        platform.freshness.freshness(people["wang"], "班级表")
    with pytest.raises(NotFound):
        platform.alerts.acknowledge(people["wang"], alert.id)
    with pytest.raises(Denied):
        platform.freshness.freshness(people["fen"])
    with pytest.raises(Denied):
        platform.freshness.promise(people["shi"], "班级表", 60)
    assert platform.alerts.acknowledge(people["shi"], alert.id).acknowledged_by == "shi"
    assert platform.alerts.unattended(people["shi"]) == 1
    platform.freshness.promise(office.steward, "班级表", 0)
    platform.freshness.watch()


def test_a_part_is_read_again_after_a_preview_and_the_position_stays(office: Any) -> None:
    platform, sources = office.platform, office.platform.sources
    path = office.folder / "files" / "教育.db"
    with sqlite3.connect(path) as database:
        database.execute('CREATE TABLE IF NOT EXISTS "成绩" ("编号" TEXT PRIMARY KEY, "分" INTEGER, "更新" DATETIME)')
        database.executemany(
            'INSERT OR REPLACE INTO "成绩" VALUES (?, ?, ?)',
            [(str(n), n, f"2025-09-{n:02} 08:00:00") for n in range(1, 21)],
        )
    database.close()
    draft = SyncDraft(source_id="教育库", feed="成绩", table="成绩表", mode=SyncMode.INCREMENTAL, cursor="更新")
    sync = sources.take(SYSTEM, draft)
    sources.run(office.steward, "成绩表")
    office.settle()
    before = platform.tables.positions(SYSTEM, "成绩表")[sync.id]
    with sqlite3.connect(path) as database:  # a correction that forgot to move the time
        database.execute("""UPDATE "成绩" SET "分" = 100 WHERE "编号" IN ('5', '6')""")
    database.close()
    part = CursorRange("2025-09-05", "2025-09-07")
    plan = sources.plan(office.steward, "成绩表", part=part)
    assert (plan.rows, plan.start, plan.end) == (3, "2025-09-04 16:00:00.000000", "2025-09-07 15:59:59.999999")
    run_id = sources.run(office.steward, "成绩表", part=part)
    office.settle()
    run = platform.ingest.run(SYSTEM, run_id)
    assert run.state is RunState.COMMITTED, run.error
    assert (run.report["read"], run.report["rows_changed"], run.report["rows"]) == (3, 2, 20)
    assert sources.certificate(SYSTEM, run_id).verdict is Verdict.EQUAL
    assert platform.tables.positions(SYSTEM, "成绩表")[sync.id] == before
    for wrong in (CursorRange("昨天"), CursorRange("2025-09-07", "2025-09-05")):
        with pytest.raises(Invalid):
            sources.plan(office.steward, "成绩表", part=wrong)
    with pytest.raises(Invalid):
        sources.run(office.steward, "学生表", part=part)
    sources.leave(SYSTEM, sync.id)
