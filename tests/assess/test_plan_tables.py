"""The work plan as tables: one job writes what has changed, and each day; what nobody answers for is told; the application follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from fastapi.testclient import TestClient
from sqlalchemy import delete, insert, select
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.assess import PLAN_TABLES, PLAN_TABLES_JOB, Period, Stage, TaskState, ValueDraft
from beijiang.assess.commands import add_plan
from beijiang.assess.store import PlanTableStore
from beijiang.assess.store.schema import assess_figure_target
from beijiang.build import build
from beijiang.demo.applications import bundled
from beijiang.evidence import EvidenceQuery
from beijiang.ingest import AlertKind, IngestRequest
from beijiang.jobs import Job, JobState
from beijiang.kit import SYSTEM, Actor, Conflict, Denied, FixedClock, Language, NotFound
from beijiang.platform import Platform
from beijiang.settings import Settings
from statements import asked, takes_the_head_after
from waiting import until

START = datetime(2026, 3, 2, 2, tzinfo=UTC)
PASSWORD = "Steppe-under-a-wide-sky-26"


@dataclass
class Office:
    platform: Platform
    clock: FixedClock
    steward: Actor
    reviewer: Actor
    publisher: Actor
    stranger: Actor

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.platform.sql.run(self.steward, f'SELECT * FROM "{table}"').rows.to_pylist()
        return rows

    def catch_up(self) -> None:
        """Do what the minute does: look, and have the worker write what waits."""
        self.platform.plan_tables.watch()
        for job in self.writings():
            self.platform.jobs.wait(job.id)

    def writings(self) -> list[Job]:
        jobs = self.platform.jobs.jobs(SYSTEM, org_id="bigdata")
        return [job for job in jobs if job.name == PLAN_TABLES_JOB]

    def task(self, number: str) -> str:
        return next(one.task.id for one in self.platform.plan.tasks(self.reviewer) if one.task.number == number)

    def version(self, table: str) -> int:
        return self.platform.tables.get(SYSTEM, table).version

    def told(self, action: str) -> list[object]:
        """Return what the evidence says of each, the newest first."""
        self.platform.evidence.flush()
        return [one.detail["written"] for one in self.platform.evidence.page(EvidenceQuery(action=action)).records]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = FixedClock(START)
    built = build(Settings.for_tests(tmp_path), clock)
    built.first_start()
    people = {}
    for login, org, role in (
        ("steward", "bigdata", Role.STEWARD),
        ("reviewer", "bigdata", Role.BUREAU_REVIEWER),
        ("publisher", "bigdata", Role.BUREAU_PUBLISHER),
        ("stranger", "health", Role.STEWARD),
    ):
        draft = PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role}))
        _, code = built.access.add_person(SYSTEM, draft)
        built.access.change_password(built.access.sign_in(login, code, "tests").actor, code, PASSWORD)
        people[login] = built.access.actor_for_person(login)
    built.plan.load(people["reviewer"], plan="2026", since=date(2026, 1, 1), due_on=date(2026, 12, 31))
    built.figures.load_plan(people["reviewer"])
    built.jobs.start_worker()
    yield Office(built, clock, **people)
    built.close()


def test_tables_follow_each_change_and_each_day(office: Office) -> None:
    plan, tables = office.platform.plan, office.platform.plan_tables
    with pytest.raises(Denied):
        tables.record_into(office.reviewer)
    made = tables.record_into(office.steward, here=True)
    assert (made.org_id, made.written_at) == ("bigdata", START)
    rows = office.rows("督办任务")
    assert tuple(rows[0]) == tuple(PLAN_TABLES["督办任务"])
    assert len({row["任务编号"] for row in rows}) == 27
    mine = [row for row in rows if row["任务编号"] == "任务4.1"]
    assert ("自治区大数据局", "牵头", 0) in [(row["责任部门"], row["职责"], row["进度（%）"]) for row in mine]
    assert {row["职责"] for row in rows} == {"牵头", "配合"}
    before = {name: office.version(name) for name in PLAN_TABLES}

    # Nothing happened: nothing is written.
    tables.watch()
    assert {name: office.version(name) for name in PLAN_TABLES} == before

    # A report waits for no table: they are said to be stale at once, and written once for all that changed.
    plan.report(office.steward, office.task("4.1"), 30, "目录已编")
    office.clock.at += timedelta(seconds=20)
    plan.report(office.steward, office.task("4.1"), 40, "目录已发布")
    (kept,) = tables.sets(office.steward)
    assert (kept.stale_since, kept.written_at) == (office.clock.at, START)
    assert {name: office.version(name) for name in PLAN_TABLES} == before
    office.catch_up()
    assert {name: office.version(name) - before[name] for name in PLAN_TABLES} == dict.fromkeys(PLAN_TABLES, 1)
    assert [job.state for job in office.writings()] == [JobState.DONE, JobState.DONE], "the order and what came after"
    (kept,) = tables.sets(office.steward)
    assert (kept.stale_since, kept.written_at) == (None, office.clock.at)
    assert {row["进度（%）"] for row in office.rows("督办任务") if row["任务编号"] == "任务4.1"} == {40}
    told = [row for row in office.rows("督办进展") if row["事项"] == "报告进展"]
    assert [(row["任务编号"], row["说明"], row["进度（%）"], row["时间"]) for row in told] == [
        ("任务4.1", "目录已发布", 40, office.clock.at),
        ("任务4.1", "目录已编", 30, START),
    ]
    plan.report(office.steward, office.task("4.3"), 100, "已运行", ["https://example.org/acceptance"])
    plan.confirm(
        office.reviewer,
        office.task("4.3"),
        accept=True,
        seen=plan.task(office.reviewer, office.task("4.3")).shown.token,
    )
    office.catch_up()
    assert {row["亮灯"] for row in office.rows("督办任务") if row["任务编号"] == "任务4.3"} == {"已办结"}
    figures, code = office.platform.figures, "bigdata_industry_output_growth"
    assert {row["完成情况"] for row in office.rows("督办指标")} == {"未报送"}
    (value,) = figures.report(
        office.reviewer,
        [ValueDraft(code=code, period=Period.parse("2018"), value="26.4", stage=Stage.FINAL, source="统计")],
    )
    figures.decide(office.publisher, [value.id], approve=True, seen=dict(figures.figure(office.publisher, code).seen))
    office.catch_up()
    reached = {row["指标代码"]: (row["实际值"], row["完成情况"]) for row in office.rows("督办指标")}
    assert reached[code] == (26.4, "达标")


def test_tables_are_of_today(office: Office) -> None:
    office.platform.plan_tables.record_into(office.steward, here=True)
    task = office.task("4.3")
    office.platform.plan.report(office.steward, task, 100, "已运行", ["https://example.org/acceptance"])
    seen = office.platform.plan.task(office.reviewer, task).shown.token
    office.platform.plan.confirm(office.reviewer, task, accept=True, seen=seen)
    office.catch_up()

    # A day goes by without a change: days left and lights move, and the data are of that day.
    left = {row["剩余工作日"] for row in office.rows("督办任务")}
    before = {name: office.version(name) for name in PLAN_TABLES}
    office.clock.at += timedelta(days=1)
    office.catch_up()
    assert {row["剩余工作日"] + 1 for row in office.rows("督办任务")} == left
    assert {name: office.version(name) - before[name] for name in PLAN_TABLES} == dict.fromkeys(PLAN_TABLES, 1)
    office.clock.at = datetime(2027, 1, 20, 2, tzinfo=UTC)
    office.catch_up()
    assert {row["亮灯"] for row in office.rows("督办任务")} == {"红灯", "已办结"}
    written = office.writings()
    office.catch_up()
    assert office.writings() == written, "nothing changed and the day is the same: no job"


def test_a_list_that_became_empty_is_an_empty_table(office: Office) -> None:
    office.platform.plan_tables.record_into(office.steward, here=True)
    assert office.rows("督办指标")
    with office.platform.db.begin() as tx:
        tx.connection.execute(delete(assess_figure_target))
        PlanTableStore(tx.connection).mark(office.clock.at)
    office.catch_up()
    assert office.rows("督办指标") == []
    assert office.rows("督办任务")


def test_what_nobody_answers_for_is_told_and_taken_over(office: Office) -> None:
    access, tables, alerts = office.platform.access, office.platform.plan_tables, office.platform.alerts
    tables.record_into(office.steward, here=True)
    written = office.writings()
    access.disable_person(SYSTEM, office.steward.id, "调离")
    office.platform.plan.report(office.reviewer, office.task("4.1"), 40, "目录已发布")
    office.catch_up()
    assert office.writings() == written
    (kept,) = tables.sets(office.reviewer)
    assert kept.stale_since == START
    assert kept.trouble is not None
    assert "“steward”" in kept.trouble.zh
    assert "take them over" in kept.trouble.en
    (alert,) = [one for one in alerts.alerts(office.reviewer) if one.kind is AlertKind.PLAN_TABLES]
    assert (alert.org_id, alert.text, alert.kind.is_grave) == ("bigdata", kept.trouble, True)
    office.catch_up()
    assert [one.id for one in alerts.alerts(office.reviewer) if one.kind is AlertKind.PLAN_TABLES] == [alert.id]

    with pytest.raises(Denied):
        tables.take_over(office.stranger, "bigdata")
    draft = PersonDraft(login="next", name="next", org_id="bigdata", roles=frozenset({Role.STEWARD}))
    made, _ = access.add_person(SYSTEM, draft)
    heir = access.actor_for_person(made.login)
    with pytest.raises(NotFound):
        tables.take_over(SYSTEM, "health")
    kept = tables.take_over(heir, "bigdata", here=True)
    assert (kept.by_name, kept.stale_since, kept.trouble) == ("next", None, None)
    assert {
        r["进度（%）"]
        for r in office.platform.sql.run(heir, 'SELECT * FROM "督办任务"').rows.to_pylist()
        if r["任务编号"] == "任务4.1"
    } == {40}
    assert not [one for one in alerts.alerts(office.reviewer) if one.kind is AlertKind.PLAN_TABLES]
    assert office.told("assess.plan_tables") == [True, True]


def test_the_application_of_the_plan_follows(office: Office) -> None:
    office.platform.plan_tables.record_into(office.steward, here=True)
    apps, files = office.platform.apps, dict(bundled("work-plan"))
    found = apps.check(office.steward, files)
    assert found.good, [fault.line_in(1) for fault in found.faults]

    def shown(page: str, card: int, **asked: str) -> Any:
        got = apps.try_page(office.steward, files, page, asked).cards[card].data
        assert got is not None
        return got.rows

    assert shown("overview", 3)[0]["已办结"] == 0
    task = office.task("4.3")
    office.platform.plan.report(office.steward, task, 100, "已运行", ["https://example.org/acceptance"])
    seen = office.platform.plan.task(office.reviewer, task).shown.token
    assert office.platform.plan.confirm(office.reviewer, task, accept=True, seen=seen).state is TaskState.DONE
    office.catch_up()
    assert shown("overview", 3)[0]["已办结"] == 1
    assert shown("record", 2, task="任务4.3")[0]["情况"].startswith("任务4.3")
    assert shown("record", 2, task="任务4.3")[0]["时间"].isoformat() == "2026-03-02T10:00:00", (
        "as the clocks of the region say"
    )
    before = {row["任务编号"] for row in shown("record", 1)}
    office.clock.at = datetime(2027, 1, 20, 2, tzinfo=UTC)
    office.catch_up()
    reminded = {row["任务编号"] for row in shown("record", 1)}
    assert before < reminded, "the reminder asks the same query"
    assert len(reminded) == 26
    view = apps.try_page(office.steward, files, "overview", {})
    assert not view.cards[0].old, "written today"


def test_one_writer_that_says_so_and_can_be_stopped(office: Office) -> None:
    tables = office.platform.plan_tables
    tables.record_into(office.steward, here=True)
    with pytest.raises(Conflict) as again:
        tables.record_into(office.stranger)
    assert again.value.reason == "table_exists"
    (writer,) = office.platform.tables.writers_of("督办任务")
    assert (writer.kind.value, writer.org_id) == ("plan", "bigdata")
    landed = office.platform.settings.home / "督办任务.csv"
    landed.write_text("任务编号\n1\n", encoding="utf-8")
    sent = office.platform.ingest.land(office.steward, landed, landed.name, "bigdata")
    request = IngestRequest(files=(sent.sha256,), into="督办任务", org_id="bigdata")
    with pytest.raises(Conflict, match=r"is filled by the work plan .* on the page of the plan"):
        office.platform.ingest.submit(office.steward, request)
    with pytest.raises(Denied):
        tables.stop(office.stranger, "bigdata", "不归我管")
    tables.stop(office.steward, "bigdata", "改用导出文件")
    assert not tables.sets(office.stranger)
    held = office.rows("督办任务")
    office.platform.plan.report(office.steward, office.task("4.1"), 40, "目录已发布")
    office.catch_up()
    assert office.rows("督办任务") == held, "what is there stays"
    with pytest.raises(NotFound):
        tables.stop(office.steward, "bigdata", "再停一次")
    assert office.told("assess.plan_tables") == [False, True]
    tables.record_into(office.steward, here=True)
    assert office.rows("督办任务") != held, "the tables that were the plan's are written on"


def test_tables_that_were_cut_off_hold_what_the_plan_says(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    tables, db = office.platform.plan_tables, office.platform.db
    tables.record_into(office.steward, here=True)
    before = office.rows("督办指标")
    assert before
    with db.begin() as tx:
        targets = [dict(row._mapping) for row in tx.connection.execute(select(assess_figure_target))]
        tx.connection.execute(delete(assess_figure_target))
        PlanTableStore(tx.connection).mark(office.clock.at)
    with monkeypatch.context() as cut:  # as a process that dies when the tables are written and nothing is noted yet
        cut.setattr(PlanTableStore, "note", _die)
        with pytest.raises(_Died):
            tables.work(cast("Any", None), {"org": "bigdata"})
    assert office.rows("督办指标") == []
    with db.begin() as tx:
        tx.connection.execute(insert(assess_figure_target), targets)
        PlanTableStore(tx.connection).mark(office.clock.at)
    office.catch_up()
    assert office.rows("督办指标") == before


@pytest.mark.parametrize("written", [0, 1, 2])
def test_the_newer_rows_stay_where_two_write_at_a_time(
    office: Office, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """One falls silent after some of its tables; another writes all; what the first still has is not written over it."""
    tables, commit, done = office.platform.plan_tables, office.platform.tables.commit, []
    tables.record_into(office.steward, here=True)
    office.platform.plan.report(office.steward, office.task("4.1"), 40, "目录已发布")

    def late(*asked: Any) -> Any:
        """Let another come first who has seen a later report, and end before this one writes the next table."""
        done.append(asked[1].table)
        if len(done) > written:
            monkeypatch.undo()
            office.platform.plan.report(office.steward, office.task("4.1"), 60, "目录已更新")
            assert tables.work(cast("Any", None), {"org": "bigdata"}) == {"written": True}
        return commit(*asked)

    monkeypatch.setattr(office.platform.tables, "commit", late)
    tables.work(cast("Any", None), {"org": "bigdata"})
    assert len(done) == written + 1
    assert {row["进度（%）"] for row in office.rows("督办任务") if row["任务编号"] == "任务4.1"} == {60}
    (kept,) = tables.sets(office.steward)
    assert (kept.stale_since, kept.trouble) == (None, None)


def test_one_that_dies_after_another_wrote_leaves_the_others_rows(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, commit = office.platform.plan_tables, office.platform.tables.commit
    tables.record_into(office.steward, here=True)
    office.platform.plan.report(office.steward, office.task("4.1"), 40, "目录已发布")

    def late(*asked: Any) -> Any:
        monkeypatch.undo()
        office.platform.plan.report(office.steward, office.task("4.1"), 60, "目录已更新")
        assert tables.work(cast("Any", None), {"org": "bigdata"}) == {"written": True}
        with pytest.raises(Conflict):
            commit(*asked)
        raise _Died

    monkeypatch.setattr(office.platform.tables, "commit", late)
    with pytest.raises(_Died):
        tables.work(cast("Any", None), {"org": "bigdata"})
    assert {row["进度（%）"] for row in office.rows("督办任务") if row["任务编号"] == "任务4.1"} == {60}
    (kept,) = tables.sets(office.steward)
    assert kept.stale_since is not None, "they are looked at once more"
    with office.platform.db.begin() as tx:
        store = PlanTableStore(tx.connection)
        assert store.begin("bigdata", "", "writing_1")
        assert not store.begin("bigdata", "", "writing_2"), "one at a time"


def test_the_head_of_the_evidence_is_taken_last(office: Office) -> None:
    """Whoever queues a job takes its key first: in another order two would wait for each other."""
    tables, db = office.platform.plan_tables, office.platform.db
    with asked(db) as said:
        tables.record_into(office.steward)
    assert takes_the_head_after(said, "job")
    with asked(db) as said:
        tables.take_over(office.steward, "bigdata")
    assert takes_the_head_after(said, "plan_table_set")
    with asked(db) as said:
        office.platform.plan.report(office.steward, office.task("4.1"), 40, "目录已发布")
    assert takes_the_head_after(said, "plan_table_set")


def test_the_terminal_writes_them_itself_where_no_worker_runs(office: Office) -> None:
    tables = office.platform.plan_tables
    office.platform.jobs.stop()
    office.platform.plan_tables.record_into(office.steward, here=True)
    (kept,) = tables.sets(office.steward)
    assert (kept.stale_since, kept.written_at) == (None, START), "this process worked it off"
    with office.platform.db.begin() as tx:
        assert PlanTableStore(tx.connection).hand_over("bigdata", office.steward, office.clock.at)
    (kept,) = tables.sets(office.steward)
    assert kept.stale_since == START, "who answers now has them written anew"
    tables.watch()
    (job,) = [one for one in office.writings() if not one.ended]
    office.platform.jobs.run_inline(job.id)
    (kept,) = tables.sets(office.steward)
    assert kept.stale_since is None


def test_no_alert_is_raised_for_tables_that_were_stopped_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, plan = office.platform.plan_tables, office.platform.plan
    tables.record_into(office.steward, here=True)
    plan.report(office.steward, office.task("4.1"), 40, "目录已发布")
    read = plan.tasks

    def stopped(actor: Actor) -> Any:
        monkeypatch.undo()
        tables.stop(office.steward, "bigdata", "改用导出文件")
        return read(actor)

    held = office.rows("督办任务")
    monkeypatch.setattr(plan, "tasks", stopped)
    assert tables.work(cast("Any", None), {"org": "bigdata"}) == {"written": False}
    assert office.rows("督办任务") == held

    tables.record_into(office.steward, here=True)
    plan.report(office.steward, office.task("4.1"), 50, "目录已更新")

    def refused(actor: Actor) -> Any:
        stopped(actor)
        raise Conflict("不行", "No")

    monkeypatch.setattr(plan, "tasks", refused)
    with pytest.raises(Conflict):
        tables.work(cast("Any", None), {"org": "bigdata"})
    assert not [one for one in office.platform.alerts.alerts(office.reviewer) if one.kind is AlertKind.PLAN_TABLES]


def test_no_alert_is_raised_for_tables_that_were_written_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, plan = office.platform.plan_tables, office.platform.plan
    tables.record_into(office.steward, here=True)
    plan.report(office.steward, office.task("4.1"), 40, "目录已发布")

    def late(actor: Actor) -> Any:
        """Let another write them first, and then run into something."""
        monkeypatch.undo()
        office.clock.advance(timedelta(minutes=2))
        assert tables.work(cast("Any", None), {"org": "bigdata"}) == {"written": True}
        raise Conflict(f"{actor.name}不行", "No")

    monkeypatch.setattr(plan, "tasks", late)
    with pytest.raises(Conflict):
        tables.work(cast("Any", None), {"org": "bigdata"})
    (kept,) = tables.sets(office.steward)
    assert (kept.stale_since, kept.trouble, kept.written_at) == (None, None, office.clock.at)
    assert not [one for one in office.platform.alerts.alerts(office.reviewer) if one.kind is AlertKind.PLAN_TABLES]


def test_rows_that_were_read_before_midnight_are_of_that_day(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    tables, targets = office.platform.plan_tables, office.platform.figures.figures
    office.clock.at = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)  # one minute to midnight in the region

    def slow(actor: Actor) -> Any:
        monkeypatch.undo()
        office.clock.advance(timedelta(minutes=2))
        return targets(actor)

    monkeypatch.setattr(office.platform.figures, "figures", slow)
    made = tables.record_into(office.steward, here=True)
    assert (made.stale_since, made.written_at) == (None, office.clock.at - timedelta(minutes=2))
    before = {row["剩余工作日"] for row in office.rows("督办任务") if row["任务编号"] == "任务4.1"}
    office.catch_up()
    (kept,) = tables.sets(office.steward)
    assert kept.written_at == office.clock.at
    after = {row["剩余工作日"] for row in office.rows("督办任务") if row["任务编号"] == "任务4.1"}
    assert after == {days - 1 for days in before}


class _Died(BaseException):
    """The process ends here."""


def _die(*_asked: Any) -> None:
    raise _Died


def _with(page: str, words: str) -> str:
    return page if words in page else ""


def test_by_api_and_console(office: Office) -> None:
    origin = "https://testserver"
    with TestClient(
        create_app(office.platform), base_url=origin, headers={"Origin": origin}, follow_redirects=False
    ) as client:
        client.post("/console/sign-in", data={"login": "steward", "password": PASSWORD})
        page = client.get("/console/plan").text
        assert "写入本部门的数据表" in page
        token = {"_csrf": page.split('<meta name="csrf" content="')[1].split('"')[0]}
        sent = {"x-csrf-token": token["_csrf"]}
        assert client.post("/console/plan-tables", data=token).status_code == 303
        page = until(lambda: _with(client.get("/console/plan").text, "最近写入"))
        assert "/console/plan-tables/bigdata/stop" in page
        assert "Written into tables" in client.get("/console/plan?lang=en").text
        (one,) = until(lambda: [one for one in client.get("/api/v1/plan/tables").json() if not one["stale_since"]])
        assert (one["org_id"], one["tables"], one["written_at"]) == ("bigdata", list(PLAN_TABLES), START.isoformat())
        assert (one["stale_since"], one["trouble"]) == (None, None)
        office.platform.plan.report(office.steward, office.task("4.1"), 40, "目录已发布")
        assert "changes wait since" in client.get("/console/plan").text
        assert client.post("/console/plan-tables/bigdata/take-over", data=token).status_code == 303
        until(lambda: "changes wait since" not in client.get("/console/plan").text)
        office.platform.plan.report(office.steward, office.task("4.1"), 50, "目录已更新")
        (one,) = client.get("/api/v1/plan/tables").json()
        assert one["stale_since"] == START.isoformat()
        taken = client.post("/api/v1/plan/tables/bigdata/take-over", headers=sent)
        assert (taken.status_code, taken.json()["org_id"]) == (200, "bigdata")
        until(lambda: [one for one in client.get("/api/v1/plan/tables").json() if not one["stale_since"]])
        assert client.post("/api/v1/plan/tables/bigdata/stop", json={"reason": ""}, headers=sent).status_code == 422
        assert (
            client.post("/console/plan-tables/bigdata/stop", data={"reason": "换一种办法", **token}).status_code == 303
        )
        assert client.get("/api/v1/plan/tables").json() == []
        again = client.post("/api/v1/plan/tables", headers=sent)
        assert again.status_code < 300, "the tables that were the plan's are written on"
        refused = client.post("/api/v1/plan/tables", headers=sent)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "table_exists")


def test_by_the_terminal(office: Office) -> None:
    group, platform = typer.Typer(), office.platform
    add_plan(group, lambda: platform.plan, lambda: platform.plan_tables, lambda: platform.access)

    def run(*words: str) -> Any:
        done = CliRunner().invoke(group, ["plan", *words, "--as", "steward"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        lines = [line for line in done.output.splitlines() if line.startswith("[")]
        return json.loads(lines[-1]) if lines else done.output

    terminal.set_style(as_json=True, language=Language.EN)
    try:
        assert run("tables") == []
        (made,) = run("record")
        assert (made["org_id"], made["by"]) == ("bigdata", "steward")
        assert run("tables") == [made]
        assert run("take-over", "bigdata") == [made]
        run("unrecord", "bigdata", "--reason", "换一种办法")
        assert run("tables") == []
    finally:
        terminal.set_style(as_json=False, language=Language.ZH)
