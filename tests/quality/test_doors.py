"""Quality over HTTP and at the terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.kit import BeijiangError, Conflict, Language
from beijiang.quality import Kind, commands, routes

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import Bureau, firm

T = "企业登记信息"
AT = f"/api/v1/tables/{T}/quality"


@pytest.fixture
def door(bureau: Bureau) -> TestClient:
    """The router with a door that takes the actor's name from a header."""
    app = FastAPI()

    @app.middleware("http")
    async def who(request: Request, call_next: Any) -> Any:
        request.state.actor = getattr(bureau, request.headers.get("x-actor", "steward"))
        return await call_next(request)

    @app.exception_handler(BeijiangError)
    async def told(_request: Request, error: BeijiangError) -> JSONResponse:
        return JSONResponse({"code": error.reason}, status_code=error.status)

    app.include_router(routes.router(bureau.platform.quality))
    app.include_router(routes.monitors_router(bureau.platform.monitors))
    app.include_router(routes.tickets_router(bureau.platform.tickets, bureau.platform.quality))
    bureau.write([firm(n) for n in range(30)] + [firm(30, 盟市=None), firm(31, 联系电话="12")])
    return TestClient(app)


def test_a_rule_from_trial_to_its_failing_rows_over_http(door: TestClient, bureau: Bureau) -> None:
    order = {"kind": "not_null", "columns": ["盟市"], "severity": "critical"}
    assert door.post(f"{AT}/try", json=order).json() == {"table": T, "version": 1, "b": 32, "failing": 1}
    assert door.get(f"{AT}/rules").json()["rules"] == []
    rule = door.post(f"{AT}/rules", json=order)
    assert (rule.status_code, rule.json()["name"], rule.json()["indicator"]) == (201, "盟市 非空", "0201")
    rule_id = rule.json()["id"]
    assert door.post(f"{AT}/rules", json=order).json() == {"code": "rule_exists"}
    assert door.post(f"{AT}/rules", json={**order, "by": "x"}).status_code == 422
    job = door.post(f"{AT}/check")
    assert job.status_code == 202
    assert bureau.platform.jobs.wait(job.json()["job"], timeout=240).state.value == "done"
    found = door.get(AT).json()
    fact = next(f for f in found["run"]["facts"] if f["rule"] == rule_id)
    assert (fact["a"], fact["b"], fact["failing"], fact["outcome"]) == (31, 32, 1, "failed")
    held = found["held"]
    assert (held["version"], held["run"], held["rules"]) == (1, found["run"]["id"], ["盟市 非空"])
    assert 0 < found["score"]["assessed"] < 20
    rows = door.get(f"/api/v1/quality/runs/{found['run']['id']}/rules/{rule_id}/rows").json()
    assert [row["企业名称"] for row in rows["rows"]] == ["内蒙古第30商贸有限公司"]
    assert rows["columns"] == ["盟市"]
    assert rows["receipt"]
    changed = door.put(f"/api/v1/quality/rules/{rule_id}", json={**order, "threshold": 0.9, "reason": "放宽"})
    assert changed.json()["revision"] == 2
    assert len(door.get(f"/api/v1/quality/rules/{rule_id}/history").json()["history"]) == 2
    assert door.delete(f"/api/v1/quality/rules/{rule_id}").status_code == 422
    assert door.delete(f"/api/v1/quality/rules/{rule_id}?reason=x").status_code == 204


