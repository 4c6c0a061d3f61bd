"""Row rules through their doors: HTTP, terminal and the service below."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import typer
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.kit import BeijiangError, Conflict, Denied, Invalid, Language, NotFound
from beijiang.protection import Audience, commands, routes
from beijiang.tables import Exit, Filter, FilterOp, WriteMode

if TYPE_CHECKING:
    from conftest import House

FIRMS = "企业登记信息"
RULES = f"/api/v1/tables/{FIRMS}/row-rules"
ONE_CITY = {"filters": [{"column": "盟市", "value": "包头市"}], "audience": "open", "reason": "只开放包头"}


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
    house.write_firms(30)
    return TestClient(app)


@pytest.mark.threat("TM-04")
def test_a_rule_is_set_seen_and_lifted_over_http(door: TestClient, house: House) -> None:
    house.publish(FIRMS)
    answer = door.post(RULES, json=ONE_CITY)
    made = answer.json()
    assert (answer.status_code, made["audience"], made["hides"]) == (201, "open", 24)
    assert made["filters"] == [{"column": "盟市", "op": "eq", "value": "包头市"}]
    also = {"filters": [{"column": "成立日期", "op": "gte", "value": "2010-01-01"}], "reason": "只看近年"}
    assert door.post(RULES, json=also).json()["hides"] == 15
    told = door.get(RULES).json()
    assert (told["version"], told["rows"], [r["hides"] for r in told["rules"]]) == (1, 30, [24, 15])
    assert told["hidden_from"] == {"open": 27, "shared": 15, "granted": 15, "review": 15, "own": 15, "platform": 15}
    assert house.gate.open(house.member, FIRMS, "", Exit.ROW_API).count() == 3
    assert house.gate.open(house.steward, FIRMS, "", Exit.ROW_API).count() == 15
    rule = f"{RULES}/{made['id']}"
    assert door.delete(f"{rule}?reason=期满").status_code == 204
    assert door.delete(f"{rule}?reason=期满").json() == {"code": "rule_not_found"}
    assert house.gate.open(house.member, FIRMS, "", Exit.ROW_API).count() == 15
    steps = [(r.action, r.actor_id, r.detail["reason"]) for r in house.records(target=FIRMS) if "reason" in r.detail]
    assert ("protection.restrict", house.steward.id, "只开放包头") in steps
    assert ("protection.lift", house.steward.id, "期满") in steps


@pytest.mark.threat("TM-04")
def test_only_who_answers_for_a_table_rules_on_its_rows(door: TestClient, house: House) -> None:
    made = door.post(RULES, json=ONE_CITY).json()["id"]
    for who in ("stranger", "member"):
        headers = {"x-actor": who}
        answers = [
            door.get(RULES, headers=headers),
            door.post(RULES, json=ONE_CITY, headers=headers),
            door.delete(f"{RULES}/{made}?reason=x", headers=headers),
        ]
        assert {answer.status_code for answer in answers} <= {403, 404}, who
    assert door.delete(f"{RULES}/{made}?reason=x", headers={"x-actor": "stranger"}).json() == {"code": "rule_not_found"}
    house.write_people(10)
    other = door.delete(f"/api/v1/tables/人口库/row-rules/{made}?reason=x")
    assert other.json() == {"code": "rule_not_found"}, "a rule is lifted at its own table"
    assert [r["id"] for r in door.get(RULES).json()["rules"]] == [made]
    with pytest.raises(Denied):
        house.protection.lift(house.reviewer, made, "x")


@pytest.mark.threat("TM-09")
@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"filters": [{"column": "盟", "value": "x"}], "reason": "x"}, "unknown_column"),
        ({"filters": [{"column": "_bj_row", "value": 1}], "reason": "x"}, "unknown_column"),
        ({"filters": [{"column": "成立日期", "value": "1=1"}], "reason": "x"}, "filter_value"),
        ({"filters": [{"column": "注册资本", "op": "contains", "value": "1"}], "reason": "x"}, "filter_value"),
        ({"filters": [{"column": "盟市", "value": None}], "reason": "x"}, "filter_value"),
        ({"filters": [{"column": "盟市", "op": "in", "value": []}], "reason": "x"}, "filter_value"),
        ({"filters": [{"column": "盟市", "value": "x"}], "reason": "  "}, "rule_incomplete"),
    ],
)
def test_a_rule_that_says_nothing_clear_is_refused(door: TestClient, order: dict[str, Any], code: str) -> None:
    answer = door.post(RULES, json=order)
    assert (answer.status_code, answer.json()) == (422, {"code": code})
    assert door.get(RULES).json()["rules"] == []


@pytest.mark.parametrize(
    "order",
    [
        {**ONE_CITY, "filters": []},
        {**ONE_CITY, "filters": [{"column": "盟市", "op": "or 1=1", "value": "x"}]},
        {**ONE_CITY, "audience": "everyone"},
        {**ONE_CITY, "sql": "1=1"},
        {**ONE_CITY, "filters": [{"column": "盟市", "value": {"a": 1}}]},
    ],
)
def test_only_the_closed_grammar_is_read(door: TestClient, order: dict[str, Any]) -> None:
    assert door.post(RULES, json=order).status_code == 422


@pytest.mark.threat("TM-09")
def test_a_value_is_a_value_whatever_it_looks_like(door: TestClient) -> None:
    words = {"filters": [{"column": "企业名称", "op": "ne", "value": "' OR 1=1; DROP TABLE x --"}], "reason": "x"}
    assert door.post(RULES, json=words).json()["hides"] == 0
    several = {"filters": [{"column": "盟市", "op": "in", "value": ["包头市", "a,b", "赤峰市"]}], "reason": "x"}
    assert door.post(RULES, json=several).json()["hides"] == 18


def test_a_rule_whose_column_is_gone_says_that_nobody_is_served(door: TestClient, house: House) -> None:
    door.post(RULES, json=ONE_CITY)
    fewer = pa.schema([field for field in house.FIRMS if field.name != "盟市"])
    rows = [{name: row[name] for name in fewer.names} for row in house.firms(10)]
    with pytest.raises(Conflict) as stop:
        house.write(FIRMS, rows, fewer, mode=WriteMode.REPLACE)
    plan: Any = stop.value.detail["plan"]
    house.write(FIRMS, rows, fewer, mode=WriteMode.REPLACE, accept_plan=plan["token"])
    told = door.get(RULES).json()
    assert [rule["hides"] for rule in told["rules"]] == [None]
    assert (told["hidden_from"]["open"], told["hidden_from"]["own"]) == (None, 0)


def test_the_terminal_sets_shows_and_lifts_rules(house: House) -> None:
    house.write_firms(30)
    app = typer.Typer()
    app.add_typer(
        commands.commands(lambda: house.protection, lambda: house.access, lambda: house.releases), name="protection"
    )
    app.command("other")(lambda: None)
    terminal.set_style(as_json=True, language=Language.ZH)
    run = CliRunner()
    words = ["--where", "盟市__in=包头市,赤峰市", "--where", "成立日期__gte=2010-01-01"]
    made = run.invoke(
        app, ["protection", "restrict", FIRMS, *words, "--audience", "shared", "--reason", "只看两市近年"]
    )
    assert made.exit_code == 0, made.output
    (rule,) = json.loads(made.stdout)
    assert (rule["audience"], rule["hides"]) == ("其他部门", 24)
    assert rule["where"] == "盟市__in=包头市,赤峰市 & 成立日期__gte=2010-01-01"
    assert json.loads(run.invoke(app, ["protection", "rules", FIRMS]).stdout) == [rule]
    refused = run.invoke(app, ["protection", "restrict", FIRMS, "--where", "盟市", "--reason", "x"])
    assert isinstance(refused.exception, Invalid)
    assert refused.exception.reason == "bad_condition"
    assert run.invoke(app, ["protection", "restrict", FIRMS, "--reason", "x"]).exit_code == 2
    assert run.invoke(app, ["protection", "lift", rule["id"]]).exit_code == 2
    assert run.invoke(app, ["protection", "lift", rule["id"], "--reason", "期满"]).exit_code == 0
    assert json.loads(run.invoke(app, ["protection", "rules", FIRMS]).stdout) == []
    assert isinstance(run.invoke(app, ["protection", "lift", rule["id"], "--reason", "x"]).exception, NotFound)
    terminal.set_style(as_json=False, language=Language.ZH)


def test_a_rule_for_one_audience_binds_nobody_else(house: House) -> None:
    house.write_firms(30)
    only = [Filter("盟市", FilterOp.ISNULL)]
    house.protection.restrict(house.steward, FIRMS, only, audience=Audience.REVIEW, reason="抽查")
    assert house.gate.open(house.reviewer, FIRMS, "", Exit.PAGE).count() == 6
    assert house.gate.open(house.steward, FIRMS, "", Exit.PAGE).count() == 30
