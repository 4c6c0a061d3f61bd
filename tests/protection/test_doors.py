"""Grades and SQL over HTTP and at the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.kit import BeijiangError, Language
from beijiang.protection import commands, routes

if TYPE_CHECKING:
    from conftest import House

FIRMS = "企业登记信息"


@pytest.fixture
def door(house: House) -> TestClient:
    """The router with a door that takes the actor's name from a header."""
    app = FastAPI()

    @app.middleware("http")
    async def who(request: Request, call_next: Any) -> Any:
        request.state.actor = getattr(house, request.headers.get("x-actor", "steward"))
        return await call_next(request)

    @app.exception_handler(BeijiangError)
    async def told(_request: Request, error: BeijiangError) -> JSONResponse:
        return JSONResponse({"code": error.reason}, status_code=error.status)

    app.include_router(routes.router(house.protection, house.releases))
    app.include_router(routes.levels(house.protection))
    house.write_firms(30)
    return TestClient(app)


def test_grades_are_seen_and_corrected_over_http(door: TestClient) -> None:
    answer = door.get(f"/api/v1/tables/{FIRMS}/grades").json()
    found = {c["column"]: c for c in answer["columns"]}
    assert found["法定代表人证件号码"]["evidence"]["valid_share"] == 1.0
    assert found["法定代表人证件号码"]["kind_name"]["zh"] == "公民身份号码"
    url = f"/api/v1/tables/{FIRMS}/grades/盟市"
    assert door.patch(url, json={"level": "L2"}).json()["level"] == "L2"
    assert door.patch(url, json={"level": "L1"}).json() == {"code": "reason_needed"}
    assert door.patch(url, json={"level": "L1", "by": "someone"}).status_code == 422
    assert door.patch(url, json={"level": "L2"}, headers={"x-actor": "stranger"}).status_code == 404
    assert len(door.get(url + "/history").json()["history"]) == 2


def test_grades_are_seen_and_corrected_at_the_terminal(house: House) -> None:
    import typer

    house.write_firms(30)
    app = typer.Typer()
    app.add_typer(
        commands.commands(lambda: house.protection, lambda: house.access, lambda: house.releases), name="protection"
    )
    terminal.set_style(as_json=False, language=Language.ZH)
    shown = CliRunner().invoke(app, ["protection", "grades", FIRMS]).stdout
    assert "L3" in shown
    done = CliRunner().invoke(app, ["protection", "correct", FIRMS, "盟市", "--level", "L2"])
    assert done.exit_code == 0
    assert house.protection.grades(house.steward, FIRMS)[5].level == "L2"


