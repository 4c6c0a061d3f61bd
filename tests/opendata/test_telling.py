"""What the portal tells about itself: use in coarse numbers, news, help, and the developers' page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from beijiang.access import Role
from beijiang.kit import (
    ANONYMOUS,
    Actor,
    ActorKind,
    Conflict,
    Denied,
    Invalid,
    Language,
    NotFound,
    Text,
    Unauthenticated,
)
from beijiang.opendata import GapCode, NewsDraft, NewsState
from beijiang.opendata.helping import HelpTopic, help_text
from beijiang.opendata.markdown import plain, rendered
from beijiang.opendata.usage import UseKind, coarse, told_count
from beijiang.web.help import help_for

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Portal

OFFICER = Actor("person_officer", "officer", ActorKind.PERSON, "bureau", frozenset({str(Role.BUREAU_REVIEWER)}))
STEWARD = Actor("person_steward", "steward", ActorKind.PERSON, "market", frozenset({str(Role.STEWARD)}))
DRAFT = NewsDraft(
    title=Text("新开放一批数据", "New data are open"),
    body=Text("## 清单\n\n- **企业**登记\n\n<script>alert(1)</script>", "See [the data](/datasets)."),
)


@pytest.fixture(scope="module")
def portal(own_portal: Portal) -> Portal:
    return own_portal


def test_use_is_counted_by_kind_and_told_coarsely(portal: Portal) -> None:
    firms, before = portal.ids["firms"], portal.platform.statistics.usage(ANONYMOUS).totals
    assert before == dict.fromkeys(UseKind, 0)
    for _ in range(23):
        portal.page(f"/datasets/{firms}")
    for _ in range(4):
        portal.json(portal.api("firms", "/rows?_size=1"))
    assert portal.get(portal.api("firms", "/download?format=csv")).status_code == 200
    portal.get(f"/datasets/{portal.ids['closed']}x")
    found = portal.json("/api/v1/portal/statistics", dataset=firms)
    assert found["totals"] == {"view": 20, "download": 1, "call": 1}
    assert found["by_month"]["view"][-1] == 20
    assert len(found["months"]) == 12
    whole = portal.json("/api/v1/portal/statistics", months=3)
    assert [one["id"] for one in whole["datasets"]] == [firms]
    page = portal.page("/statistics")
    assert "&lt;10" in page
    assert ">20<" in page
    assert portal.get("/statistics.csv").content.decode("utf-8-sig").splitlines()[1].endswith(",20,<10,<10")
    assert portal.get("/api/v1/portal/statistics?dataset=res_none").status_code == 404


def test_nothing_of_who_is_kept(portal: Portal) -> None:
    from beijiang.opendata.store.usage import portal_use

    assert {column.name for column in portal_use.columns} == {"dataset_id", "month", "kind", "count"}


def test_counts_survive_a_restart_and_add_up(portal: Portal) -> None:
    statistics = portal.platform.statistics
    for _ in range(12):
        statistics.count(portal.ids["towers"], UseKind.DOWNLOAD)
    statistics.write()
    for _ in range(9):
        statistics.count(portal.ids["towers"], UseKind.DOWNLOAD)
    assert statistics.usage(ANONYMOUS, dataset_id=portal.ids["towers"]).totals[UseKind.DOWNLOAD] == 20


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0"), (1, "<10"), (9, "<10"), (10, "10"), (19, "10"), (12_345, "12,340")]
)
def test_small_numbers_are_coarse(count: int, told: str) -> None:
    assert told_count(coarse(count)) == told


def test_news_go_from_draft_to_published_to_withdrawn(portal: Portal) -> None:
    newsroom = portal.platform.newsroom
    made = newsroom.write(OFFICER, DRAFT)
    address = f"/news/{made.id}"
    made_up = portal.get("/news/news_none").json()["error"]["code"]
    assert portal.get(address).json()["error"]["code"] == made_up == "news_not_found"
    assert "新开放一批数据" not in portal.page("/news")
    assert "新开放一批数据" not in portal.page("/")
    shown = made.shown.token
    newsroom.write(OFFICER, NewsDraft(title=DRAFT.title, body=Text("换过的正文", DRAFT.body.en)), made.id)
    with pytest.raises(Conflict) as changed:
        newsroom.publish(OFFICER, made.id, seen=shown)
    assert (changed.value.reason, changed.value.detail["changed"]) == ("changed_since_seen", ["text"])
    assert "新开放一批数据" not in portal.page("/news")
    again = newsroom.write(OFFICER, DRAFT, made.id)
    newsroom.publish(OFFICER, made.id, seen=again.shown.token)
    assert f'<a href="{address}">新开放一批数据</a>' in portal.page("/")
    assert f'<a href="{address}">{DRAFT.title.en}</a>' in portal.page("/", "en")
    page = portal.page(address)
    assert "<strong>企业</strong>登记" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert '<a href="/datasets" rel="noopener">the data</a>' in portal.page(address, "en")
    assert "新开放一批数据" in portal.page("/news?q=企业")
    assert "新开放一批数据" not in portal.page("/news?q=不在其中")
    feed = ET.fromstring(portal.get("/news.xml", headers={"accept-language": "zh-CN"}).content)  # noqa: S314 - ours
    assert [e.text for e in feed.iter("{http://www.w3.org/2005/Atom}title")][1] == "新开放一批数据"
    with pytest.raises(Invalid):
        newsroom.withdraw(OFFICER, made.id, " ")
    gone = newsroom.withdraw(OFFICER, made.id, "有误")
    assert (gone.state, gone.revision) == (NewsState.WITHDRAWN, 5)
    assert portal.get(address).status_code == 404
    assert "新开放一批数据" not in portal.page("/")
    assert portal.json("/api/v1/portal/news")["news"] == []


def test_only_the_authority_writes_news(portal: Portal) -> None:
    newsroom = portal.platform.newsroom
    for actor, refusal in ((STEWARD, Denied), (ANONYMOUS, (Denied, Unauthenticated))):
        with pytest.raises(refusal):
            newsroom.write(actor, DRAFT)
        with pytest.raises(refusal):
            newsroom.desk(actor)
    assert portal.get("/api/v1/portal/news/desk").status_code in {401, 403}
    with pytest.raises(Invalid):
        newsroom.write(OFFICER, NewsDraft(title=Text("只有中文", ""), body=DRAFT.body))
    with pytest.raises(NotFound):
        newsroom.publish(OFFICER, "news_none")


def test_news_from_the_terminal(portal: Portal, tmp_path: Path) -> None:
    from beijiang.opendata.commands import news

    commands = news(lambda: portal.platform.newsroom, lambda: portal.platform.access)
    text = tmp_path / "text.md"
    text.write_text("正文", encoding="utf-8")
    words = ["write", "--title-zh", "终端写的", "--title-en", "Written", "--body-zh", str(text), "--body-en", str(text)]
    assert CliRunner().invoke(commands, words).exit_code == 0
    made = next(one for one in portal.platform.newsroom.desk(OFFICER) if one.title.zh == "终端写的")
    refused = CliRunner().invoke(commands, ["publish", made.id], input="n\n")
    assert (refused.exit_code, "正文" in refused.output) == (1, True), "the whole text is shown before it is asked"
    assert "published" in CliRunner().invoke(commands, ["publish", made.id], input="y\n").output


HOSTILE = (
    "[x](javascript:alert(1))",
    "[x](//evil.example)",
    "<img src=x onerror=alert(1)>",
    '[a"onmouseover="x](https://e.example/"onclick="x)',
    "`<b>`",
    "**<i>x</i>**",
    "# <svg onload=x>",
    "| <a> | b |\n|---|---|\n| <script> | x |",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "[`<b>`](https://e.example/)",
    "\x000\x00 \x001\x00",
    "- \n- x\n1. <b>",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_makes_no_tag_that_is_not_its_own(text: str) -> None:
    made = str(rendered(text))
    tags = set(re.findall(r"</?([a-z0-9]+)", made))
    assert tags <= {
        "p",
        "a",
        "code",
        "strong",
        "h2",
        "ul",
        "ol",
        "li",
        "pre",
        "br",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert not re.search(r"<[^>]*\son\w+=", made)
    assert "javascript:" not in re.sub(r">[^<]*<", "><", made)
    assert '"//evil' not in made


def test_markdown_makes_what_help_and_news_need() -> None:
    made = str(
        rendered(
            "## 找数据 {#find}\n看 [数据](/datasets) 和 `kqzl`。\n\n1. 一\n2. 二\n\n| a | b |\n|---|---|\n| 1 | 2 |"
        )
    )
    assert '<h3 id="find">找数据</h3>' in made
    assert '<p>看 <a href="/datasets" rel="noopener">数据</a> 和 <code>kqzl</code>。</p>' in made
    assert "<ol><li>一</li><li>二</li></ol>" in made
    assert '<th scope="col">a</th>' in made
    assert plain("## 标题\n\n[数据](/d) **重要**") == "标题 数据 重要"


def test_help_is_there_for_everybody_in_both_languages(portal: Portal) -> None:
    for language in Language:
        index = portal.page("/help", language.value)
        for topic in HelpTopic:
            assert f'href="/help/{topic.value}"' in index
            page = portal.page(f"/help/{topic.value}", language.value)
            for anchor in re.findall(r"\{#([a-z]+)\}", help_text(topic, language)):
                assert f'id="{anchor}"' in page
    assert re.findall(r"\{#(\w+)\}", help_text(HelpTopic.CITIZEN, Language.ZH)) == re.findall(
        r"\{#(\w+)\}", help_text(HelpTopic.CITIZEN, Language.EN)
    )
    reasons = portal.page("/help/reasons")
    assert all(f'id="{code.value}"' in reasons for code in GapCode)
    assert 'href="/help/developer#limits"' in portal.page("/help?q=429")
    assert portal.get("/help/nothing").status_code == 404


def test_every_address_in_help_and_behind_the_mark_leads_somewhere(portal: Portal) -> None:
    addresses = {
        match
        for topic in HelpTopic
        for lang in Language
        for match in re.findall(r"\]\((/[^)]*)\)", help_text(topic, lang))
    }
    marks = {
        help_for(path)
        for path in (
            "/",
            "/datasets",
            "/datasets/x",
            "/datasets/x/chart",
            "/datasets/x/api",
            "/console",
            "/console/ingest",
            "/console/catalog/x",
            "/console/voices",
            "/console/news",
            "/developers",
            "/voices",
            "/work",
            "/my",
        )
    }
    for address in addresses | marks:
        path, _, anchor = address.partition("#")
        page = portal.client.get(path, headers={"accept": "text/html"}, follow_redirects=True)
        assert page.status_code == (401 if path == "/console" else 200), address
        assert not anchor or f'id="{anchor}"' in page.text, address
    assert 'href="/help/citizen#dataset"' in portal.page(f"/datasets/{portal.ids['firms']}")


def test_the_developers_page_offers_open_sets_only(portal: Portal) -> None:
    page = portal.page("/developers")
    assert portal.ids["firms"] in page
    assert portal.ids["closed"] not in page
    assert "curl 'http://data.example.test/api/v1/datasets/" in page
    for anchor in ("try", "faces", "keys", "errors", "changes"):
        assert f'id="{anchor}"' in page
    code = portal.get(portal.api("firms", "/rows?nix__exact=1")).json()["error"]["code"]
    assert f"<code>{code}</code>" in page
