"""The bench and the guided path, as forms that work without scripts."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM
from beijiang.outbound import Target

HEADER = "编号,校名,日期,得分"
GOOD = [f"A{n:03d},第{n}小学,2026-03-{1 + n % 28:02d},{n}.5" for n in range(1, 301)]
SECRET = "never-shown-4711"


@pytest.fixture(scope="module")
def run(office: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("bench") / "得分.csv"
    bad = ["B001,坏一,2026-03-01,九十", "B002,坏二,03/15/2026,80", "B003,<script>坏三,2026-03-01,=1+1"]
    path.write_text("\n".join([HEADER, *GOOD, *bad]) + "\n", encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    request = IngestRequest(files=(landed.sha256,), into="得分", org_id="education", key=("编号",))
    made: str = office.ingest.submit(SYSTEM, request)
    office.jobs.wait(office.ingest.run(SYSTEM, made).job_id)
    return made


def test_from_the_work_list_to_a_mended_table(office: Any, desk: Callable[..., Any], run: str) -> None:
    steward = desk("steward")
    assert "3 行待处理" in steward.get("/console").text
    assert "/console/quarantine?table=" in steward.get("/console/quarantine").text
    where = "/console/quarantine?table=得分&state=open"
    page = steward.get(where).text
    assert "不是数值" in page
    assert "<script>坏" not in page
    row = f"/console/quarantine/{run}/0?table=得分&state=open"
    assert "九十" in steward.get(row).text
    looked = steward.post(f"/console/quarantine/{run}/0/check", {"cell:得分": "九"}).text
    assert "1 格还有问题" in looked
    assert "hx-swap-oob" in looked
    saved = steward.post(row, {"cell:得分": "90", "then": "next"})
    assert f"/console/quarantine/{run}/1" in saved.headers["location"], "the next row that waits"
    form = {"table": "得分", "kind": "date", "target": "日期", "find": "MM/DD/YYYY"}
    preview = steward.post("/console/quarantine/fix", form).text
    assert "2026-03-15" in preview
    assert "更正 1 行" in preview
    back = steward.post("/console/quarantine/fix", {**form, "apply": "yes"}).headers["location"]
    page = steward.get(back).text
    assert "2 行已修正，可以入库" in page
    fix = re.search(r"/console/quarantine/fixes/(fix_\w+)/undo", page)
    assert fix is not None
    steward.post(f"/console/quarantine/fixes/{fix[1]}/undo", {"table": "得分"})
    assert "1 行已修正，可以入库" in steward.get(back).text
    steward.post("/console/quarantine/fix", {**form, "apply": "yes"})

    sent = steward.post(
        "/console/quarantine/decide", {"table": "得分", "row": f"{run}:2", "what": "send_back", "note": "请核对"}
    )
    sending = sent.headers["location"]
    assert "请核对" in steward.get(sending).text
    assert "'=1+1" in steward.get(f"{sending}/file?form=csv").text
    assert steward.get(f"{sending}/file").content[:2] == b"PK"

    replay = steward.post("/console/quarantine/replay", {"table": "得分"}).headers["location"]
    office.jobs.wait(office.ingest.run(SYSTEM, replay.rsplit("/", 1)[1]).job_id)
    page = steward.get(replay).text
    assert page.count("已入库") >= 2
    assert "第 302 行" in page
    assert "已退回 1" in steward.get("/console/tables/得分").text
    assert office.tables.get(SYSTEM, "得分").rows == 302
    dismissed = steward.post(
        "/console/quarantine/decide", {"table": "得分", "row": f"{run}:2", "what": "dismiss", "note": ""}
    )
    assert "写明忽略的理由" in steward.get(dismissed.headers["location"]).text


def test_others_see_no_row_and_change_none(desk: Callable[..., Any], run: str) -> None:
    assert desk("analyst").get(f"/console/quarantine/{run}/0").status_code in {403, 404}
    assert desk("sec_admin").get("/console/quarantine").status_code == 403
    reviewer = desk("org_reviewer")
    page = reviewer.get(f"/console/quarantine?run={run}").text
    assert "坏三" in page
    assert "退回供数方" not in page, "a reviewer looks and changes nothing"
    reviewer.post("/console/quarantine/decide", {"row": f"{run}:2", "what": "revert"})
    assert "已退回" in reviewer.get(f"/console/quarantine?run={run}").text
    assert desk(None).get("/console/quarantine").status_code in {303, 401}


def test_the_guided_path_from_a_closed_door_to_a_certificate(
    office: Any, desk: Callable[..., Any], tmp_path: Path
) -> None:
    database = sqlite3.connect(tmp_path / "学籍.db")
    database.execute('CREATE TABLE "学生" ("学号" TEXT PRIMARY KEY, "姓名" TEXT)')
    database.execute('CREATE TABLE "教师" ("工号" TEXT PRIMARY KEY, "姓名" TEXT)')
    database.executemany('INSERT INTO "学生" VALUES (?, ?)', [(f"S{n}", f"学生{n}") for n in range(50)])
    database.execute("INSERT INTO \"教师\" VALUES ('T1', '教师1')")
    database.commit()
    database.close()
    steward = desk("steward")
    assert "SQLite" in steward.get("/console/connect").text
    place = steward.post(
        "/console/connect", {"kind": "sqlite", "name": "学籍", "option:path": str(tmp_path / "学籍.db")}
    ).headers["location"]
    page = steward.get(place).text
    assert "请放行访问目标" in page
    assert str(tmp_path) in page
    office.sources.allow(SYSTEM, Target(folder=str(tmp_path)), "学籍库")
    tables = steward.post(place, {}).headers["location"]
    assert "2 张表或视图" in steward.get(tables).text
    assert "1 张表或视图" in steward.get(f"{tables}?q=学生").text
    base = tables.removesuffix("/tables")
    assert steward.get(f"{base}/look").headers["location"] == tables
    page = steward.get(f"{base}/look?feed=学生&feed=教师&show=学生").text
    assert "学生7" in page
    assert "教师1" not in page
    page = steward.get(f"{base}/map?feed=学生&feed=教师").text
    assert "主键取来源声明的：学号" in page
    chosen = "feed=学生&feed=教师&table:0=在册学生&mode:0=full&key:0=学号&table:1=在册教师&mode:1=incremental"
    page = steward.get(f"{base}/plan?{chosen}").text
    assert "增量取数需要主键" in page
    assert "开始取数" not in page
    form = {
        "feed": ["学生", "教师"],
        "table:0": "在册学生",
        "mode:0": "full",
        "key:0": "学号",
        "table:1": "在册教师",
        "mode:1": "full",
    }
    assert "开始取数" in steward.get(f"{base}/plan?{chosen.replace('incremental', 'full')}").text
    runs = steward.post(f"{base}/run", form).headers["location"]
    for run in office.ingest.runs(SYSTEM, limit=2):
        office.jobs.wait(run.job_id)
    page = steward.get(runs).text
    assert page.count("一致") >= 2
    assert "完善目录条目" in page
    assert "hx-get" not in steward.get(runs.replace("/runs?", "/progress?")).text, (
        "nothing goes on, so nothing is asked again"
    )
    assert office.tables.get(SYSTEM, "在册学生").rows == 50
    sync = office.sources.sync(SYSTEM, "在册学生")
    assert "256" in steward.get(f"/console/syncs/{sync.id}").text


def test_no_secret_is_in_an_address_or_a_page(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    form = {
        "kind": "postgresql",
        "name": "内网库",
        "option:host": "10.9.8.7",
        "option:database": "d",
        "option:user": "u",
        "option:password": SECRET,
    }
    answer = steward.post("/console/connect", form)
    page = steward.get(answer.headers["location"]).text
    assert "请放行访问目标：10.9.8.7:5432" in page
    assert SECRET not in page + answer.headers["location"]
    wrong = steward.post("/console/connect", {**form, "name": ""}).text
    assert "10.9.8.7" in wrong, "what was filled in stays"
    assert SECRET not in wrong


def test_an_entry_waits_for_its_table(office: Any, desk: Callable[..., Any]) -> None:
    from beijiang.catalog import Entry
    from beijiang.kit import Conflict

    del desk
    made = office.catalog.register(SYSTEM, Entry(name="手工登记", provider_id="education"))
    office.catalog.bind(SYSTEM, made.id, "待建的表")
    office.catalog.bind(SYSTEM, made.id, "待建的表")
    with pytest.raises(Conflict):
        office.catalog.bind(SYSTEM, made.id, "另一张")
    assert office.catalog.resource_for_table("待建的表").id == made.id


def test_the_same_over_http_and_only_for_the_department(office: Any) -> None:
    from fastapi.testclient import TestClient

    from beijiang.access import Permission, PersonDraft, Role
    from beijiang.access.models import KeyDraft
    from beijiang.app import create_app

    keys = {}
    for org in ("education", "water"):
        draft = PersonDraft(login=f"api-{org}", name="专员", org_id=org, roles=frozenset({Role.STEWARD}))
        office.access.add_person(SYSTEM, draft)
        scopes = frozenset(p.value for p in Permission if p.startswith(("ingest:", "jobs:", "tables:")))
        actor = office.access.actor_for_person(draft.login)
        key = office.access.issue_key(actor, KeyDraft(name="测试", scopes=scopes, days=1))[1]
        keys[org] = {"Authorization": f"Bearer {key}"}
    mine, theirs = keys["education"], keys["water"]
    body = "\n".join([HEADER, *GOOD, "Z1,甲,2026-03-01,x", "Z2,乙,2026-03-01,y"]) + "\n"
    landed = office.ingest.land(SYSTEM, io.BytesIO(body.encode()), "接口.csv", "education")
    order = IngestRequest(files=(landed.sha256,), into="接口", org_id="education", key=("编号",))
    run = office.ingest.submit(SYSTEM, order)
    office.jobs.wait(office.ingest.run(SYSTEM, run).job_id)
    api = "/api/v1/ingest/mending"
    with TestClient(create_app(office), base_url="https://testserver") as client:
        rows = client.get(f"{api}/rows", params={"table": "接口"}, headers=mine).json()
        assert rows["total"] == 2
        assert rows["states"]["open"] == 2
        assert client.get(f"{api}/rows", params={"table": "接口"}, headers=theirs).json()["total"] == 0
        for method, path in (("GET", f"rows/{run}/0"), ("PUT", f"rows/{run}/0"), ("POST", f"rows/{run}/0/check")):
            refused = client.request(
                method, f"{api}/{path}", json={"cells": {}} if method != "GET" else None, headers=theirs
            )
            assert refused.status_code == 404, refused.text
        checked = client.post(f"{api}/rows/{run}/0/check", json={"cells": {"得分": "q"}}, headers=mine).json()
        assert set(checked["problems"]) == {"得分"}
        fix = {"table": "接口", "kind": "set", "target": "得分", "text": "60"}
        assert client.post(f"{api}/fixes/preview", json=fix, headers=mine).json()["passing"] == 2
        made = client.post(f"{api}/fixes", json=fix, headers=mine)
        assert made.status_code == 201
        assert client.delete(f"{api}/fixes/{made.json()['id']}", headers=theirs).status_code == 404
        assert client.post(f"{api}/replay/plan", json={"table": "接口"}, headers=mine).json()["ready"] == 2
        dismissed = client.post(
            f"{api}/dismiss", json={"rows": [{"run_id": run, "seq": 1}], "reason_given": "重复"}, headers=mine
        )
        assert dismissed.json() == {"rows": 1}
        replay = client.post(f"{api}/replay", json={"table": "接口"}, headers=mine)
        assert replay.status_code == 202
        office.jobs.wait(replay.json()["job_id"])
        tables = client.get(f"{api}/tables", headers=mine).json()["tables"]
        counts = next(c for c in tables if c["table"] == "接口")
        assert (counts["open"], counts["dismissed"], counts["resolved"]) == (0, 1, 1)


def test_the_same_at_the_terminal(office: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import typer
    from typer.testing import CliRunner

    from beijiang.ingest.commands import add_mending

    del capsys
    group = typer.Typer()
    add_mending(group, lambda: office.bench)
    runner = CliRunner()
    assert "接口" in runner.invoke(group, ["mend", "tables"]).output
    listed = runner.invoke(group, ["mend", "rows", "接口", "--state", "dismissed"])
    assert "已忽略" in listed.output, listed.output
    named = re.search(r"run_\w+:1", listed.output)
    assert named is not None
    assert runner.invoke(group, ["mend", "undo", named[0]]).exit_code == 0
    looked = runner.invoke(group, ["mend", "set", named[0], "得分=九", "--dry-run"])
    assert "不是数值" in looked.output
    assert runner.invoke(group, ["mend", "set", named[0], "得分"]).exit_code != 0
    assert (
        runner.invoke(group, ["mend", "fix", "接口", "--target", "得分", "--kind", "set", "--text", "61"]).exit_code
        == 0
    )