def test_the_board_kinds_suggestions_scorecards_and_a_release_over_http(door: TestClient, bureau: Bureau) -> None:
    kinds = {kind["kind"]: kind for kind in door.get("/api/v1/quality/kinds").json()["kinds"]}
    assert kinds["check"]["params"][0]["name"] == "algorithm"
    suggested = door.get(f"{AT}/suggestions").json()["suggestions"]
    assert {"check", "not_null"} <= {one["rule"]["kind"] for one in suggested}
    taken = door.post(f"{AT}/suggestions", json={"keys": [suggested[0]["key"]]})
    assert (taken.status_code, len(taken.json()["rules"])) == (201, 1)
    door.post(f"{AT}/rules", json={"kind": "not_null", "columns": ["盟市"], "severity": "critical"})
    bureau.check()
    assert [(t["table"], t["failed"] > 0) for t in door.get("/api/v1/quality").json()["tables"]] == [(T, True)]
    order = {"version": 1, "reason": "历史数据"}
    assert door.post(f"{AT}/release", json=order).json() == {"code": "denied"}
    reviewer = {"x-actor": "reviewer"}
    unseen = door.post(f"{AT}/release", json=order, headers=reviewer)
    assert unseen.json() == {"code": "changed_since_seen"}
    kept = door.get(f"{AT}/held/1", headers=reviewer).json()
    assert [(fact["name"], fact["failing"]) for fact in kept["facts"]] == [("盟市 非空", 1)]
    assert kept["seen"] == door.get(AT).json()["held"]["seen"]
    released = door.post(f"{AT}/release", json={**order, "seen": kept["seen"]}, headers=reviewer)
    assert released.json()["rules"] == ["盟市 非空"]
    assert door.get(f"{AT}/held/1", headers=reviewer).json() == {"code": "not_held"}
    assert len(door.get(f"{AT}/runs").json()["runs"]) == 1
    card = {"name_zh": "专项", "name_en": "special", "dimensions": {"02": 5}, "reason": "检查"}
    assert door.post("/api/v1/quality/scorecards", json=card).json() == {"code": "denied"}
    made = door.post("/api/v1/quality/scorecards", json=card, headers={"x-actor": "reviewer"})
    assert (made.status_code, made.json()["version"]) == (201, 2)
    assert [c["version"] for c in door.get("/api/v1/quality/scorecards").json()["scorecards"]] == [2, 1]


def test_a_suggestion_over_http_and_at_the_terminal(door: TestClient, bureau: Bureau) -> None:
    bureau.write([firm(n, 盟市=("包头市", "赤峰市")[n % 2]) for n in range(40)] + [firm(40, 盟市="包头")])
    found = {
        (one["rule"]["kind"], *one["rule"]["columns"]): one
        for one in door.get(f"{AT}/suggestions").json()["suggestions"]
    }
    one = found["values", "盟市"]
    assert (one["b"], one["failing"], one["measured"]) == (41, 1, True)
    rows = door.get(f"{AT}/suggestions/{one['key']}/rows").json()
    assert [row["盟市"] for row in rows["rows"]] == ["包头"]
    assert rows["receipt"]
    assert door.get(f"{AT}/suggestions/{'0' * 16}/rows").json() == {"code": "suggestions_changed"}
    gone = door.post(f"{AT}/suggestions/declined", json={"keys": [one["key"]], "reason": "另有代码表"})
    assert (gone.status_code, gone.json()["declined"][0]["subject"]) == (201, one["subject"])
    assert [d["reason"] for d in door.get(f"{AT}/suggestions/declined").json()["declined"]] == ["另有代码表"]
    assert door.delete(f"{AT}/suggestions/declined/{one['subject']}").status_code == 204
    assert door.delete(f"{AT}/suggestions/declined/{one['subject']}").json() == {"code": "not_declined"}
    terminal.set_style(as_json=True, language=Language.EN)
    group = commands.commands(lambda: bureau.platform.quality, lambda: bureau.platform.access)

    def run(*words: str) -> Any:
        answer = CliRunner().invoke(group, [*words, "--as", "steward"])
        assert answer.exit_code == 0, (answer.output, answer.exception)
        return json.loads(answer.stdout)

    assert [row["盟市"] for row in run("breaking", T, one["key"])] == ["包头"]
    (declined,) = run("decline", T, one["key"], "--reason", "另有代码表")
    assert one["key"] not in {line["key"] for line in run("suggest", T)}
    assert run("declined", T) == [declined]
    run("offer-again", T, declined["subject"])
    assert [rule["kind"] for rule in run("suggest", T, "--take", one["key"])] == ["values"]


@pytest.mark.parametrize("who", ["stranger", "sysadmin"])
def test_a_hidden_table_and_an_unknown_one_look_the_same(door: TestClient, bureau: Bureau, who: str) -> None:
    rule = door.post(f"{AT}/rules", json={"kind": "not_null", "columns": ["盟市"]}).json()["id"]
    run = bureau.check().id
    headers = {"x-actor": who}
    for path in (AT, f"{AT}/rules", f"{AT}/runs", f"{AT}/suggestions"):
        hidden = door.get(path, headers=headers)
        unknown = door.get(path.replace(T, "没有的表"), headers=headers)
        assert (hidden.status_code, hidden.content) == (unknown.status_code, unknown.content)
    pairs = ((run, rule), ("qrun_x", "qr_x"))
    seen = [door.get(f"/api/v1/quality/runs/{a}/rules/{b}/rows", headers=headers) for a, b in pairs]
    assert (seen[0].status_code, seen[0].content) == (seen[1].status_code, seen[1].content)
    seen = [door.get(f"/api/v1/quality/rules/{b}/history", headers=headers) for _, b in pairs]
    assert (seen[0].status_code, seen[0].content) == (seen[1].status_code, seen[1].content)


