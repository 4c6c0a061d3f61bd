"""The catalog between nodes in the browser, over the API and at the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.exchange import RequestState
from beijiang.federation.commands import catalog_commands
from beijiang.federation.models.entries import entry_of
from travelling import CAPITAL, CITY, Browser, Levels, turn

AT = "/api/v1/federation"


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Levels]:
    """Both nodes, after a publisher of the city decided on the page that its catalog is told."""
    made = Levels(tmp_path_factory.mktemp("cascade"))
    publisher = Browser(made.city, "publisher")
    page = f"/console/federation/catalog/{made.up.id}"
    assert "未开启" in publisher.get(page)
    assert page in publisher.get("/console/federation")
    publisher.post(page, on="yes", divisions="")
    assert "上报中" in publisher.get(page)
    turn(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def entry_id(levels: Levels) -> str:
    return entry_of(levels.down.id, levels.city.resource.id)


def test_an_entry_of_a_node_below_is_found_looked_at_and_asked_for_in_the_browser(
    levels: Levels, entry_id: str
) -> None:
    consumer = Browser(levels.region, "consumer")
    page = consumer.get("/console/sharing/find?q=企业登记信息")
    assert "3 个资源" in page, "the register here, what was stated by hand, and what came"
    assert page.count(f"/console/linked-entries/{entry_id}") == 2, "itself, and in place of what was stated by hand"
    assert "来自节点：包头市" in page
    assert f"/console/sharing/ask?resource={entry_id}" in page
    assert f"/console/sharing/ask?resource={levels.entry}" not in page, "the origin wins"
    assert "没有找到" in consumer.get("/console/sharing/find?q=没有这样的词")
    assert "没有找到" in consumer.get("/console/sharing/find?q=企业登记信息&page=2")
    shown = consumer.get(f"/console/linked-entries/{entry_id}")
    assert "用于监管执法，按项审批" in shown
    assert "法定代表人证件号码" in shown
    assert entry_id in consumer.get(f"/console/linked-entries?words=注册资本&origin={levels.down.id}")
    assert "先由本级数据局确认外送" in consumer.get(f"/console/sharing/ask?resource={entry_id}")


def test_the_page_of_linkage_says_how_many_came_and_what_differed(levels: Levels) -> None:
    page = Browser(levels.region, "publisher").get("/console/federation")
    assert "缺 1，有变 0，多余 0" in page
    assert f"/console/linked-entries?origin={levels.down.id}" in page
    assert "上报给它" in Browser(levels.city, "reviewer").get("/console/federation")


def test_the_public_finds_nothing_of_it(levels: Levels, entry_id: str) -> None:
    public = TestClient(create_app(levels.up.platform), base_url="https://testserver", follow_redirects=False)
    assert public.get(f"/datasets/{entry_id}").status_code == 404
    assert entry_id not in public.get("/datasets?q=企业登记信息").text
    assert public.get(f"{AT}/entries").status_code == 401
    assert public.get(f"/console/linked-entries/{entry_id}").status_code == 401


def test_programs_do_the_same(levels: Levels, entry_id: str) -> None:
    region, city = (
        TestClient(create_app(bureau.platform), headers={"Authorization": f"Bearer {_key(bureau, login)}"})
        for bureau, login in ((levels.region, "reviewer"), (levels.city, "publisher"))
    )
    found = region.get(f"{AT}/entries", params={"words": "企业 注册资本"}).json()
    assert (found["total"], found["entries"][0]["id"]) == (1, entry_id)
    assert region.get(f"{AT}/entries/{entry_id}").json()["entry"]["items"][0]["column"]
    assert region.get(f"{AT}/entries/lnk_none").json()["error"]["code"] == "linked_entry_not_found"
    (standing,) = region.get(f"{AT}/catalogs").json()["catalogs"]
    assert (standing["node_id"], standing["entries"], standing["fresh"]) == (levels.down.id, 1, 1)
    rule = city.get(f"{AT}/catalogs/{levels.up.id}").json()
    assert (rule["on"], rule["untold"]) == (True, {"fresh": 0, "changed": 0, "gone": 0})
    assert city.put(f"{AT}/catalogs/{levels.up.id}", json={"on": True, "divisions": ["<"]}).status_code == 422
    assert region.put(f"{AT}/catalogs/{levels.down.id}", json={"on": True}).status_code == 403


def test_it_is_told_and_found_at_the_terminal(levels: Levels, entry_id: str) -> None:
    region, city = (
        catalog_commands(lambda p=node.platform: p.cascade, lambda p=node.platform: p.access)  # type: ignore[misc]
        for node in (levels.up, levels.down)
    )
    assert levels.down.id in _run(region, "show")
    assert entry_id in _run(region, "entries", "企业")
    assert "法定代表人电话" in _run(region, "entry", entry_id)
    assert levels.up.id in _run(city, "report", levels.up.id)
    codes = levels.down.platform.catalog.published(
        levels.city["steward"], levels.city.resource.id
    ).version.entry.categories
    _run(city, "report", levels.up.id, "--on", "--division", codes[0], "--as", "publisher")
    assert levels.down.platform.cascade.rule(levels.city["publisher"], levels.up.id).divisions == (codes[0],)


def _key(bureau: Any, login: str) -> str:
    scopes = frozenset(str(one) for one in Permission if one.startswith(("federation:", "catalog:")))
    _, secret = bureau.platform.access.issue_key(bureau[login], KeyDraft(name="cascade", scopes=scopes, days=1))
    return str(secret)


def _run(group: Any, *words: str) -> str:
    done = CliRunner().invoke(group, [*words])
    assert done.exit_code == 0, (words, done.output, done.exception)
    return done.output


def test_a_grade_that_rises_is_told_without_a_new_version_and_the_request_goes_to_its_origin(
    levels: Levels, entry_id: str
) -> None:
    turn(levels)
    table = levels.city.resource.table or ""
    levels.down.platform.protection.correct(levels.city["steward"], table, CITY, level="L4", reason="复核上调")
    levels.post()
    entry = levels.up.platform.cascade.entry(levels.region["steward"], entry_id)
    item = entry.entry.item(CITY)
    assert item is not None
    assert (item.level, entry.version.number) == ("L4", 1)
    levels.entry = entry_id
    request, there = levels.left(CAPITAL)
    assert request.state is RequestState.AWAY
    assert there.draft.resource_id == levels.city.resource.id
