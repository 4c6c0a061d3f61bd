"""Schedules in the console: chosen in plain words, previewed, saved, rested; the board and the bell tell what is late."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from beijiang.ingest import SourceDraft, SyncDraft
from beijiang.kit import SYSTEM
from beijiang.outbound import Target


@pytest.fixture(scope="module")
def syncs(office: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("files")
    with sqlite3.connect(folder / "教育.db") as database:
        for table in ("学生", "教师"):
            database.execute(f'CREATE TABLE "{table}" ("编号" TEXT PRIMARY KEY, "更新" DATETIME)')
            database.execute(f"""INSERT INTO "{table}" VALUES ('1', '2026-01-01 08:00:00')""")
    database.close()
    office.sources.allow(SYSTEM, Target(folder=str(folder)), "教育局的文件")
    path = {"path": str(folder / "教育.db")}
    office.sources.add(SYSTEM, SourceDraft(name="教育库", kind="sqlite", org_id="education", options=path))
    yield {
        t: office.sources.take(SYSTEM, SyncDraft(source_id="教育库", feed=t, table=f"{t}表")) for t in ("学生", "教师")
    }
    office.sources.remove(SYSTEM, "教育库")


def test_a_schedule_is_previewed_saved_run_rested_and_removed(
    office: Any, desk: Callable[..., Any], syncs: dict[str, Any]
) -> None:
    steward, sync = desk("steward"), syncs["学生"]
    page = f"/console/syncs/{sync.id}"
    assert "没有计划" in steward.get(page).text
    form = steward.get(f"{page}/schedule?kind=working_days&at=06:30").text
    assert "每个工作日 06:30" in form
    assert "接下来 5 次" in form
    years = {int(year) for year in re.findall(r"<li>(\d{4})-\d\d-\d\d", form)}
    assert ("尚未载入节假日安排" in form) != (years <= office.standards.calendar.years), (
        "holidays that are not out are named"
    )
    assert "时刻写作 06:30" in steward.get(f"{page}/schedule?kind=daily&at=25:00").text
    for kind in ("daily", "weekly", "monthly", "month_working_day", "every", "after", "cron", "nonsense"):
        assert steward.get(f"{page}/schedule?kind={kind}").status_code == 200

    saved = steward.post(f"{page}/schedule", {"kind": "working_days", "at": "06:30，18:00", "retries": "2"})
    assert saved.headers["location"] == page
    shown = steward.get(page).text
    assert "每个工作日 06:30、18:00" in shown
    (plan,) = office.schedules.schedules(SYSTEM)
    assert plan.retries == 2
    run = steward.post(f"/console/schedules/{plan.id}/run").headers["location"]
    office.jobs.wait(office.ingest.run(SYSTEM, run.rsplit("/", 1)[1]).job_id, timeout=60)
    assert "已完成" in steward.get(run).text
    steward.post(f"/console/schedules/{plan.id}/pause", {"reason": "割接"})
    assert "暂停：割接" in steward.get(page).text
    assert "割接" in steward.get(f"/console/schedules/{plan.id}").text
    steward.post(f"/console/schedules/{plan.id}/resume")
    after = steward.post(f"/console/syncs/{syncs['教师'].id}/schedule", {"kind": "after", "after": sync.id}).headers[
        "location"
    ]
    assert "等待“学生表”取数成功" in steward.get(after).text
    circle = steward.post(f"{page}/schedule", {"kind": "after", "after": syncs["教师"].id})
    assert circle.headers["location"] == f"{page}/schedule"
    assert "循环等待" in steward.get(f"{page}/schedule").text
    reviewer = desk("org_reviewer")
    assert f"/console/schedules/{plan.id}/remove" not in reviewer.get(page).text
    assert reviewer.post(f"/console/schedules/{plan.id}/remove").status_code in {303, 403}
    assert len(office.schedules.schedules(SYSTEM)) == 2
    for one in office.schedules.schedules(SYSTEM):
        steward.post(f"/console/schedules/{one.id}/remove")
    assert office.schedules.schedules(SYSTEM) == []


def test_what_a_source_bears_is_set_on_its_page(office: Any, desk: Callable[..., Any], syncs: dict[str, Any]) -> None:
    steward, source = desk("steward"), syncs["学生"].source_id
    steward.post(f"/console/sources/{source}/limits", {"at_once": "1", "start": "08:00", "end": "18:00"})
    page = steward.get(f"/console/sources/{source}").text
    assert "同时最多 1 个取数任务" in page
    assert "08:00—18:00" in page
    steward.post(f"/console/sources/{source}/limits", {"at_once": "2"})
    assert office.schedules.limits(SYSTEM, source).quiet == ()


def test_the_board_draws_each_table_and_the_bell_rings_once(
    office: Any, desk: Callable[..., Any], syncs: dict[str, Any]
) -> None:
    steward, bureau = desk("steward"), desk("bureau_reviewer")
    steward.post("/console/freshness/promise", {"table": "学生表", "hours": "26", "grace_hours": "2"})
    page = steward.get("/console/freshness").text
    assert "不旧于 26 小时" in page
    assert re.search(r'<svg class="days"[^>]*aria-label="学生表', page)
    assert "教师表" in page
    with office.db.begin() as tx:
        from beijiang.ingest.store import FreshnessStore

        now = office.clock.now()
        values = {"minutes": 1, "grace_minutes": 0, "working_days": False, "set_by": "x", "set_at": now}
        FreshnessStore(tx.connection).set_promise("教师表", values)
        from datetime import timedelta

        from sqlalchemy import update

        from beijiang.ingest.store.sources import ingest_sync

        tx.execute(update(ingest_sync).values(created_at=now - timedelta(days=2)))
    office.freshness.watch()
    office.freshness.watch()
    for who in (steward, bureau):
        assert re.search(r'href="/console/alerts">告警 <span class="count">1</span>', who.get("/console").text)
    page = bureau.get("/console/alerts").text
    assert "表“教师表”已于" in page
    alert = re.search(r"/console/alerts/(alt_\w+)/acknowledge", page)
    assert alert is not None
    steward.post(f"/console/alerts/{alert[1]}/acknowledge", {"answer": "明天补交"})
    page = bureau.get("/console/alerts").text
    assert "明天补交" in page
    assert not re.search(r'href="/console/alerts">告警 <span class="count">', bureau.get("/console").text)
    steward.post("/console/freshness/promise", {"table": "教师表", "hours": "0"})
    office.freshness.watch()
    assert "没有告警" in bureau.get("/console/alerts").text
    assert "明天补交" in bureau.get("/console/alerts?closed=yes").text


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("steward", "/console/freshness", 200), ("bureau_reviewer", "/console/freshness", 200), ("org_reviewer", "/console/alerts", 200),
        ("analyst", "/console/freshness", 403), ("sec_admin", "/console/alerts", 403), ("bureau_reviewer", "/console/alerts", 200),
    ],
)  # fmt: skip
def test_who_may_open_which_page(desk: Callable[..., Any], role: str, path: str, status: int) -> None:
    assert desk(role).get(path).status_code == status
