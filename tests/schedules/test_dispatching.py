"""What was missed, joined, refused or tried again: every moment of a schedule says what became of it."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from beijiang.access import Role
from beijiang.evidence import EvidenceQuery
from beijiang.ingest import AlertKind, QuietWindow, RunState, SlotState, SourceLimits
from beijiang.kit import SYSTEM, Denied
from beijiang.tables import TableWriter, WriterKind
from waiting import until


def test_what_was_missed_runs_once_and_is_told_as_late(office: Any) -> None:
    schedule = office.plan("学生表", kind="every", minutes=60)
    office.at("2025-09-26 13:10")
    office.tick()
    office.settle()
    office.tick()
    (slot,) = office.slots(schedule)
    assert (slot.at.hour, slot.missed) == (3, 26), "11:00 of the day before, and 26 more until 13:00"
    assert slot.late_seconds == 26 * 3600 + 600
    assert office.platform.schedules.schedule(SYSTEM, schedule.id).next_at.hour == 6


def test_around_national_day_with_its_make_up_days(office: Any) -> None:
    schedule = office.plan("学生表", kind="working_days", at=["06:30"])
    found = office.platform.schedules.preview(office.steward, schedule.timing, 6)
    days = [m.astimezone(office.platform.schedules.zone).strftime("%m-%d") for m in found.moments]
    assert days == ["09-26", "09-28", "09-29", "09-30", "10-09", "10-10"], "Sunday the 28th makes up, the holidays rest"
    assert (found.text.zh, found.text.en, found.provisional) == (
        "每个工作日 06:30",
        "every working day at 06:30",
        False,
    )
    first = office.plan("教师表", kind="month_working_day", days=[1, -1], at=["08:00"])
    found = office.platform.schedules.preview(office.steward, first.timing, 3)
    days = [m.astimezone(office.platform.schedules.zone).strftime("%m-%d") for m in found.moments]
    assert days == ["09-30", "10-09", "10-31"]


def test_a_clock_that_jumps_repeats_nothing_and_stops_nothing(office: Any) -> None:
    schedule = office.plan("学生表", kind="every", minutes=60)
    office.at("2025-09-25 11:00")
    office.tick()
    office.settle()
    office.at("2025-09-25 10:00")
    office.tick()
    office.at("2025-09-25 11:00")
    office.tick()
    office.settle()
    assert len(office.slots(schedule)) == 1, "the hour that came twice ran once"
    office.at("2025-09-25 13:00")
    office.tick()
    office.settle()
    assert [s.missed for s in office.slots(schedule)] == [0, 1]
    office.at("2029-01-01 00:00")
    office.tick()
    office.settle()
    office.at("2025-09-25 14:00")
    office.tick()
    office.at("2025-09-25 15:00")
    office.tick()
    office.settle()
    assert office.slots(schedule)[-1].at.astimezone(office.platform.schedules.zone).hour == 15, "back in the present"


def test_a_run_that_goes_on_counts_for_the_next_moment_too(office: Any) -> None:
    schedule = office.plan("学生表", kind="every", minutes=1)
    window = QuietWindow(start="09:00", end="12:00")
    office.platform.schedules.set_limits(office.steward, "教育库", SourceLimits(quiet=(window,)))
    for minute in (1, 2, 3):
        office.at(f"2025-09-25 10:0{minute}")
        office.tick()
    assert [s.state for s in office.slots(schedule)] == [SlotState.RUNNING, SlotState.JOINED, SlotState.JOINED]
    (waiting,) = office.open_runs()
    until(lambda: office.platform.ingest.run(SYSTEM, waiting.id).progress["note"]["zh"])
    note = office.platform.ingest.run(SYSTEM, waiting.id).progress["note"]
    assert note["zh"] == "等待：该数据源在 09:00—12:00 不读取，09-25 12:00 开始"
    office.platform.schedules.pause(office.steward, schedule.id, "考试周")
    office.at("2025-09-25 12:00")
    office.settle()
    assert office.slots(schedule)[0].state is SlotState.DONE
    office.platform.schedules.set_limits(office.steward, "教育库", SourceLimits())


def test_pause_resume_and_run_now(office: Any) -> None:
    schedules = office.platform.schedules
    schedule = office.plan("学生表", kind="every", minutes=30)
    paused = schedules.pause(office.steward, schedule.id, "系统割接")
    assert paused.rests.zh == "李专员 暂停：系统割接"
    office.at("2025-09-25 18:00")
    office.tick()
    assert office.slots(schedule) == []
    resumed = schedules.resume(SYSTEM, schedule.id)
    assert (resumed.paused, resumed.owner_name) == (None, "平台")
    office.tick()
    assert office.slots(schedule) == [], "what passed meanwhile is not made up for"
    run_id = schedules.run_now(office.steward, schedule.id)
    office.settle()
    assert office.platform.ingest.run(SYSTEM, run_id).state is RunState.COMMITTED
    office.at("2025-09-25 18:30")
    office.tick()
    office.settle()
    (slot,) = office.slots(schedule)
    run = office.platform.ingest.run(SYSTEM, slot.run_id)
    assert (slot.state, run.actor_name) == (SlotState.DONE, "平台（计划）"), run.error


def test_a_table_that_something_else_fills_stops_the_schedule_and_it_is_said_once(office: Any) -> None:
    platform = office.platform
    schedule = office.plan("学生表", kind="every", minutes=30)
    wired = platform.tables.writers
    maker = TableWriter(WriterKind.RECIPE, "rcp_1", "学生净表", "education")
    platform.tables.writers = (lambda table: maker if table == "学生表" else None,)  # as after an upgrade
    try:
        office.later(minutes=31)
        for _ in range(3):
            office.tick()
            office.later(seconds=2)
        stopped = platform.schedules.schedule(SYSTEM, schedule.id)
        assert stopped.paused["stopped"] is True
        assert "学生净表" in stopped.rests.zh
        assert office.slots(schedule) == []
        alerts = platform.alerts.open()
        assert "学生净表" in alerts[AlertKind.SCHEDULE_STOPPED, schedule.id].text.zh
        told = platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=schedule.id)).records
        assert [one.action for one in told].count("ingest.schedule_stop") == 1
    finally:
        platform.tables.writers = wired
    platform.schedules.resume(office.steward, schedule.id)
    assert not platform.alerts.open()


def test_an_owner_who_lost_the_right_stops_the_schedule_and_it_is_said(office: Any) -> None:
    platform = office.platform
    schedule = office.plan("学生表", kind="every", minutes=30)
    platform.access.set_roles(SYSTEM, office.steward.id, frozenset({Role.ANALYST}))
    try:
        office.at("2025-09-25 10:30")
        office.tick()
        stopped = platform.schedules.schedule(SYSTEM, schedule.id)
        assert stopped.paused["stopped"] is True
        assert "李专员”已无权运行" in stopped.rests.zh
        assert office.slots(schedule) == []
        alerts = platform.alerts.open()
        assert "李专员" in alerts[AlertKind.SCHEDULE_STOPPED, schedule.id].text.zh
        with pytest.raises(Denied):
            platform.schedules.resume(platform.access.actor_for_person("li"), schedule.id)
    finally:
        platform.access.set_roles(SYSTEM, office.steward.id, frozenset({Role.STEWARD}))
    platform.schedules.resume(office.steward, schedule.id)
    assert not platform.alerts.open()


def test_a_passing_trouble_is_tried_again_and_a_lasting_one_is_not(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "beijiang.ingest.service.fetching._PAUSES", (0.0,)
    )  # the pauses inside one run are not the subject
    platform = office.platform
    path = office.folder / "files" / "教育.db"
    schedule = office.plan("学生表", kind="daily", at=["11:00"], retries=2)
    locked = _lock(path)
    try:
        office.at("2025-09-25 11:00")
        office.tick()
        office.settle()
    finally:
        locked()
    (slot,) = office.slots(schedule)
    assert slot.state is SlotState.RETRY, (slot, office.runs()[0].error)
    pause = (slot.retry_at - office.clock.at).total_seconds()
    assert 60 <= pause <= 75
    office.later(seconds=59)
    office.tick()
    assert office.slots(schedule)[0].attempt == 1
    office.later(seconds=20)
    office.tick()
    office.settle()
    (slot,) = office.slots(schedule)
    assert (slot.state, slot.attempt) == (SlotState.DONE, 2)

    path.rename(path.with_suffix(".away"))
    try:
        office.at("2025-09-26 11:00")
        office.tick()
        office.settle()
    finally:
        path.with_suffix(".away").rename(path)
    slot = office.slots(schedule)[-1]
    assert (slot.state, slot.attempt) == (SlotState.FAILED, 1), "a file that is gone does not come back by asking"
    alert = platform.alerts.open()[AlertKind.RUN_FAILED, "学生表"]
    seen = platform.alerts.acknowledge(office.steward, alert.id, "已联系供方")
    assert (seen.acknowledged_by, seen.answer) == ("李专员", "已联系供方")
    office.at("2025-09-27 11:00")
    office.tick()
    office.settle()
    assert not platform.alerts.open(), "a success closes it"


def _lock(path: Any) -> Any:
    """Hold a file as a program does that writes for long."""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    def release() -> None:
        holder.rollback()
        holder.close()

    return release
