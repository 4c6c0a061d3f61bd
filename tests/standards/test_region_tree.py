"""The tree of regions as it stood on a day: through the service, over HTTP and at the terminal."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.kit import Language, NotFound, Text
from beijiang.standards import CodeSet, CodeValue, Standards, commands, routes, tree_of


def below(standards: Standards, code: str, on: date) -> list[str]:
    return [child.value.code for child in standards.region_on(code, on).children]


def test_leagues_were_there_before_they_became_cities() -> None:
    standards = Standards()
    eve, day = date(2001, 2, 25), date(2001, 2, 26)
    before, after = (below(standards, "150000", on) for on in (eve, day))
    assert "152700" in before
    assert "150600" not in before
    assert "150600" in after
    assert "152700" not in after
    assert "152701" in below(standards, "152700", eve)
    assert "150602" in below(standards, "150600", day)
    assert len(before) == len(after) == 12, "the region has had twelve leagues and cities all these years"
    with pytest.raises(NotFound) as error:
        standards.region_on("152700", day)
    assert error.value.reason == "unknown_code"
    now = standards.region_tree(date(2026, 3, 10))
    assert [root.value.code for root in now.roots] == ["150000"]
    assert now.apart == ()
    today = {node.value.code for root in now.roots for node in root.walk()}
    assert today == {one.code for one in standards.code_set("region").values}


def test_a_code_whose_code_above_did_not_hold_stands_apart_and_circles_end() -> None:
    values = (
        CodeValue("1", Text("甲", "a")),
        CodeValue("11", Text("乙", "b"), "1", date(2010, 1, 1)),
        CodeValue("111", Text("丙", "c"), "11"),
        CodeValue("8", Text("丁", "d"), "9"),
        CodeValue("9", Text("戊", "e"), "8"),
    )
    found = CodeSet(id="s", name=Text("集", "set"), values=values)
    early, late = tree_of(found, date(2009, 1, 1)), tree_of(found, date(2011, 1, 1))
    assert [node.value.code for root in early.roots for node in root.walk()] == ["1"]
    assert [value.code for value in early.apart] == ["111", "8", "9"]
    assert [(node.value.code, node.tier) for root in late.roots for node in root.walk()] == [
        ("1", 1),
        ("11", 2),
        ("111", 3),
    ]
    assert late.find("8") is None


def test_the_tree_over_http_and_at_the_terminal(office: Any) -> None:
    app = FastAPI()
    app.include_router(routes.router(office.platform.standards))
    with TestClient(app) as door:
        here = "/api/v1/standards/regions"
        found = door.get(here, params={"parent": "152700", "on": "2000-01-01"}).json()
        assert (found["on"], found["parent"]["name"]["zh"]) == ("2000-01-01", "伊克昭盟")
        first = next(one for one in found["regions"] if one["code"] == "152701")
        assert (first["valid_to"], first["replaced_by"], first["tier"]) == ("2001-02-26", ["150602"], 3)
        assert "150600" in {one["code"] for one in door.get(here).json()["regions"]}
        assert door.get(here, params={"on": "gestern"}).status_code == 422
    terminal.set_style(as_json=True, language=Language.ZH)
    group = commands.commands(lambda: office.platform.standards)
    answer = CliRunner().invoke(group, ["regions", "--on", "2000-01-01"])
    assert "伊克昭盟" in {one["name"] for one in json.loads(answer.stdout)}
    answer = CliRunner().invoke(group, ["regions", "150000", "--on", "2000-01-01", "--deep"])
    deep = {one["code"]: one["tier"] for one in json.loads(answer.stdout)}
    assert (deep["152700"], deep["152701"]) == (2, 3)
    answer = CliRunner().invoke(group, ["regions"])
    assert {"150600", "152500"} <= {one["code"] for one in json.loads(answer.stdout)}
