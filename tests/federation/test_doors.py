"""Linkage as people meet it: pages, terminal and API of two nodes that are linked through them."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any

import pytest
import typer
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.federation import Bearing, LetterState, LinkState
from beijiang.federation.commands import add_watch, commands
from beijiang.kit import SYSTEM, Language
from beijiang.terminal import set_style
from linked import AUDITOR, GUARD, ORIGIN, PUBLISHER, Node, reads_into

Pair = tuple[Node, Node]
HERE = "/console/federation"
PASSWORD = "Steppe-under-a-wide-sky-26"


class Browser:
    """Somebody of a node at a browser that runs no scripts."""

    def __init__(self, node: Node, role: Role) -> None:
        access = node.platform.access
        org = "bigdata" if not role.is_administrator else None
        _, code = access.add_person(
            SYSTEM, PersonDraft(login=role.value, name="某", org_id=org, roles=frozenset({role}))
        )
        fresh = access.sign_in(role.value, code, "tests")
        token = access.change_password(fresh.actor, code, PASSWORD).token
        access.sign_out(token)
        self.client = TestClient(create_app(node.platform), base_url=ORIGIN, follow_redirects=False)
        assert self.post("/console/sign-in", login=role.value, password=PASSWORD, target=HERE).status_code == 303

    def get(self, path: str = HERE, language: str = "zh-CN") -> str:
        answer = self.client.get(path, headers={"Accept": "text/html", "Accept-Language": language})
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, **form: str) -> Any:
        page = self.client.get("/console/sign-in", headers={"Accept": "text/html"}).text
        found = re.search(r'<meta name="csrf" content="([^"]+)">', page)
        headers = {"Accept": "text/html", "Origin": ORIGIN}
        return self.client.post(path, data={**form, "_csrf": found[1] if found else ""}, headers=headers)

    def told(self, path: str, **form: str) -> str:
        """Send a form, and return the page that it leads to."""
        answer = self.post(path, **form)
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["location"])


@pytest.fixture
def desks(strangers: Pair) -> tuple[Browser, Browser]:
    region, city = strangers
    for node in strangers:
        node.platform.first_start()
    region.reaches(city)
    city.reaches(region)
    return Browser(region, Role.SEC_ADMIN), Browser(city, Role.SEC_ADMIN)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return html.unescape(found[1])


def test_two_administrators_link_their_nodes_on_the_page(strangers: Pair, desks: tuple[Browser, Browser]) -> None:
    region, city = strangers
    above, below = desks
    page = above.get()
    assert "内蒙古自治区" in page
    assert page.count("未联结") == 15, "every unit of tier 2 is in the picture"
    made = above.post(f"{HERE}/invite", node_id=city.id, bearing="below").text
    found = re.search(r"<code>(bjlink1\.[^<]+)</code>", made)
    assert found is not None
    assert "bjlink1." not in above.get(), "it is shown once"
    assert f"已邀请 {city.id}" in above.get()
    offered = below.post(f"{HERE}/look", invitation=found[1]).text
    assert region.platform.nodes.card().fingerprint in offered
    told = below.told(f"{HERE}/accept", invitation=hidden(offered, "invitation"), seen=hidden(offered, "seen"))
    assert "待对方确认" in told
    page = above.get()
    assert city.platform.nodes.card().fingerprint in page
    assert "您看过之后内容有变化" in above.told(f"{HERE}/links/{city.id}/confirm", seen="other")
    assert "已联结" in above.told(f"{HERE}/links/{city.id}/confirm", seen=hidden(page, "seen"))
    region.posted(1)
    assert "已联结" in below.get()
    assert "linked" in below.get(language="en")
    assert "请写明理由" in above.told(f"{HERE}/links/{city.id}/suspend", words=" ")
    assert "已暂停" in above.told(f"{HERE}/links/{city.id}/suspend", words="核查")
    assert "已联结" in above.told(f"{HERE}/links/{city.id}/resume", words="核查完毕")
    assert "新指纹" in below.told(f"{HERE}/key")
    assert "已断开" in above.told(f"{HERE}/links/{city.id}/end", words="撤并")


def test_letters_are_looked_at_and_sent_again_on_the_page(pair: Pair) -> None:
    region, city = pair
    city.platform.first_start()
    publisher = Browser(city, Role.BUREAU_PUBLISHER)
    letter = city.send(region, "test.note", {"n": "<script>alert(1)</script>"})
    city.posted(1)
    page = publisher.get()
    assert "被退回" in page
    assert "对方平台不认识这种信件" in page
    assert f"{HERE}/invite" not in page, "who may not link is not asked to"
    one = publisher.get(f"{HERE}/letters/{region.id}/out/{letter.id}")
    assert letter.digest in one
    assert "<script>alert" not in one
    assert letter.id not in publisher.get(f"{HERE}?state=read")
    reads_into(region, seen := [])
    assert "已排队发出" in publisher.told(f"{HERE}/letters/{region.id}/{letter.id}/resend")
    city.posted(1)
    assert seen == ["<script>alert(1)</script>"]


def test_who_has_no_node_yet_is_told_who_fills_it_in(strangers: Pair) -> None:
    region, _ = strangers
    region.platform.first_start()
    guard = Browser(region, Role.SEC_ADMIN)
    told = guard.told(f"{HERE}/identity", node_id="X-9", name_zh="某旗", tier="9")
    assert "节点名片格式不对" in told
    assert "本节点是 NM" in guard.told(f"{HERE}/identity", node_id="NM", url=region.url)
    assert "已存在" not in guard.get()
    assert "不是邀请码" in guard.told(f"{HERE}/look", invitation="x")
    assert guard.post(f"{HERE}/invite", node_id="NM", bearing="below").status_code == 303


def test_the_terminal_links_lists_and_sends_again(strangers: Pair) -> None:
    region, city = strangers
    region.reaches(city)
    city.reaches(region)
    set_style(as_json=True, language=Language.ZH)

    def said(node: Node, *words: str, code: int = 0) -> Any:
        root, platform = typer.Typer(), node.platform
        root.add_typer(
            commands(lambda: platform.nodes, lambda: platform.letters, lambda: platform.access), name="federation"
        )
        done = CliRunner().invoke(root, ["federation", *words])
        assert done.exit_code == code, done.output
        lines = [line for line in done.stdout.splitlines() if line]
        return [json.loads(line) if line[0] in "[{" else line for line in lines]

    assert said(region, "identity")[0]["node_id"] == "NM"
    invitation = said(region, "invite", city.id, "--bearing", "below")[0]
    seen = said(city, "look", invitation)[0]["seen"]
    said(city, "accept", invitation, code=1)
    assert said(city, "accept", invitation, "--seen", seen)[0]["state"] == "asked"
    seen = said(region, "show", city.id)[0]["seen"]
    assert said(region, "confirm", city.id, "--seen", seen)[0]["state"] == "linked"
    said(region, "post")
    (link,) = said(city, "links")[0]
    assert (link["node_id"], link["state"], link["waiting"]) == ("NM", "linked", 0)
    letter = city.send(region, "test.note", {"n": 1})
    said(city, "post")
    (found,) = said(city, "letters", "--way", "out", "--state", "refused")[0]
    assert (found["id"], found["reason"][:4]) == (letter.id, "对方平台")
    said(city, "resend", region.id, letter.id)
    assert len(said(city, "letters", "--node", region.id, "--state", "waiting")[0]) == 1
    said(region, "suspend", city.id, "--words", "核查")
    said(region, "resume", city.id, "--words", "完毕")
    assert said(city, "replace-key")[0]["fingerprint"] == city.platform.nodes.card().fingerprint
    assert said(region, "end", city.id, "--words", "撤并")[0]["state"] == "ended"
    made = said(city, "identity", "--node", "NM-1502", "--url", city.url)[0]
    assert made["name_zh"] == "包头市"


def test_the_api_says_the_same_to_those_who_may(pair: Pair) -> None:
    region, city = pair
    web = TestClient(create_app(city.platform), base_url=ORIGIN)
    assert web.get("/api/v1/federation/node").json()["node_id"] == city.id
    for path in ("links", f"links/{region.id}", "letters", "invitations"):
        assert web.get(f"/api/v1/federation/{path}").status_code in {401, 403}, path
    city.platform.first_start()
    browser = Browser(city, Role.SEC_ADMIN)
    (link,) = browser.client.get("/api/v1/federation/links").json()["links"]
    assert (link["node_id"], link["letters"]) == (region.id, {"in.read": 1})
    (letter,) = browser.client.get("/api/v1/federation/letters").json()["letters"]
    assert letter["kind"] == "node.confirmed"
    path = f"/api/v1/federation/letters/{region.id}/in/{letter['id']}"
    assert browser.client.get(path).json()["body"] == {}
    assert browser.client.get("/api/v1/federation/invitations").json() == {"invitations": []}
    one = browser.client.get(f"/api/v1/federation/links/{region.id}").json()
    assert one["fingerprint"] == region.platform.nodes.card().fingerprint


def test_what_is_wrong_with_a_link_stands_on_the_home_page_on_that_of_linkage_at_the_terminal_and_in_the_api(
    pair: Pair,
) -> None:
    region, city = pair
    city.platform.first_start()
    region.down()
    letter = city.send(region, "test.note", {"n": 1})
    city.clock.advance(timedelta(hours=25))
    publisher = Browser(city, Role.BUREAU_PUBLISHER)
    assert "<b>0</b> <span>三级联动告警</span>" in publisher.get("/console")
    assert "网络安全法第21条" in publisher.get()
    city.platform.link_watch.watch()
    assert "</span> 1</b> <span>三级联动告警</span>" in publisher.get("/console")
    page = publisher.get()
    assert 'data-found="1"' in page
    assert "节点失联或信件滞留" in page
    assert letter.id not in publisher.get(f"{HERE}?node=NM-1501")
    assert letter.id in publisher.get(f"{HERE}?node={region.id}")
    (told,) = publisher.client.get("/api/v1/federation/troubles").json()["troubles"]
    assert (told["kind"], told["subject"]) == ("node_late", region.id)
    clocks = publisher.client.get("/api/v1/federation/retention").json()["letters"]
    assert [one["rule"] for one in clocks] == [
        "retention.security_log",
        "retention.transfer_record",
        "retention.security_log",
    ]
    set_style(as_json=True, language=Language.ZH)
    group, platform = typer.Typer(), city.platform
    add_watch(group, lambda: platform.link_watch, lambda: platform.access)
    (late,) = json.loads(CliRunner().invoke(group, ["troubles"]).stdout)
    assert (late["subject"], late["text"][:3]) == (region.id, "内蒙古")
    (sealed, requests, other) = json.loads(CliRunner().invoke(group, ["retention"]).stdout)
    assert (sealed["limit"], requests["limit"], other["letters"]) == ("6 个月", "3 年", "其他信件")


def test_the_server_posts_by_itself(pair: Pair) -> None:
    from waiting import until

    region, city = pair
    reads_into(region, seen := [])
    letter = city.send(region, "test.note", {"n": 1})
    city.platform.letters.start()
    try:
        until(lambda: city.letter(region, letter).state is LetterState.READ)
    finally:
        city.platform.letters.stop()
    assert seen == [1]
    assert city.platform.nodes.link(AUDITOR, region.id).state is LinkState.LINKED
    assert Bearing.ABOVE.other is Bearing.BELOW
    assert GUARD.name != PUBLISHER.name
