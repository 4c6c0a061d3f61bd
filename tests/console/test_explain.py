"""Why somebody may or may not do something: the same answer as the door gives, and the policies in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from beijiang.access import Permission, Role
from beijiang.access.commands import people
from beijiang.access.service.explaining import policy_words
from beijiang.kit import SYSTEM

POLICY = re.compile(r'@id\("([^"]+)"\)\s+(permit|forbid)')


def test_every_policy_has_its_words_and_no_word_is_left_over() -> None:
    folder = resources.files("beijiang.access") / "policies"
    there = {
        name: effect == "permit"
        for file in ("roles.cedar", "limits.cedar")
        for name, effect in POLICY.findall((folder / file).read_text("utf-8"))
    }
    assert {one.id: one.permits for one in policy_words().values()} == there
    assert all(one.text.zh and one.text.en for one in policy_words().values())


@pytest.mark.parametrize("role", list(Role))
def test_an_explanation_agrees_with_the_decision_and_names_roles_that_would(office: Any, role: Role) -> None:
    login = f"a.{role.value}"
    who = office.access.actor_for_person(login)
    for permission in Permission:
        for org in (None, "education", "health"):
            found = office.access.explain(SYSTEM, login, permission, org)
            assert found.allowed is office.access.allows(who, permission, org), (permission, org)
            assert not found.allowed or role in found.would
            assert bool(found.policies) or not found.allowed


def test_a_forbidden_thing_names_the_policy_that_forbids(office: Any) -> None:
    found = office.access.explain(SYSTEM, "a.sys_admin", Permission.TABLES_TABLE_WRITE, "education")
    assert [one.id for one in found.policies] == ["administrators-hold-no-data-right"]
    assert "禁止" in found.why.zh
    nothing = office.access.explain(SYSTEM, "a.analyst", Permission.CATALOG_RESOURCE_PUBLISH, "education")
    assert nothing.policies == ()
    assert Role.BUREAU_PUBLISHER in nothing.would
    assert Role.ANALYST not in nothing.would


def test_one_asks_about_oneself_and_about_others_only_where_they_may_be_seen(desk: Callable[..., Any]) -> None:
    own = desk("analyst").get("/console/explain?do=protection:sql:run&lang=zh-CN").text
    assert "可以：下面的策略允许" in own
    assert "government-shared-rows-and-sql" in own
    page = desk("sec_admin").get("/console/explain?who=a.steward&do=catalog:resource:publish&org=education").text
    assert "没有策略允许" in page
    assert "数据局发布员" in page.split('id="answer"')[1]
    assert "能做什么" in desk("sec_admin").get("/console/people").text
    hidden = desk("analyst").get("/console/explain?who=a.sec_admin&do=protection:sql:run").text
    missing = desk("analyst").get("/console/explain?who=nobody&do=protection:sql:run").text
    notice = re.compile(r'<p class="notice bad"[^>]*>(.*?)</p>', re.DOTALL)
    assert notice.search(hidden)[1] == notice.search(missing)[1]
    assert desk(None).get("/console/explain").status_code == 401
    assert desk("analyst").get("/console/explain?do=no:such:thing").status_code == 200


def test_the_api_and_the_terminal_say_the_same(office: Any, desk: Callable[..., Any]) -> None:
    address = "/api/v1/people/a.steward/explain"
    told = desk("sec_admin").client.get(address, params={"permission": "tables:table:write", "org_id": "education"})
    assert told.json()["allowed"] is True
    assert [one["id"] for one in told.json()["policies"]] == ["steward-own-organisation"]
    refused = desk("sec_admin").client.get(address, params={"permission": "no:such"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "no_permission")
    group: typer.Typer = people(lambda: office.access)
    said = CliRunner().invoke(group, ["explain", "a.steward", "tables:table:write", "--org", "health"])
    assert said.exit_code == 0, said.output
    assert "没有策略允许" in said.output
