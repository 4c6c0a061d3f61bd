"""A journalist explores a data set by clicking, finds the view again by its address, takes the picture, and shows it elsewhere."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect

AXE = Path(__file__).parents[2] / "packaging/web/node_modules/axe-core/axe.min.js"
PROBLEMS = """async () => (await axe.run()).violations.map(
  (v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`)"""
QUICK = 100_000
"""Bytes of script, packed, that a page may load before a chart is opened."""
CITY, FOUNDED, STATE = "经营地_盟市", "基本信息_成立日期", "基本信息_登记状态"


def firms(who: Any) -> str:
    page = who.go("/datasets?q=企业登记信息")
    return str(page.locator("ol.list a").first.get_attribute("href"))


def words(page: Any) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(page.url).query)


def settled(page: Any, sentence: str) -> None:
    page.locator(".view-sentence", has_text=sentence).wait_for()


def test_a_pivot_and_a_chart_are_built_by_clicks_and_found_again(visit: Callable[..., Any]) -> None:
    who = visit()
    page = who.go(firms(who))
    page.get_by_role("link", name="探索", exact=True).click()
    page.wait_for_url("**/explore")
    page.evaluate("window.sameDocument = true")
    page.get_by_label("表格", exact=True).check()
    settled(page, "表格：")
    page.locator("#b-by1").select_option(CITY)
    settled(page, f"按{CITY}")
    page.locator("#b-by2").select_option(STATE)
    settled(page, f"表格：行数，按{CITY} × {STATE}；从大到小。")
    table = page.locator("#view-table")
    heads = table.locator("thead th").all_inner_texts()
    assert heads[0] == CITY
    assert heads[-1] == "总计"
    numbers = [
        [int(c.replace(",", "").replace("—", "0")) for c in row.locator("td").all_inner_texts()]
        for row in table.locator("tr:has(td)").all()
    ]
    assert all(sum(row[:-1]) == row[-1] for row in numbers)
    assert [sum(column) for column in zip(*numbers[:-1], strict=True)] == numbers[-1]
    pivot = page.url
    assert words(page) == [("_form", "table"), ("_by", CITY), ("_by", STATE)]

    page.get_by_label("堆叠柱状图").check()
    settled(page, "堆叠柱状图：")
    page.locator(".chart-canvas canvas").wait_for()
    page.locator("#f-column").select_option(STATE)
    page.locator("#f-value").fill("存续")
    page.get_by_role("button", name="加上条件").click()
    settled(page, f"只看 {STATE} 等于 存续")
    assert words(page)[-1] == (f"{STATE}__exact", "存续")
    chart = page.url
    said = page.locator(".view-sentence").inner_text()
    drawn = page.locator("#view-data").text_content()
    assert page.evaluate("window.sameDocument"), "no page was loaded anew"

    page.go_back()
    page.locator(".view-sentence", has_not_text="只看").wait_for()
    page.go_back()
    settled(page, f"表格：行数，按{CITY} × {STATE}")
    assert page.url == pivot

    other = visit()
    again = other.go(urlsplit(chart).path + "?" + urlsplit(chart).query)
    assert again.locator(".view-sentence").inner_text() == said
    assert again.locator("#view-data").text_content() == drawn
    again.locator(".chart-canvas canvas").wait_for()
    shared = other.page.locator("#share-address").input_value()
    assert parse_qsl(urlsplit(shared).query) == words(again)
    assert CITY in shared, "the address to share can be read"


def test_it_works_without_scripts_and_by_keyboard(visit: Callable[..., Any]) -> None:
    who = visit(java_script_enabled=False)
    page = who.go(firms(who) + "/explore")
    page.locator("#form-pie").focus()
    page.keyboard.press("Space")
    page.locator("#b-by1").select_option(CITY)
    page.locator("#builder button[type=submit]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/explore?_form=pie*")
    assert page.locator(".view-sentence").inner_text() == f"饼图：行数，按{CITY}；从大到小。"
    expect(page.locator("#view-table tbody tr").nth(2)).to_be_visible()
    expect(page.locator(".chart-canvas")).to_be_hidden()


def test_the_picture_is_saved_with_title_and_source(visit: Callable[..., Any], tmp_path: Path) -> None:
    who = visit()
    for query in (
        f"_form=bar&_by={CITY}",
        f"_form=heat&_by={CITY}&_by={FOUNDED}:year",
        "_form=points&_x=经营地_经度&_y=经营地_纬度",
    ):
        page = who.go(firms(who) + "/explore?" + query)
        for kind, start in (("png", b"\x89PNG"), ("svg", b"<svg")):
            with page.expect_download() as coming:
                page.locator(f"[data-picture={kind}]").click()
            path = tmp_path / f"{kind}"
            coming.value.save_as(path)
            assert coming.value.suggested_filename.endswith(f".{kind}")
            content = path.read_bytes()
            assert content.startswith(start)
            assert len(content) > 4000
        text = path.read_text(encoding="utf-8")
        assert "来源：" in text
        assert page.locator("#view-heading").inner_text().split("，", maxsplit=1)[0] in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("language", "width"), [("zh-CN", 1440), ("en-GB", 390)])
def test_the_explorer_is_for_everybody(visit: Callable[..., Any], scheme: str, language: str, width: int) -> None:
    if not AXE.exists():
        pytest.fail("axe-core is missing: run python packaging/build_assets.py")
    who = visit(color_scheme=scheme, locale=language, viewport={"width": width, "height": 844}, bypass_csp=True)
    one = firms(who)
    queries = [
        "",
        f"?_by={CITY}&_by={STATE}",
        f"?_form=heat&_by={CITY}&_by={FOUNDED}:year",
        f"?_form=pie&_by={CITY}&{STATE}__exact=存续",
    ]
    queries += [
        "?_form=points&_x=经营地_经度&_y=经营地_纬度",
        "?_form=cake",
        f"?_form=table&_col={CITY}",
        f"?_form=regions&_by={CITY}",
    ]
    found = []
    for path in [f"{one}/explore{query}" for query in queries] + [f"{one}/embed?_form=bar&_by={CITY}"]:
        page = who.go(path)
        page.wait_for_load_state("networkidle")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found += [f"{path}: {problem}" for problem in page.evaluate(PROBLEMS)]
        found += [f"{path}: {who.overflow()} px too wide"] if who.overflow() > 0 else []
    assert found == []


def test_little_script_is_loaded_before_a_chart_is_opened(visit: Callable[..., Any]) -> None:
    who = visit()
    one = firms(who)
    sizes: list[tuple[str, int]] = []
    who.page.on(
        "response",
        lambda got: sizes.append((got.url, len(gzip.compress(got.body(), 9)))) if got.url.endswith(".js") else None,
    )
    for path in (one, f"{one}/fields", f"{one}/explore?_form=table&_by={CITY}"):
        sizes.clear()
        who.go(path)
        who.page.wait_for_load_state("networkidle")
        assert sum(size for _, size in sizes) < QUICK, (path, sizes)
        assert sizes, "the page loads some script, so that the sum says something"
    sizes.clear()
    page = who.go(f"{one}/explore?_form=bar&_by={CITY}")
    page.locator(".chart-canvas canvas").wait_for()
    page.wait_for_load_state("networkidle")
    assert sum(size for _, size in sizes) > QUICK, "the drawing code comes with the first chart"


@pytest.fixture
def elsewhere() -> Iterator[Callable[[str], str]]:
    """Another site that shows a frame."""
    shown: dict[str, str] = {}

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(
                f'<!doctype html><title>x</title><iframe src="{shown.get("src", "")}" width="800" height="600"></iframe>'.encode()
            )

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def show(src: str) -> str:
        shown["src"] = src.replace("&", "&amp;")
        return f"http://localhost:{server.server_address[1]}/"

    yield show
    server.shutdown()
    server.server_close()


def test_another_site_shows_the_frame_and_nothing_else(
    visit: Callable[..., Any], elsewhere: Callable[[str], str]
) -> None:
    who = visit()
    who.expect("frame-ancestors")
    who.expect("404")
    who.expect("Framing")
    one = firms(who)
    who.page.goto(elsewhere(f"{who.address}{one}/embed?_form=bar&_by={CITY}"))
    frame = who.page.frame_locator("iframe")
    frame.locator(".chart-canvas canvas").wait_for()
    assert "来源：" in frame.locator("figure").inner_text()
    who.page.goto(elsewhere(f"{who.address}{one}/explore?_form=bar&_by={CITY}"))
    who.page.wait_for_load_state("networkidle")
    expect(who.page.frame_locator("iframe").locator(".view-sentence")).to_have_count(0)


def test_the_terminal_gives_the_same_view(visit: Callable[..., Any], demo: Any) -> None:
    who = visit()
    one = firms(who).rsplit("/", 1)[1]
    query = f"_form=bar&_by={CITY}&_top=3"
    told = demo.json("data", "view", one, query)
    asked = who.context.request.get(f"{who.address}/api/v1/datasets/{one}/view?{query}").json()
    assert {**told, "receipt": "", "page": ""} == {**asked, "receipt": "", "page": ""}
    assert told["truncated"] is True
    shown = demo.run("data", "view", one, query).stdout
    assert told["sentence"]["zh"] in shown
    assert "其他" in shown
    assert "unknown_column" in demo.run("data", "view", one, "_by=没有", "--json", status=1).stdout
