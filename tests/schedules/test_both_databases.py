"""What is due runs once, in order, and few at a time, whoever looks at the clock; on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from beijiang.build import build
from beijiang.ingest import QuietWindow, RunState, SlotState, SourceLimits, SyncDraft
from beijiang.kit import SYSTEM, Conflict, FixedClock, Invalid


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_every_moment_runs_once_and_the_run_says_by_which_schedule(office: Any) -> None:
    schedule = office.plan("学生表", kind="daily", at=["06:30"])
    assert schedule.text.zh == "每天 06:30"
    office.tick()
    assert office.slots(schedule) == [], "not due yet"
    office.at("2025-09-26 06:30")
    office.tick()
    office.tick()
    office.settle()
    (slot,) = office.slots(schedule)
    assert (slot.state, slot.late_seconds, slot.missed, slot.attempt) == (SlotState.DONE, 0, 0, 1)
    run = office.platform.ingest.run(SYSTEM, slot.run_id)
    assert run.state is RunState.COMMITTED
    assert run.actor_name == "李专员（计划）"
    version = office.platform.tables.history(SYSTEM, "学生表")[0]
    assert "按计划：每天 06:30" in version.reason
    office.at("2025-09-27 06:31")
    office.tick()
    office.settle()
    assert [s.state for s in office.slots(schedule)] == [SlotState.DONE, SlotState.DONE]


def test_a_chain_follows_success_and_no_circle_is_taken(office: Any) -> None:
    platform = office.platform
    first, second = platform.sources.sync(SYSTEM, "学生表"), platform.sources.sync(SYSTEM, "教师表")
    both = office.plan("学校表", kind="after", after=["学生表", "教师表"])
    assert both.text.zh == "“学生表”“教师表”都取数成功之后"
    last = office.plan("班级表", kind="after", after=["学校表"])
    with pytest.raises(Conflict) as circle:
        office.plan("学生表", kind="after", after=["班级表"])
    assert circle.value.reason == "schedule_cycle"
    assert "学校表" in circle.value.text.zh
    with pytest.raises(Conflict):
        office.plan("课程表", kind="after", after=["课程表"])

    platform.sources.run(office.steward, first.id)
    office.settle()
    assert office.slots(both) == [], "one of two is not enough"
    assert platform.schedules.waits(office.steward, both.id).zh == "等待“教师表”取数成功"
    platform.sources.run(office.steward, second.id)
    for _ in range(4):
        office.settle()
    assert [s.state for s in office.slots(both)] == [SlotState.DONE]
    assert [s.state for s in office.slots(last)] == [SlotState.DONE]
    office.tick()
    assert len(office.slots(both)) == 1

    other = platform.sources.take(SYSTEM, SyncDraft(source_id="教育库", feed="课程", table="课程又表"))
    orphan = office.plan("课程表", kind="after", after=["课程又表"])
    platform.sources.leave(SYSTEM, other.id)
    office.tick()
    assert "已被删除" in platform.schedules.schedule(SYSTEM, orphan.id).rests.zh


def test_few_runs_of_a_source_at_once_also_by_hand_and_each_says_why_it_waits(office: Any) -> None:
    platform = office.platform
    platform.schedules.set_limits(office.steward, "教育库", SourceLimits(at_once=1))
    platform.jobs.stop()  # nothing begins before all of them are there
    runs = [platform.sources.run(office.steward, t) for t in ("学生表", "教师表", "学校表")]
    again = platform.sources.run(office.steward, "学生表", whole=True)
    notes: set[str] = set()
    jobs = [platform.ingest.run(SYSTEM, r).job_id for r in [*runs, again]]
    most = 0
    platform.jobs.start_worker()
    while any(not platform.ingest.run(SYSTEM, r).ended for r in [*runs, again]):
        most = max(most, len(platform.schedules.turns.running(platform.sources.sync(SYSTEM, "学生表").source_id)))
        for run in [*runs, again]:
            found = platform.ingest.run(SYSTEM, run)
            if found.state is RunState.QUEUED:
                notes.add(found.progress["note"]["zh"])
        time.sleep(0.05)
    assert most == 1
    assert "等待：该数据源已有 1 个任务在运行（上限 1）" in notes
    for job in jobs:
        assert platform.jobs.wait(job, timeout=240).ended
    platform.schedules.set_limits(office.steward, "教育库", SourceLimits())
    for wrong in (SourceLimits(at_once=0), SourceLimits(quiet=(QuietWindow(start="8:00", end="09:00"),))):
        with pytest.raises(Invalid):
            platform.schedules.set_limits(office.steward, "教育库", wrong)


def test_two_dispatchers_on_one_database_begin_each_moment_once(office: Any) -> None:
    """Two platforms over the same home and database look at the same moment again and again, all at once."""
    clocks = [FixedClock(office.clock.at) for _ in range(1)]
    others = [build(office.platform.settings, clock) for clock in clocks]
    plans = [office.plan(t, kind="every", minutes=1) for t in ("学生表", "教师表")]
    try:
        for minute in range(1, 5):
            for clock in (office.clock, *clocks):
                clock.at = office.clock.at.replace(minute=minute)
            gate = threading.Barrier(4)

            def look(platform: Any, gate: threading.Barrier = gate) -> None:
                gate.wait()
                platform.dispatcher.tick()

            threads = [threading.Thread(target=look, args=(p,)) for p in (office.platform, *others) * 2]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            office.settle()
        for plan in plans:
            slots = office.slots(plan)
            assert [s.at.minute for s in slots] == [1, 2, 3, 4]
            assert [s.number for s in slots] == [1, 2, 3, 4]
            assert len({s.run_id for s in slots}) == 4
            assert {s.state for s in slots} == {SlotState.DONE}
    finally:
        for other in others:
            other.close()
