"""Views of lists: kept by name, opened again, one's own alone; over pages and over the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from beijiang.access import Role
from beijiang.desk import ViewDraft
from beijiang.desk.models import MOST
from beijiang.kit import Conflict, Denied, NotFound

KEPT = re.compile(r'<a class="tag [^"]*" href="(/console/people\?[^"]+)"([^>]*)>([^<]+)</a>')
REMOVE = re.compile(r'action="(/console/views/[^"]+/remove)"')


def test_a_view_is_kept_opened_and_removed_where_the_list_is(desk: Callable[..., Any]) -> None:
    admin = desk("sys_admin")
    asked = "/console/people?_sort=-login&_only.org=教育厅&lang=zh-CN"
    page = admin.get(asked).text
    assert "存为视图" in page
    query = re.search(r'name="query" value="([^"]+)"', page)[1].replace("&amp;", "&")
    form = {"list": "people", "name": "教育厅的人", "query": query, "back": "/console/people"}
    done = admin.post("/console/views", form)
    assert (done.status_code, done.headers["location"]) == (303, "/console/people")
    href, _, name = KEPT.search(admin.get("/console/people").text).groups()
    assert name == "教育厅的人"
    opened = admin.get(href.replace("&amp;", "&")).text
    assert 'aria-current="true">教育厅的人' in opened
    assert re.search(r'aria-sort="descending"><a class="sort" href="[^"]*">账号', opened)
    assert "教育厅的人" not in desk("sec_admin").get("/console/people").text
    admin.post(REMOVE.search(opened)[1], {"back": "/console/people"})
    assert not KEPT.search(admin.get("/console/people").text)


def test_a_form_may_not_lead_to_another_site(desk: Callable[..., Any]) -> None:
    form = {"list": "people", "name": "x", "query": "_sort=name", "back": "//evil.example/"}
    assert desk("sys_admin").post("/console/views", form).headers["location"] == "/console"


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_everybody_keeps_views_over_the_api_and_nobody_sees_another_s(desk: Callable[..., Any], role: str) -> None:
    who = desk(role)
    headers = {"X-CSRF-Token": who.token(), "Origin": "https://testserver"}
    made = who.client.post(
        "/api/v1/desk/views", json={"list": "grants", "name": "快到期", "query": "_sort=until"}, headers=headers
    )
    assert made.status_code == 201, made.text
    again = who.client.post(
        "/api/v1/desk/views", json={"list": "grants", "name": "快到期", "query": "_sort=-until"}, headers=headers
    )
    mine = who.client.get("/api/v1/desk/views?list=grants").json()["views"]
    assert [(one["id"], one["query"]) for one in mine] == [(again.json()["id"], "_sort=-until")]
    stranger = desk("member" if role != "member" else "analyst")
    other = {"X-CSRF-Token": stranger.token(), "Origin": "https://testserver"}
    hidden = stranger.client.delete(f"/api/v1/desk/views/{mine[0]['id']}", headers=other)
    missing = stranger.client.delete("/api/v1/desk/views/view_made_up", headers=other)
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json()["error"]["code"] == missing.json()["error"]["code"] == "view_not_found"
    assert who.client.delete(f"/api/v1/desk/views/{mine[0]['id']}", headers=headers).status_code == 204
    assert who.client.get("/api/v1/desk/views?list=grants").json() == {"views": []}


def test_who_has_no_password_yet_keeps_nothing_and_there_is_an_end_to_views(office: Any) -> None:
    from beijiang.kit import SYSTEM

    person = next(p for p in office.access.people(SYSTEM) if p.login == "a.analyst")
    with pytest.raises(Denied):
        office.desk.views(person.as_actor("s", pending=True))
    actor = person.as_actor("s")
    for n in range(MOST):
        office.desk.keep(actor, ViewDraft(list="runs", name=f"视图{n}"))
    with pytest.raises(Conflict) as full:
        office.desk.keep(actor, ViewDraft(list="runs", name="再来一个"))
    assert full.value.reason == "too_many_views"
    office.desk.keep(actor, ViewDraft(list="runs", name="视图0", query="_sort=at"))
    assert len(office.desk.views(actor, "runs")) == MOST
    with pytest.raises(NotFound):
        office.desk.remove(actor, "view_made_up")
