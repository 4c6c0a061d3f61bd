"""The registry over HTTP and at the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.kit import ANONYMOUS, BeijiangError, Language
from beijiang.standards import commands, routes

API = "/api/v1/standards"


@pytest.fixture(scope="module")
def door(office: Any) -> Iterator[TestClient]:
    """The router with a door that takes the actor's name from a header."""
    app = FastAPI()

    @app.middleware("http")
    async def who(request: Request, call_next: Any) -> Any:
        request.state.actor = getattr(office, request.headers.get("x-actor", "steward"), ANONYMOUS)
        return await call_next(request)

    @app.exception_handler(BeijiangError)
    async def told(_request: Request, error: BeijiangError) -> JSONResponse:
        return JSONResponse({"code": error.reason}, status_code=error.status)

    app.include_router(routes.registry_router(office.registry))
    with TestClient(app) as opened:
        yield opened


def test_the_registry_over_http(door: TestClient) -> None:
    visitor, reviewer = {"x-actor": "visitor"}, {"x-actor": "reviewer"}
    found = door.get(f"{API}/elements", params={"q": "公民身份", "library": "population"}, headers=visitor).json()
    assert next((e["id"], e["status"], e["version"], e["verified"]) for e in found["elements"]) == (
        "population.citizen_id",
        "in_force",
        1,
        False,
    )
    assert len(door.get(f"{API}/code-sets", headers=visitor).json()["code_sets"]) >= 6
    then = door.get(f"{API}/code-sets/region", params={"on": "1990-01-01"}, headers=visitor).json()
    assert "152701" in {code["code"] for code in then["codes"]}
    became = door.get(f"{API}/code-sets/region/became", params={"code": "152701"}, headers=visitor).json()
    assert ([c["code"] for c in became["now"]], became["steps"][0]["ended"]) == (["150602"], "2001-02-26")
    assert len(door.get(f"{API}/code-sets/region/versions").json()["versions"]) == 1
    assert door.get(f"{API}/proposals", headers=visitor).status_code == 401
    form = {"id": "http.one", "name_zh": "甲", "name_en": "One", "length": "3"}
    order = {
        "changes": [{"action": "add", "kind": "element", "form": form}],
        "reason": "接口",
        "valid_from": "2026-03-01",
    }
    made = door.post(f"{API}/proposals", json=order)
    assert (made.status_code, made.json()["about"]) == (201, ["add element http.one"])
    at = f"{API}/proposals/{made.json()['id']}"
    assert door.post(f"{at}/approve", json={}).json() == {"code": "denied"}
    shown = door.get(at).json()["changes"][0]["differences"]
    assert {d["what"]["en"]: d["after"] for d in shown}["length"] == "3"
    assert door.post(f"{at}/approve", json={"reason": "同意"}, headers=reviewer).json()["state"] == "approved"
    assert door.get(f"{API}/elements/http.one").json()["versions"][0]["valid_from"] == "2026-03-01"
    ended = {"changes": [{"action": "retire", "kind": "element", "form": {"id": "http.one"}}], "reason": "不用"}
    two = [door.post(f"{API}/proposals", json=ended).json()["id"] for _ in range(2)]
    assert door.post(f"{API}/proposals/{two[0]}/return", json={}, headers=reviewer).json() == {"code": "reason_needed"}
    assert door.post(f"{API}/proposals/{two[0]}/withdraw", json={}).json()["state"] == "withdrawn"
    returned = door.post(f"{API}/proposals/{two[1]}/return", json={"reason": "仍在用"}, headers=reviewer).json()
    assert (returned["state"], returned["decision"]) == ("returned", "仍在用")
    assert door.post(f"{API}/proposals", json={**ended, "who": "x"}).status_code == 422


