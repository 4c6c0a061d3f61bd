"""Keys that people make on their own page: each for a use, none with more than a role allows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beijiang.access import SCOPES, Permission
from beijiang.console.routes.session import KEY_USES

USES = re.compile(r'name="use" value="([a-z]+)"')
SECRET = re.compile(r"bj_[0-9a-z]+_[0-9a-f]{64}")


def made(who: Any, **fields: Any) -> str:
    """Make a key on the page and return its secret."""
    page = who.post("/console/keys", {"name": "取数程序", "days": "30", **fields})
    assert page.status_code == 200, page.headers.get("location")
    found = SECRET.search(page.text)
    assert found, page.text
    return found[0]


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        ("member", ["open", "granted", "chosen"]),
        ("analyst", ["open", "granted", "query", "chosen"]),
        ("steward", ["open", "granted", "query", "publish", "chosen"]),
    ],
)
def test_a_page_offers_the_uses_that_the_person_s_roles_allow(
    desk: Callable[..., Any], office: Any, role: str, offered: list[str]
) -> None:
    page = desk(role).get("/console/keys").text
    assert USES.findall(page) == offered
    actor = office.access.actor_for_person(f"a.{role}")
    shown = re.findall(r'name="scope" value="([^"]+)"', page)
    assert shown == [scope for scope in SCOPES if office.access.allows(actor, scope, actor.org_id)]
    assert str(Permission.ACCESS_ROLE_ASSIGN) not in shown


@pytest.mark.parametrize("use", ["open", "granted"])
def test_a_key_is_made_for_its_use_and_does_no_more(desk: Callable[..., Any], office: Any, use: str) -> None:
    who = desk("member")
    made(who, use=use)
    actor = office.access.actor_for_person("a.member")
    newest = max(office.access.keys(actor, actor.id), key=lambda key: key.id)
    assert newest.scopes == {str(scope) for scope in KEY_USES[use][1]}


def test_rights_can_be_chosen_one_by_one(desk: Callable[..., Any], office: Any) -> None:
    who = desk("steward")
    before = {key.id for key in office.access.keys(office.access.actor_for_person("a.steward"))}
    made(who, use="chosen", scope=["catalog:resource:read"])
    actor = office.access.actor_for_person("a.steward")
    fresh = [key for key in office.access.keys(actor, actor.id) if key.id not in before]
    assert [key.scopes for key in fresh] == [frozenset({"catalog:resource:read"})]
    assert "<code>catalog:resource:read</code>" in who.get("/console/keys").text
    for fields in ({"use": "chosen"}, {"use": "chosen", "scope": ["access:role:assign"]}, {"use": "no such use"}):
        refused = who.post("/console/keys", {"name": "不成", **fields})
        assert refused.status_code == 303
        assert "不成" not in who.get("/console/keys").text


def test_the_use_for_ckan_clients_holds_what_the_how_to_asks_for() -> None:
    how_to = (Path(__file__).parents[2] / "docs" / "how-to" / "use-ckan-clients.md").read_text(encoding="utf-8")
    writing = how_to.split("## Writing packages")[1]
    asked = set(re.findall(r"`((?:catalog|opendata|ingest|jobs):[a-z_]+:[a-z_]+)`", writing))
    assert asked == {str(scope) for scope in KEY_USES["publish"][1]}


def test_revoking_says_what_stops(desk: Callable[..., Any]) -> None:
    who = desk("analyst")
    secret = made(who, use="open")
    page = who.get("/console/keys").text
    assert "从下一次请求起被拒绝" in page
    key = f"key_{secret.split('_')[1]}"
    assert who.post(f"/console/keys/{key}/revoke").status_code == 303
    assert f"/console/keys/{key}/revoke" not in who.get("/console/keys").text