def test_the_same_at_the_terminal(door: TestClient, bureau: Bureau) -> None:
    del door
    terminal.set_style(as_json=True, language=Language.EN)
    group = commands.commands(lambda: bureau.platform.quality, lambda: bureau.platform.access)

    def run(*words: str, status: int = 0) -> Any:
        answer = CliRunner().invoke(group, [*words, "--as", "steward"])
        assert answer.exit_code == status, (answer.output, answer.exception)
        return json.loads(answer.stdout) if answer.stdout.strip() else None

    tried = run("add", T, "not_null", "--column", "盟市", "--try")
    assert tried == [{"name": "盟市 非空", "b": 32, "failing": 1}]
    made = run("add", T, "not_null", "--column", "盟市", "--severity", "critical")[0]
    facts = run("check", T, status=1)
    assert [(f["a"], f["b"], f["outcome"]) for f in facts if f["rule"] == made["id"]] == [(31, 32, "failed")]
    kept = run("held", T, "1")
    assert [(one["name"], one["failing"]) for one in kept] == [("盟市 非空", 1)]
    order = ["release", T, "1", "--reason", "历史数据", "--as", "reviewer"]
    unseen = CliRunner().invoke(group, order)
    assert isinstance(unseen.exception, Conflict)
    assert unseen.exception.reason == "changed_since_seen"
    assert CliRunner().invoke(group, [*order, "--seen", kept[0]["seen"]]).exit_code == 0
    assert run("failing", T, made["id"])[0]["企业名称"] == "内蒙古第30商贸有限公司"
    assert run("board")[0]["failed"] >= 1
    assert run("score", T)[0]["name"] == "total"
    run("change", T and made["id"], "--threshold", "0.9", "--reason", "放宽")
    assert [r["revision"] for r in run("rules", T)] == [2]
    run("check", T)
    assert run("show", T)
    assert len(run("suggest", T)) >= 5
    assert len(run("suggest", T, "--accept")) >= 5
    assert len(run("scorecards")) == 1
    run("retire", made["id"], "--reason", "不再需要")
    answer = CliRunner().invoke(group, ["kinds"])
    assert len(json.loads(answer.stdout)) == 21
    answer = CliRunner().invoke(group, ["set-scorecard", "-1", "--weight", "02=9", "--reason", "x", "--as", "reviewer"])
    assert answer.exit_code != 0
    words = ["set-scorecard", "--weight", "02=9", "--reason", "x", "--as", "reviewer", "--", "-1"]
    answer = CliRunner().invoke(group, words)
    assert json.loads(answer.stdout)[0]["dimensions"].startswith("01=20 02=9")