def test_masks_are_chosen_over_http_and_at_the_terminal(door: TestClient, house: House) -> None:
    import typer

    url = f"/api/v1/tables/{FIRMS}/masks"
    order = {"function": "bucket", "parameters": {"edges": "10/100"}, "reason": "只需规模"}
    made = door.put(f"{url}/注册资本", json=order).json()
    assert (made["words"], made["parameters"]) == ("bucket(edges=10/100)", {"edges": [10.0, 100.0]})
    assert door.put(f"{url}/注册资本", json={**order, "function": "md5"}).status_code == 422
    assert door.put(f"{url}/注册资本", json={**order, "parameters": {"width": "0"}}).json() == {
        "code": "mask_parameters"
    }
    assert door.put(f"{url}/注册资本", json=order, headers={"x-actor": "stranger"}).status_code == 404
    app = typer.Typer()
    app.add_typer(
        commands.commands(lambda: house.protection, lambda: house.access, lambda: house.releases), name="protection"
    )
    terminal.set_style(as_json=False, language=Language.ZH)
    words = ["protection", "mask", FIRMS, "成立日期", "date_trunc", "--with", "unit=year", "--reason", "只需年份"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "date_trunc(unit=year)" in done.stdout
    assert "bucket(edges=10/100)" in CliRunner().invoke(app, ["protection", "masks", FIRMS]).stdout
    assert CliRunner().invoke(app, ["protection", "unmask", FIRMS, "成立日期", "--reason", "x"]).exit_code == 0
    assert door.delete(f"{url}/注册资本", params={"reason": "x"}).status_code == 204
    assert all(one["ended_at"] for one in door.get(url).json()["masks"])


def test_the_release_check_over_http_and_at_the_terminal(door: TestClient, house: House) -> None:
    import typer

    url = f"/api/v1/tables/{FIRMS}"
    assert (
        door.get(f"{url}/release-roles").json() | {"persons": False, "declared": False, "roles": {}}
        == door.get(f"{url}/release-roles").json()
    )
    assert door.post(f"{url}/release-checks", headers={"x-actor": "stranger"}).status_code == 404
    house.publish(FIRMS)
    made = door.post(f"{url}/release-checks").json()["reports"]
    assert [(one["audience"], one["passed"]) for one in made] == [("open", True), ("shared", True)]
    order = {"roles": {"盟市": "quasi", "注册资本": "quasi"}, "reason": "经营者为个人"}
    assert door.put(f"{url}/release-roles", json=order).json()["persons"] is True
    assert door.put(f"{url}/release-roles", json={**order, "roles": {"盟市": "other"}}).status_code == 422
    app = typer.Typer()
    app.add_typer(
        commands.commands(lambda: house.protection, lambda: house.access, lambda: house.releases), name="protection"
    )
    terminal.set_style(as_json=False, language=Language.ZH)
    done = CliRunner().invoke(app, ["protection", "release-check", FIRMS])
    assert done.exit_code == 1
    assert "未通过" in done.stdout
    assert "注册资本" in CliRunner().invoke(app, ["protection", "roles", FIRMS]).stdout
    words = ["protection", "declare", FIRMS, "--role", "盟市=plain", "--reason", "企业所在地"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert CliRunner().invoke(app, ["protection", "release-check", FIRMS]).exit_code == 0
    assert "社会公众" in CliRunner().invoke(app, ["protection", "release-reports", FIRMS]).stdout
    newest = door.get(f"{url}/release-checks").json()["reports"][0]
    printed = CliRunner().invoke(app, ["protection", "release-report", FIRMS, newest["id"]]).stdout
    assert json.loads(printed) == newest == door.get(f"{url}/release-checks/{newest['id']}").json()
    assert door.get(f"{url}/release-checks/rel_none").json() == {"code": "report_not_found"}


def test_a_table_is_assessed_and_lowered_over_http(door: TestClient) -> None:
    given = door.get("/api/v1/protection/matrix").json()
    assert len(given["cells"]) == 24
    assert {one["id"] for one in given["factors"]} >= {"scale", "precision"}
    url = f"/api/v1/tables/{FIRMS}/assessment"
    order = {"category": "government", "harms": {"organisation_rights": "serious"}, "reason": "商业信息"}
    made = door.post(url, json=order)
    assert (made.status_code, made.json()["level"], made.json()["waits"]) == (201, "L3", None)
    assert door.post(url, json={**order, "harms": {"nobody": "serious"}}).status_code == 422
    assert door.post(url, json={**order, "category": "x"}).json() == {"code": "unknown_word"}
    assert door.post(url, json=order, headers={"x-actor": "stranger"}).status_code == 404
    weaker = door.post(url, json={**order, "harms": {"organisation_rights": "general"}}).json()
    assert (weaker["state"], weaker["waits"]["change"]) == ("proposed", "general L3 → general L2")
    found = door.get(url).json()
    assert (found["level"], found["tier"], len(found["history"]), len(found["waiting"])) == ("L3", "general", 2, 1)
    assert [one["level"] for one in door.get(f"/api/v1/tables/{FIRMS}/floors").json()["floors"]] == ["L3"]
    reviewer = {"x-actor": "reviewer"}
    (waits,) = door.get("/api/v1/protection/lowerings", headers=reviewer).json()["lowerings"]
    one = f"/api/v1/protection/lowerings/{waits['id']}"
    assert waits["may"] == {"decide": True, "withdraw": False}
    assert door.get(one, headers={"x-actor": "stranger"}).status_code == 404
    assert door.post(f"{one}/decision", json={"agree": True}, headers=reviewer).json() == {"code": "changed_since_seen"}
    done = door.post(f"{one}/decision", json={"agree": True, "seen": waits["seen"]}, headers=reviewer).json()
    assert (done["state"], door.get(url).json()["assessment"]["level"]) == ("approved", "L2")
    (listed,) = door.get("/api/v1/protection/assessments").json()["assessments"]
    assert (listed["table"], listed["harm"]) == (FIRMS, "general")
    column = f"/api/v1/tables/{FIRMS}/grades/法定代表人"
    waits = door.patch(column, json={"level": "L2", "kind": "plain", "reason": "x"}).json()["waits"]
    assert door.post(f"/api/v1/protection/lowerings/{waits['id']}/withdrawal", json={}).json()["state"] == "withdrawn"
    assert len(door.get(f"/api/v1/tables/{FIRMS}/lowerings").json()["lowerings"]) == 2


def test_a_table_is_assessed_and_lowered_at_the_terminal(house: House) -> None:
    import typer

    house.write_firms(30)
    app = typer.Typer()
    app.add_typer(
        commands.commands(lambda: house.protection, lambda: house.access, lambda: house.releases), name="protection"
    )

    def run(*words: str, keys: str = "") -> str:
        done = CliRunner().invoke(app, ["protection", *words], input=keys)
        assert done.exit_code == 0, done
        return done.output

    terminal.set_style(as_json=False, language=Language.ZH)
    assert "national_security" in run("matrix")
    harms = ("--harm", "organisation_rights=serious", "--factor", "scale")
    assert "L3" in run("assess", FIRMS, "--category", "government", *harms, "--reason", "商业信息")
    assert "一般数据，L3" in run("assessment", FIRMS)
    assert FIRMS in run("assessments")
    assert "L3" in run("floors", FIRMS)
    proposed = house.protection.correct(house.steward, FIRMS, "法定代表人", kind="plain", reason="公开").lowering
    assert proposed is not None
    assert proposed.id in run("lowerings")
    terminal.set_style(as_json=True, language=Language.ZH)
    seen = json.loads(run("show-lowering", proposed.id))["seen"]
    terminal.set_style(as_json=False, language=Language.ZH)
    assert "approved" in run("decide", proposed.id, "--agree", "--seen", seen)
    said = run("correct", FIRMS, "企业名称", "--level", "L4")
    assert "L4" in said
    said = run("correct", FIRMS, "企业名称", "--level", "L3", "--reason", "复核")
    assert "beijiang protection decide low_" in said
    (waits,) = house.protection.lowerings(house.reviewer)
    assert "withdrawn" in run("withdraw-lowering", waits.lowering.id)
