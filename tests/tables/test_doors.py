"""The lake's own doors: who may look and act, over HTTP and in the terminal."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI, Request
from typer.testing import CliRunner

from beijiang.access import watch_questions
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, ActorKind, BeijiangError, Language
from beijiang.tables import Exit, WriteMode
from beijiang.tables.commands import commands
from beijiang.tables.routes import router
from beijiang.terminal import set_style

if TYPE_CHECKING:
    from conftest import Bench

TABLE = "企业名录"


def steward(org: str) -> Actor:
    return Actor(id="u1", name="专员", kind=ActorKind.PERSON, org_id=org, roles=frozenset({"steward"}))


def test_nobody_without_the_right_sees_or_writes_anything(one: Bench) -> None:
    one.commit(one.firms(0, 3))
    assert list(one.tables.list(ANONYMOUS)) == []
    for ask in (
        lambda: one.tables.get(ANONYMOUS, TABLE),
        lambda: one.tables.get(ANONYMOUS, "没有的表"),
        lambda: one.tables.history(ANONYMOUS, TABLE),
        lambda: one.tables.rollback(ANONYMOUS, TABLE, 1, "x"),
        lambda: one.tables.compact(ANONYMOUS, TABLE),
        lambda: one.tables.open(ANONYMOUS, TABLE, "看", Exit.PAGE),
    ):
        with pytest.raises(BeijiangError) as caught:
            ask()
        assert caught.value.status == 404
    for write in (one.tables.commit, one.tables.plan):
        with pytest.raises(BeijiangError) as caught:
            write(ANONYMOUS, one.request(one.firms(5, 6)))
        assert caught.value.status in {401, 403}


def test_unknown_and_hidden_tables_say_the_same(one: Bench) -> None:
    one.commit(one.firms(0, 3))
    said = []
    for name in (TABLE, "没有的表"):
        with pytest.raises(BeijiangError) as caught:
            one.tables.get(ANONYMOUS, name)
        said.append((caught.value.reason, caught.value.text.zh.replace(name, "…"), caught.value.detail))
    assert said[0] == said[1]


def test_a_steward_writes_for_the_own_organisation_only(one: Bench) -> None:
    assert one.commit(one.firms(0, 3), actor=steward("org_market")).actor_name == "专员"
    with pytest.raises(BeijiangError) as caught:
        one.commit(one.firms(3, 5), actor=steward("org_other"))
    assert caught.value.status == 403
    with pytest.raises(BeijiangError):
        one.commit(one.firms(3, 5), actor=steward("org_other"), org_id="org_other")
    assert len(one.rows()) == 3


def test_every_verb_asks(one: Bench) -> None:
    one.commit(one.firms(0, 3))
    one.commit(one.firms(3, 5))
    verbs = {
        "list": lambda: one.tables.list(SYSTEM),
        "names": lambda: one.tables.names(SYSTEM),
        "get": lambda: one.tables.get(SYSTEM, TABLE),
        "history": lambda: one.tables.history(SYSTEM, TABLE),
        "schema": lambda: one.tables.schema(SYSTEM, TABLE),
        "plan": lambda: one.tables.plan(SYSTEM, one.request(one.firms(9, 10))),
        "commit": lambda: one.commit(one.firms(9, 10)),
        "rollback": lambda: one.tables.rollback(SYSTEM, TABLE, 1, "x"),
        "compact": lambda: one.tables.compact(SYSTEM, TABLE),
    }
    for name, verb in verbs.items():
        with watch_questions() as questions:
            verb()
        assert questions, name


class Web:
    """A client of the routes alone, signed in as the platform."""

    def __init__(self, bench: Bench) -> None:
        self._app = FastAPI()

        @self._app.middleware("http")
        async def as_system(request: Request, call_next: Any) -> Any:
            request.state.actor = SYSTEM
            request.state.language = Language.ZH
            return await call_next(request)

        self._app.include_router(router(bench.tables))

    def __call__(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://beijiang") as client:
                return await client.request(method, f"/api/v1/tables{path}", json=body)

        return asyncio.run(ask())


def test_the_api_shows_tables_and_acts_on_them(one: Bench) -> None:
    web = Web(one)
    one.commit(one.firms(0, 3), reason="首批")
    one.commit(one.firms(3, 5))
    [table] = web("GET", "").json()["tables"]
    assert (table["name"], table["version"], table["rows"]) == (TABLE, 2, 5)
    shown = web("GET", f"/{TABLE}").json()
    assert [c["name"] for c in shown["columns"]] == ["统一社会信用代码", "企业名称", "注册资本(万元)"]
    versions = web("GET", f"/{TABLE}/history").json()["versions"]
    assert [(v["version"], v["mode"], v["reason"]) for v in versions] == [(2, "append", ""), (1, "append", "首批")]
    back = web("POST", f"/{TABLE}/rollback", {"version": 1, "reason": "更正"}).json()
    assert (back["version"], back["rows"]) == (3, 3)
    assert web("POST", f"/{TABLE}/rollback", {"version": 1}).status_code == 422
    assert web("POST", f"/{TABLE}/compact").json()["mode"] == "compact"
    assert "_bj_" not in web("GET", f"/{TABLE}").text


def test_the_terminal_shows_tables_and_acts_on_them(one: Bench) -> None:
    one.commit(one.firms(0, 3), reason="首批")
    one.commit(one.firms(3, 5))
    run = CliRunner()
    group = commands(lambda: one.tables)
    set_style(as_json=True, language=Language.ZH)
    try:
        assert json.loads(run.invoke(group, ["list"]).stdout)[0]["rows"] == 5
        shown = json.loads(run.invoke(group, ["show", TABLE]).stdout)
        assert shown["columns"][0]["name"] == "统一社会信用代码"
        assert [v["version"] for v in json.loads(run.invoke(group, ["history", TABLE]).stdout)] == [2, 1]
        back = run.invoke(group, ["rollback", TABLE, "--to", "1", "--reason", "更正"])
        assert json.loads(back.stdout)["rows"] == 3
        assert json.loads(run.invoke(group, ["compact", TABLE]).stdout)["mode"] == "compact"
        assert run.invoke(group, ["rollback", TABLE]).exit_code == 2
    finally:
        set_style(as_json=False, language=Language.ZH)
    plain = run.invoke(group, ["history", TABLE])
    assert "rollback" in plain.stdout
    assert "更正" in plain.stdout


def test_both_doors_give_the_sql_of_a_moment(one: Bench) -> None:
    one.commit(one.firms(0, 2), key=("统一社会信用代码",), mode=WriteMode.HISTORY)
    one.commit(one.firms(0, 2), table="平表")
    web, run, group = Web(one), CliRunner(), commands(lambda: one.tables)
    sql = web("GET", f"/{TABLE}/as-of?at=2026-01-31T08:00%2B08:00").json()["sql"]
    assert sql.startswith(f'SELECT * FROM "{TABLE}" WHERE "valid_from" <= ')
    set_style(as_json=True, language=Language.ZH)
    try:
        told = run.invoke(group, ["as-of", TABLE, "2026-01-31T08:00+08:00"]).stdout
        assert json.loads(told) == {"sql": sql}
        assert json.loads(run.invoke(group, ["list"]).stdout)[0]["history"] is (
            json.loads(run.invoke(group, ["list"]).stdout)[0]["name"] == TABLE
        )
    finally:
        set_style(as_json=False, language=Language.ZH)
    assert web("GET", f"/{TABLE}").json()["history"] is True
    for path, code in (
        (f"/{TABLE}/as-of?at=2026-01-31", "bad_moment"),
        (f"/{TABLE}/as-of?at=x", "bad_moment"),
        ("/平表/as-of?at=2026-01-31T08:00Z", "not_a_history_table"),
    ):
        with pytest.raises(BeijiangError) as caught:
            web("GET", path)
        assert caught.value.reason == code