def test_a_ticket_from_a_failing_rule_to_its_record_over_http(door: TestClient, bureau: Bureau) -> None:
    rule = door.post(f"{AT}/rules", json={"kind": "not_null", "columns": ["盟市"]}).json()["id"]
    run = bureau.check().id
    file = door.get(f"/api/v1/quality/runs/{run}/rules/{rule}/file", params={"form": "csv"})
    assert "内蒙古第30商贸有限公司" in file.content.decode("utf-8-sig")
    made = door.post(f"/api/v1/quality/runs/{run}/rules/{rule}/ticket", json={"words": "请补齐"})
    assert (made.status_code, made.json()["limit"]["rule"]) == (201, "correction.handle.809")
    ticket = f"/api/v1/quality/tickets/{made.json()['id']}"
    assert door.get("/api/v1/quality/tickets", params={"state": "dispatched", "words": "盟市"}).json()["count"] == 1
    refused = door.post(f"{ticket}/steps", json={"move": "close"})
    assert (refused.status_code, refused.json()) == (409, {"code": "ticket_move"})
    assert door.post(f"{ticket}/steps", json={"move": "accept"}).json()["state"] == "accepted"
    assert door.post(f"{ticket}/replies", json={"words": "已通知旗县"}).status_code == 201
    assert door.get(f"{ticket}/file").content[:2] == b"PK"
    seen = door.get(ticket).json()
    assert [s["move"] for s in seen["steps"]] == ["open", "accept", "reply"]
    assert seen["moves"] == ["correct", "confirm_right", "send_back", "withdraw"]
    record = door.get("/api/v1/quality/tickets/record", params={"since": "2026-01-01", "until": "2026-12-31"}).json()
    assert [(d["org_id"], d["opened"], d["open"]) for d in record["departments"]] == [("education", 1, 1)]
    order = {"scope": "*", "severities": ["critical"], "reason": "只管严重级"}
    assert door.put("/api/v1/quality/tickets/policies", json=order).json() == {"code": "denied"}
    assert door.put("/api/v1/quality/tickets/policies", json=order, headers={"x-actor": "reviewer"}).status_code == 200
    assert len(door.get("/api/v1/quality/tickets/policies").json()["policies"]) == 1
    for path in (
        "/api/v1/quality/tickets/file",
        "/api/v1/quality/tickets/record/file?since=2026-01-01&until=2026-12-31",
    ):
        assert door.get(path).headers["content-type"].startswith("text/csv")
    entry = bureau.publish()
    doubts = f"/api/v1/catalog/resources/{entry.id}/doubts"
    doubt = {"words": "电话有误", "columns": ["联系电话"], "rows": ["内蒙古第1商贸有限公司"]}
    assert door.post(doubts, json=doubt, headers={"x-actor": "stranger"}).json()["origin"] == "person"
    assert len(door.get(doubts).json()["doubts"]) == 2
    monitors = door.get(f"{AT}/monitors").json()
    assert (monitors["usual"], [o["version"] for o in monitors["observations"]]) == (None, [1])
    assert door.post(f"{AT}/monitors/look").json()["observations"][0]["looked_into"]
    assert door.get("/api/v1/quality/findings").json() == {"findings": []}
    assert door.put(f"{AT}/monitors/volume", json={"is_on": False, "reason": "停用"}).json()["is_on"] is False
    none = door.post("/api/v1/quality/findings/qm_x/decision", json={"decision": "expected", "reason": "x"})
    assert none.json() == {"code": "finding_not_found"}


def test_tickets_and_monitors_at_the_terminal(door: TestClient, bureau: Bureau, tmp_path: Path) -> None:
    del door
    terminal.set_style(as_json=True, language=Language.EN)
    platform = bureau.platform
    group = commands.commands(lambda: platform.quality, lambda: platform.access)
    commands.add_tickets(group, lambda: platform.tickets, lambda: platform.quality, lambda: platform.access)
    commands.add_monitors(group, lambda: platform.monitors, lambda: platform.access)

    def run(*words: str, who: str = "steward") -> Any:
        answer = CliRunner().invoke(group, [*words, "--as", who])
        assert answer.exit_code == 0, (answer.output, answer.exception)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    rule = bureau.add(Kind.NOT_NULL, "盟市").id
    bureau.check()
    run("rows", T, rule, "--out", str(tmp_path / "rows.xlsx"))
    assert (tmp_path / "rows.xlsx").read_bytes()[:2] == b"PK"
    ticket = run("ticket", "open", T, rule, "--words", "请补齐")[0][0]["id"]
    assert run("ticket", "step", ticket, "accept")[0][0]["state"] == "accepted"
    run("ticket", "reply", ticket, "已通知")
    assert len(run("ticket", "show", ticket)[1]) == 3
    run("ticket", "file", ticket, "--out", str(tmp_path / "back.csv"))
    assert "内蒙古第30商贸有限公司" in (tmp_path / "back.csv").read_text("utf-8-sig")
    assert run("ticket", "list", "--state", "accepted")[0][0]["id"] == ticket
    assert run("ticket", "record", "--since", "2026-01-01", "--until", "2026-12-31")[0][0]["open"] == 1
    made = run("ticket", "policy", "*", "--severity", "critical", "--reason", "只管严重级", who="reviewer")
    assert made[0][0]["severities"] == ["critical"]
    entry = bureau.publish()
    assert run("ticket", "doubt", entry.id, "--words", "电话有误", "--column", "联系电话", who="stranger")[0][0]["id"]
    assert run("monitor", "show", T, "--look") == [[]]
    assert run("monitor", "findings") == [[]]
    assert run("monitor", "set", T, "volume", "--limit", "sigmas=6", "--reason", "放宽")[0][0]["limits"] == {
        "sigmas": 6.0
    }
