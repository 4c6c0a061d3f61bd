"""Contracts at the terminal and over HTTP: the same verbs, the same files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
from quality_bureau import OWNER, Bureau, firm

from beijiang import terminal
from beijiang.build import build
from beijiang.contracts import commands, routes
from beijiang.kit import BeijiangError, Language, SystemClock
from beijiang.settings import Settings

EXAMPLES = Path(__file__).parent / "examples"
EVERYTHING = EXAMPLES / "everything.odcs.yaml"
AT = "/api/v1/contracts"


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("doors")))
    built.first_start()
    made = Bureau(built, built.settings.home / "staging", SystemClock())  # type: ignore[arg-type]
    made.write([firm(n) for n in range(4)])
    built.db.deliver_waiting()
    yield made
    built.close()


@pytest.fixture(scope="module")
def door(bureau: Bureau) -> TestClient:
    app = FastAPI()

    @app.middleware("http")
    async def who(request: Request, call_next: Any) -> Any:
        request.state.actor = getattr(bureau, request.headers.get("x-actor", "steward"))
        return await call_next(request)

    @app.exception_handler(BeijiangError)
    async def told(_request: Request, error: BeijiangError) -> JSONResponse:
        return JSONResponse({"code": error.reason, "detail": error.detail}, status_code=error.status)

    app.include_router(routes.router(bureau.platform.contracts))
    return TestClient(app)


def test_a_contract_over_http(door: TestClient, bureau: Bureau) -> None:
    content = EVERYTHING.read_bytes()
    faulty = door.post(f"{AT}/check", content=content.replace(b"kind: DataContract", b"kind: Paper"))
    assert (faulty.json()["usable"], faulty.json()["findings"][0]["line"]) == (False, 3)
    assert door.post(f"{AT}/check", content=b"a: !x 1").json()["detail"] == {"line": 1, "column": 4}
    refused = door.post(f"{AT}?org={OWNER}", content=content.replace(b"status: draft", b"states: draft"))
    assert {fault["path"] for fault in refused.json()["detail"]["faults"]} == {"", "/states"}
    made = door.post(f"{AT}?org={OWNER}&reason=初次", content=content)
    assert made.status_code == 201
    one = made.json()["id"]
    assert door.get(f"{AT}/{one}/odcs.yaml").content == content
    assert door.get(f"{AT}/{one}").json()["document"]["schema"][0]["name"] == "校车"
    order = {
        "put": {"/schema/0/properties/4/required": True},
        "add": [{"to": "/schema/0/quality", "value": {"metric": "rowCount", "mustBeGreaterThan": 1}}],
        "remove": ["/schema/0/properties/1/quality/1"],
        "reason": "补充",
    }
    assert door.patch(f"{AT}/{one}", json=order).json()["versions"][0]["untouched"] is False
    text = door.get(f"{AT}/{one}/odcs.yaml").text
    assert "mustBeGreaterThan: 1" in text
    assert "号牌与行驶证一致" not in text
    assert door.post(f"{AT}/{one}/tables", json={"object": "校车", "table": "企业登记信息"}).status_code == 201
    held = door.get(f"{AT}/{one}/tables").json()["tables"][0]
    assert {gap["column"] for gap in held["gaps"] if gap["grave"]} == {"编号", "号牌", "座位数量", "登记日期"}
    assert {left["where"].split()[0] for left in held["left"]} >= {"校车", "SLA"}
    assert [t["outcome"] for t in held["terms"] if t["kind"] == "columns"] == ["failed"]
    assert door.post(f"{AT}/{one}/propose", json={"reason": "请审"}).json()["versions"][0]["state"] == "proposed"
    assert door.post(f"{AT}/{one}/approve", json={}).status_code == 403
    as_reviewer = {"x-actor": "reviewer"}
    assert door.post(f"{AT}/{one}/return", json={"reason": "先对齐列"}, headers=as_reviewer).status_code == 200
    gone = door.delete(f"{AT}/{one}/tables/企业登记信息?reason=对错了表")
    assert gone.json()["tables"] == []
    assert door.get(f"{AT}/{one}", headers={"x-actor": "stranger"}).json()["code"] == "contract_not_found"
    assert door.get(AT, headers={"x-actor": "stranger"}).json() == {"contracts": []}
    table = door.post("/api/v1/tables/企业登记信息/contract").json()
    assert table["tables"] == [{"object": "企业登记信息", "table": "企业登记信息"}]
    assert door.get(f"{AT}/{table['id']}/changes?before=0.1.0&after=0.1.0").json() == {"changes": []}


def test_a_contract_is_approved_as_it_was_seen_over_http(door: TestClient, bureau: Bureau) -> None:
    bureau.write([firm()], "企业年报")
    bureau.platform.db.deliver_waiting()
    table = door.post("/api/v1/tables/企业年报/contract").json()
    one, reviewer = f"{AT}/{table['id']}", {"x-actor": "reviewer"}
    stale = door.get(one, headers=reviewer).json()["versions"][0]["seen"]
    proposed = door.post(f"{one}/propose", json={"reason": "请审"}).json()["versions"][0]
    assert proposed["state"] == "proposed"
    for order in ({}, {"seen": stale}):
        refusal = door.post(f"{one}/approve", json=order, headers=reviewer)
        assert (refusal.status_code, refusal.json()["code"]) == (409, "changed_since_seen")
    shown = door.get(one, headers=reviewer).json()["versions"][0]
    assert shown["state"] == "proposed", "nothing was decided unseen"
    approved = door.post(f"{one}/approve", json={"seen": shown["seen"]}, headers=reviewer).json()
    assert approved["versions"][0]["state"] == "active"
    assert door.post(f"{one}/retire", json={"reason": "下线"}, headers=reviewer).status_code == 200


def test_the_same_at_the_terminal(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = bureau.platform
    app = commands.commands(lambda: platform.contracts, lambda: platform.access)
    monkeypatch.setattr(terminal, "language", lambda: Language.EN)

    def run(*words: str, code: int = 0) -> str:
        found = CliRunner().invoke(app, list(words))
        assert found.exit_code == code, (words, found.output, found.exception)
        return found.output

    older = EXAMPLES / "older.odcs.yaml"
    bad = tmp_path / "bad.yaml"
    bad.write_text(older.read_text("utf-8").replace("v0.9.0", "1"), "utf-8")
    assert "version" in run("check", str(bad), code=1)
    run("import", str(older), "--org", OWNER, "--as", "steward")
    one = next(c for c in platform.contracts.contracts(bureau.steward) if c.newest.version == "v0.9.0")
    assert one.id in run("list", "--as", "steward")
    out = tmp_path / "out.yaml"
    run("export", one.id, "--out", str(out))
    assert out.read_bytes() == older.read_bytes()
    run("edit", one.id, "--set", "/version=1.0.0", "--set", "/schema/0/properties/0/required=true", "--as", "steward")
    run("edit", one.id, "--add", "/slaProperties=" + json.dumps({"property": "latency", "value": 1, "unit": "d"}))
    run("edit", one.id, "--remove", "/schema/0/quality/0", "--reason", "不需要")
    text = platform.contracts.file(bureau.steward, one.id).decode()
    assert text.count("\n") == older.read_text("utf-8").count("\n") + 1 - 3 + 3
    run("bind", one.id, "学校", "企业登记信息", code=1) if platform.contracts.of_table(
        bureau.steward, "企业登记信息"
    ) else run("bind", one.id, "学校", "企业登记信息")
    run("propose", one.id, "--reason", "请审", "--as", "steward")
    run("approve", one.id, "--as", "reviewer", code=1)
    asked = CliRunner().invoke(app, ["approve", one.id, "--as", "reviewer"], input="n\n")
    assert asked.exit_code == 1
    assert "schema:" in asked.output, "it is shown before it is asked"
    assert "proposed_by" in asked.output, "as is what else the seen stands for"
    asked = CliRunner().invoke(app, ["approve", one.id, "--as", "reviewer"], input="y\n")
    assert asked.exit_code == 0, asked.output
    assert "1.0.0" in run("show", one.id)
    run("terms", one.id)
    run("edit", one.id, "--set", "/description/purpose=说明", "--as", "steward")
    assert "purpose" in run("compare", one.id, "1.0.0", "1.1.0")
    run("retire", one.id, "--reason", "下线", "--as", "reviewer")
