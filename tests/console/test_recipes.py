"""Recipes in the console: a table is cleansed by suggested steps, tried, saved, run, changed and retired."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

import waiting
from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM

TABLE = "学校基金登记"
NEW = f"/console/recipes-new?source={quote(TABLE)}"


@pytest.fixture(scope="module", autouse=True)
def table(office: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("recipes") / "登记.csv"
    rows = "".join(f"{n},第{n}基金会,{n}({'万' if n % 9 else '头'}),呼和浩特市新城区{n}号\n" for n in range(1, 41))
    path.write_text("编号,机构名称,原始基金,住所\n" + rows, encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()


def packed(page: str) -> str:
    found = re.search(r'name="steps" value="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


def until(desk: Any, path: str, words: str) -> str:
    """Reload a page until it says something."""

    def told() -> str:
        page = str(desk.get(path).text)
        return page if words in page else ""

    return waiting.until(told, every=0.1)


def test_a_steward_cleanses_a_table_step_by_step(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    assert "看看推荐哪些步骤" in steward.get(NEW).text
    assert TABLE in steward.get("/console/recipes-new").text
    form = {"source": TABLE, "target": "学校基金净表", "name": "基金清洗", "on_write": "yes", "steps": "[]"}
    page = steward.post("/console/recipes-edit", {**form, "do": "suggest"}).text
    form["steps"] = packed(page)
    kinds = [step["kind"] for step in json.loads(form["steps"])]
    assert "region" in kinds
    page = steward.post("/console/recipes-edit", {**form, "do": "kind", "add": "money"}).text
    assert 'name="p_amount"' in page
    wrong = {**form, "do": "add", "kind": "money", "p_amount": "_bj_x", "column": "原始基金"}
    page = steward.post("/console/recipes-edit", wrong).text
    assert "不能用作列名" in page or "不可用" in page
    assert json.loads(packed(page)) == json.loads(form["steps"]), "a step that cannot be used is not added"
    page = steward.post("/console/recipes-edit", {**wrong, "p_amount": "金额"}).text
    form["steps"] = packed(page)
    assert "4 行无法识别" in page
    assert "金额" in page
    at = len(json.loads(form["steps"])) - 1
    page = steward.post("/console/recipes-edit", {**form, "do": f"up:{at}"}).text
    assert json.loads(packed(page))[at - 1]["kind"] == "money"
    page = steward.post("/console/recipes-edit", {**form, "do": f"edit:{at}"}).text
    assert re.search(r'name="column" value="原始基金" checked', page)
    answer = steward.post("/console/recipes-edit", {**form, "do": "save"})
    assert answer.status_code == 303
    page = until(steward, answer.headers["location"], "第 1 版")
    assert "增量：只加工变化的行" in page
    assert "结果表还没有由本配方记下的版本" in page
    rows = re.search(r'href="(/console/recipe-runs/[^"]+)"', page)
    assert rows
    assert "9(头)" in steward.get(rows[1]).text
    listed = steward.get("/console/recipes").text
    assert "基金清洗" in listed
    recipe = answer.headers["location"].rsplit("/", 1)[1]
    assert "基金清洗" in steward.get(f"/console/recipes/{recipe}/edit").text
    page = steward.post("/console/recipes-edit", {**form, "recipe": recipe, "do": "save"}).text
    assert "请说明修改的理由" in page
    steward.post("/console/recipes-edit", {**form, "recipe": recipe, "do": "save", "reason": "再来"})
    page = steward.get(f"/console/recipes/{recipe}").text
    assert "修订 2" in page
    steward.post(f"/console/recipes/{recipe}/run")
    until(steward, f"/console/recipes/{recipe}", "第 2 版")
    steward.post(f"/console/recipes/{recipe}/retire", {"reason": "不用了"})
    assert steward.get(f"/console/recipes/{recipe}").status_code == 404


def test_a_select_becomes_a_table_and_nonsense_is_said(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    assert steward.get("/console/recipes-sql").status_code == 200
    sql = f"SELECT 住所, count(*) AS 家数 FROM {TABLE} GROUP BY 1"
    form = {"sql": sql, "target": "学校基金统计", "on_write": "yes", "steps": "[]"}
    assert "家数" in steward.post("/console/recipes-edit", {**form, "do": "preview"}).text
    page = steward.post("/console/recipes-edit", {**form, "sql": "DROP TABLE x", "do": "save"}).text
    assert "不被允许" in page
    assert "DROP TABLE x" in page, "what was written stays in the form"
    answer = steward.post("/console/recipes-edit", {**form, "do": "save"})
    assert answer.status_code == 303
    page = steward.get(answer.headers["location"]).text
    assert "家数" in page
    assert "增量：只重算涉及的分组" in page
    for broken in ({"steps": "[{}]"}, {"do": "kind", "add": "?"}, {"do": "add", "kind": "nothing"}):
        answer = steward.post("/console/recipes-edit", {"source": TABLE, "steps": "[]", **broken})
        assert answer.status_code in {200, 422}
        assert "表单不完整" in answer.text


def test_others_neither_see_nor_make_recipes(desk: Callable[..., Any]) -> None:
    other = desk("sys_admin")
    assert "/console/recipes" not in other.get("/console").text
    assert other.get(NEW).status_code in {403, 404}
    answer = other.post("/console/recipes-edit", {"source": TABLE, "steps": "[]", "do": "save", "target": "偷"})
    assert answer.status_code in {403, 404}