def test_files_over_http(door: TestClient) -> None:
    answer = door.get(
        f"{API}/export/code_set.csv", params={"id": "sex", "language": "en"}, headers={"x-actor": "visitor"}
    )
    assert answer.content.decode("utf-8-sig").startswith("code set,Chinese name of the set")
    grown = (
        answer.content.decode("utf-8-sig").rstrip()
        + "\nsex,人的性别代码,Sex,GB/T 2261.1,性别代码;性别,5,其他,Other,,,,\n"
    )
    files = {"file": ("sex.csv", grown.encode(), "text/csv")}
    planned = door.post(f"{API}/plan", files=files).json()["planned"]
    assert [(p["outcome"], p["id"], len(p["differences"])) for p in planned] == [("changed", "sex", 1)]
    proposed = door.post(f"{API}/import", files=files, data={"reason": "扩充"})
    assert (proposed.status_code, proposed.json()["about"]) == (201, ["change code_set sex"])
    assert door.post(f"{API}/plan", files=files, headers={"x-actor": "analyst"}).json() == {"code": "denied"}
    assert door.get(f"{API}/export/element.xlsx").content.startswith(b"PK")
    assert door.get(f"{API}/export/rule.pdf").content.startswith(b"%PDF")
    assert door.get(f"{API}/export/element.docx").status_code == 422


def test_the_same_at_the_terminal(office: Any, tmp_path: Path) -> None:
    terminal.set_style(as_json=True, language=Language.EN)
    group = commands.commands(lambda: office.platform.standards)
    commands.add_registry(group, lambda: office.registry, lambda: office.platform.access)

    def run(*words: str, status: int = 0, who: str = "steward") -> Any:
        answer = CliRunner().invoke(group, [*words, "--as", who])
        assert answer.exit_code == status, (answer.output, answer.exception)
        return json.loads(answer.stdout) if answer.stdout.strip() else None

    assert run("elements", "公民身份")[0]["id"] == "population.citizen_id"
    assert [v["version"] for v in run("element", "population.sex_code")] == [1]
    assert {c["code"] for c in run("code-set", "sex")} == {"0", "1", "2", "9"}
    assert [(r["code"], r["state"]) for r in run("became", "region", "152701")] == [
        ("152701", "ended"),
        ("150602", "holds"),
    ]
    assert [r["state"] for r in run("became", "region", "152701", "--on", "1990-01-01")] == ["holds"]
    fields = ["--set", "name_zh=终端号", "--set", "name_en=Terminal", "--set", "length=5"]
    made = run("propose", "shell.one", *fields, "--reason", "试用")[0]
    assert run("proposal", made["id"])[0]["action"] == "add"
    run("approve", made["id"], status=1)
    assert run("approve", made["id"], "--reason", "ok", who="reviewer")[0]["state"] == "approved"
    changed = run("propose", "shell.one", "--set", "length=6", "--reason", "加长")[0]
    assert [(d["what"], d["before"], d["after"]) for d in run("proposal", changed["id"])] == [("length", "5", "6")]
    run("return", changed["id"], "--reason", "no", who="reviewer")
    ended = run("retire", "element", "shell.one", "--reason", "不用")[0]
    run("withdraw", ended["id"])
    assert {p["state"] for p in run("proposals") if p["id"] in {made["id"], changed["id"], ended["id"]}} == {
        "approved",
        "returned",
        "withdrawn",
    }
    path = tmp_path / "elements.xlsx"
    run("export", "element", str(path), "--id", "shell.one")
    assert [p["outcome"] for p in run("import", str(path))] == ["unchanged"]
    sheet = tmp_path / "elements.csv"
    run("export", "element", str(sheet), "--id", "shell.one")
    text = sheet.read_text("utf-8-sig")
    sheet.write_text(text.replace("Terminal", "Shell"), encoding="gb18030")
    assert run("import", str(sheet))[0]["what"] == "English name: Terminal → Shell"
    assert run("import", str(sheet), "--reason", "改名")[0]["about"] == "change element shell.one"
    sheet.write_text(text.replace("shell.one", "Shell One"), encoding="utf-8")
    assert run("import", str(sheet), status=1)[0]["outcome"] == "refused"
    run("export", "element", str(tmp_path / "x.doc"), status=1)
