"""Every main page in a real browser: nothing for axe to find in light and dark, and nothing wider than a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

AXE = Path(__file__).parents[2] / "packaging/web/node_modules/axe-core/axe.min.js"
# /api is left out: Swagger UI draws it, with contrasts, labels and a second main landmark that axe objects to.
PROBLEMS = """async () => (await axe.run()).violations.map(
  (v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`)"""
DATASETS = "/datasets?q="
PORTAL = {
    "home": "/",
    "list": "/datasets",
    "found": "/datasets?q=hj&sort=name",
    "nothing found": "/datasets?q=zzzzqqqq",
    "departments": "/departments",
    "department": "/departments/environment",
    "about": "/about",
    "register": "/register",
    "how a registration stands": "/register/standing",
    "what people say": "/voices",
    "ask for data": "/voice?title=企业",
    "follow one's own": "/voices/follow",
    "follow data": "/follow?kind=search&what=q%3D企业",
    "follow nothing yet": "/follow",
    "sign in": "/console/sign-in",
    "missing": "/nowhere",
    "asks to sign in": "/console/people",
}
CONSOLE = {
    "steward.commerce_admin": ["/console", "/console/ingest", "/console/runs", "/console/tables", "/console/catalog",
                               "/console/keys", "/console/clients", "/console/consents", "/console/password", "/console/quarantine", "/console/connect", "PREVIEW", "RUN", "QUARANTINE", "TABLE", "ENTRY", "ITEMS", "REVIEW", "COMPARE", "/console/onboard", "/console/directory",
                               "/console/models", "/console/training-sets", "/console/feature-views", "/console/scores", "MODEL",
                               "/console/lineage/企业登记信息", "/console/fields",
                               "/console/graphs?every=1", "/console/graphs-new", "/console/graphs-new?subjects=企业登记信息&holdings=股东出资信息", "GRAPH", "GRAPHED", "CHAIN",
                               "/console/texts", "/console/notebooks"],
    "steward.forestry": ["/console/reading-alerts", "READING", "/console/stream-rules", "/console/stream-rules?kind=trend"],
    "reviewer": ["/console", "/console/fields", "/console/search", "/console/search?q=yd", "/console/sharing?show=all", "/console/grants", "/console/quality-findings", "/console/catalog", "/console/catalog?q=zzzz", "TABLE", "ENTRY", "REVIEW", "COMPARE", "PROVE", "/console/assess", "/console/figures", "/console/plan"],
    "publisher": ["/console", "ENTRY", "/console/people"],
    "sysadmin": ["/console", "/console/people", "/console/health", "/console/jobs", "/console/password"],
    "secadmin": ["/console", "/console/people", "/console/people?_sort=-login&_only.standing=used", "/console/explain?who=analyst&do=catalog:resource:publish&org=education"],
    "auditor": ["/console/holds", "/console/evidence", "/console/evidence?actor_id=nobody", "/console/evidence?since=x", "/console/nowhere"],
    "steward.statistics": ["/console/forecasts", "/console/forecasts-new", "/console/forecasts-new?source=月度统计", "FORECAST", "SERIES"],
    "analyst": ["/console/sql", "/console/tables", "TABLE", "ENTRY"],
}  # fmt: skip
TABS = ("", "/chart", "/map", "/fields", "/versions", "/api")


def examine(who: Any, where: str) -> list[str]:
    """Return what axe finds on the page, and whether it is wider than its window."""
    who.page.wait_for_load_state("networkidle")
    who.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = [f"{where}: {problem}" for problem in who.page.evaluate(PROBLEMS)]
    return [*found, *([f"{where}: {who.overflow()} px too wide"] if who.overflow() > 0 else [])]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_the_portal_is_for_everybody(visit: Callable[..., Any], scheme: str, width: int) -> None:
    if not AXE.exists():
        pytest.fail("axe-core is missing: run python packaging/build_assets.py")
    who = visit(color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    for status in ("401", "404"):
        who.expect(status)
    found: list[str] = []
    for where, path in PORTAL.items():
        who.go(path)
        found += examine(who, where)
    page = who.go("/datasets?q=A级旅游景区")
    dataset = page.locator("ol.list a").first.get_attribute("href")
    for tab in (*TABS, "?盟市__exact=没有这一处", "?没有这一列__exact=1", "/chart?_x=盟市&_type=scatter"):
        who.go(dataset + tab)
        found += examine(who, f"data set{tab}")
    page = who.go("/datasets?q=常住人口基础信息")
    who.go(page.locator("ol.list a").first.get_attribute("href"))
    found += examine(who, "closed data set")
    assert found == []


FIRST = {
    "READING": ("/console/reading-alerts", "a[href^='/console/reading-alerts/ral_']"),
    "PREVIEW": ("/console/ingest", "a[href^='/console/ingest/']"),
    "RUN": ("/console/runs", "a[href^='/console/runs/run_']"),
    "MODEL": ("/console/models", "a[href^='/console/models/mdl_']"),
    "TABLE": ("/console/tables", "table a[href^='/console/tables/']"),
    "ENTRY": ("/console/catalog", "a[href^='/console/catalog/res_']"),
    "GRAPH": ("/console/graphs?every=1", "table a[href^='/console/graphs/graph_']"),
    "FORECAST": ("/console/forecasts", "a[href^='/console/forecasts/fct_']"),
}


OF_ENTRY = {
    "ITEMS": "/console/catalog/{}/items",
    "REVIEW": "/console/catalog/{}/review",
    "COMPARE": "/console/catalog/{}/compare",
    "PROVE": "/console/prove/entry/{}",
}


WITHIN = {
    "SERIES": ("FORECAST", "/series?key=呼和浩特市&key=公路客运量"),
    "GRAPHED": ("GRAPH", "?ask=circles&number=0"),
}


def place(who: Any, wanted: str) -> str:
    """Return the address of the first run, file, table or entry that the person is shown; other words are addresses."""
    if wanted == "QUARANTINE":
        return "/console/quarantine?run=" + place(who, "RUN").rsplit("/", 1)[1]
    if wanted in WITHIN:
        first, rest = WITHIN[wanted]
        return place(who, first) + rest
    if wanted == "CHAIN":
        found = who.go(place(who, "GRAPH") + "?q=有限公司").locator("a[href*='ask=controller']").first
        return str(found.get_attribute("href"))
    if wanted in OF_ENTRY:
        return OF_ENTRY[wanted].format(place(who, "ENTRY").rsplit("/", 1)[1])
    if wanted not in FIRST:
        return wanted
    page, link = FIRST[wanted]
    return str(who.go(page).locator(link).first.get_attribute("href"))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("login", sorted(CONSOLE))
def test_the_console_is_for_everybody(visit: Callable[..., Any], login: str, scheme: str, width: int) -> None:
    who = visit(login, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    for status in ("403", "404", "422"):
        who.expect(status)
    found: list[str] = []
    for path in CONSOLE[login]:
        who.go(place(who, path))
        found += examine(who, path)
    who.page.keyboard.press("Control+k")
    found += examine(who, "palette, or the page's own search")
    assert found == []


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "数据质量"), ("en", "Data quality")])
def test_help_opens_beside_the_page(visit: Callable[..., Any], language: str, words: str) -> None:
    """The panel has the section of this page, in its language, and gives the keyboard back; without a script it is a link there."""
    who = visit("steward.commerce_admin", viewport={"width": 390, "height": 844}, bypass_csp=True)
    page = who.go(f"/console/quality?lang={language}")
    mark = page.locator("a.help-mark:visible")
    assert mark.get_attribute("href") == "/help/console#quality"
    mark.click()
    panel = page.get_by_role("dialog", name=words)
    expect(panel.get_by_role("heading", name=words)).to_be_visible()
    assert panel.get_by_role("heading").count() == 1
    assert examine(who, f"help in {language}") == []
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(mark).to_be_focused()
    plain = visit(java_script_enabled=False)
    expect(
        plain.go(f"/help/console?lang={language}#quality").get_by_role("heading", name=words, exact=True)
    ).to_be_visible()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_lineage_is_read_on_a_phone(visit: Callable[..., Any], language: str) -> None:
    """The steps stand as a list below the graph, which keeps its own scroll; models and training sets have names and pages."""
    who = visit("steward.commerce_admin", viewport={"width": 390, "height": 844}, bypass_csp=True)
    page = who.go(f"/console/lineage/企业登记信息?lang={language}")
    assert examine(who, f"lineage in {language}") == []
    page.locator(".to-steps a").click()
    steps = page.locator("#edges ol.hops li")
    expect(steps.first).to_be_visible()
    expect(page.locator("#edges table")).to_be_hidden()
    for number in range(min(steps.count(), 20)):
        box = steps.nth(number).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    words = page.locator("#edges").inner_text()
    assert "mining://" not in words
    assert {"zh-CN": "训练集", "en": "training set"}[language] in words
    expect(page.locator("#edges ol a[href^='/console/training-sets/']").first).to_be_visible()


def test_the_check_can_fail(visit: Callable[..., Any]) -> None:
    """A picture without words and an element wider than the window are both found."""
    who = visit(bypass_csp=True)
    page = who.go("/about")
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"data:,\"><div style=\"width:3000px\">x</div>')"
    )
    found = examine(who, "about")
    assert any("image-alt" in problem for problem in found)
    assert any("too wide" in problem for problem in found)


def test_both_languages_are_whole(visit: Callable[..., Any]) -> None:
    """English pages hold no Chinese but the names that users gave: headings, menus, buttons and labels are English."""
    who = visit("steward.commerce_admin", locale="en-GB")
    who.go("/console?lang=en")
    left: list[str] = []
    for path in (
        "/console",
        "/console/ingest",
        "/console/runs",
        "/console/tables",
        "/console/catalog",
        "/console/keys",
        "/console/clients",
        "/console/consents",
        "/console/graphs-new",
        "/console/graphs?every=1",
        "/console/models",
        "/console/texts",
        "/console/notebooks",
    ):
        page = who.go(path)
        assert page.locator("html").get_attribute("lang") == "en"
        texts = page.locator("nav a, h1, h2, thead th, button, label, .work-head a[href='/']").all_inner_texts()
        left += [f"{path}: {text}" for text in texts if any("一" <= c <= "鿿" for c in text) and "演示专员" not in text]
    assert left == []
