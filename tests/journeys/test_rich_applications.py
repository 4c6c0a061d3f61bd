"""Readers work with the rich applications: an analyst follows a light, a citizen looks a firm up, an officer a bad day, a clerk a task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from beijiang.apps import parse_bundle
from beijiang.demo.applications import INSIDE, NAMES, bundled

AXE = Path(__file__).parents[2] / "packaging/web/node_modules/axe-core/axe.min.js"
PROBLEMS = """async () => (await axe.run()).violations.map(
  (v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`)"""
PAGES = [
    f"/apps/{name}/{page}"
    for name in NAMES
    if name != "market-entities"
    for page in parse_bundle(bundled(name)).manifest.pages
]


def settled(page: Any) -> None:
    """Wait until the page is whole, no card is on its way, and every drawing is drawn."""
    page.wait_for_load_state()
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    page.locator(".chart-canvas:not(:has(canvas))").first.wait_for(state="detached")


def said(page: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_an_analyst_follows_a_warning_light_to_its_league(visit: Callable[..., Any]) -> None:
    page = visit().go("/apps/macro-economy/warning")
    settled(page)
    shown = int(page.locator(".nums b").nth(1).inner_text().split()[0])
    page.locator("select[name=light]").select_option("黄灯")
    page.get_by_role("button", name="筛选").click()
    settled(page)
    lights = page.get_by_role("group", name="最新一季各盟市各指标")
    expect(lights.locator("tbody tr")).to_have_count(shown)
    assert set(lights.locator("tbody .tag").all_inner_texts()) <= {"▲ 黄灯", "▲\n黄灯"}
    league = lights.locator("tbody tr").first.locator("a").inner_text()
    lights.locator("tbody tr").first.locator("a").click()
    settled(page)
    assert said(page)["league"] == [league]
    assert page.locator("select[name=league]").input_value() == league
    page.get_by_role("link", name="产业结构").click()
    settled(page)
    shares = [float(text.split()[0]) for text in page.locator(".nums b").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.2)


def test_a_citizen_looks_a_firm_up_and_sees_why_its_score_is_what_it_is(visit: Callable[..., Any]) -> None:
    page = visit().go("/apps/credit/search")
    settled(page)
    row = page.get_by_role("group", name="符合的主体").locator("tbody tr").first
    name = row.locator("td").nth(1).inner_text()
    page.fill("input[name=name]", name)
    page.get_by_role("button", name="筛选").click()
    settled(page)
    page.get_by_role("group", name="符合的主体").locator("tbody a").first.click()
    settled(page)
    assert name in page.locator(".notice").inner_text()
    score = int(page.locator(".nums b").first.inner_text().split()[0])
    reasons = page.get_by_role("group", name="评分及原因").locator("tbody tr")
    assert score == sum(int(reasons.nth(n).locator("td").nth(4).inner_text()) for n in range(reasons.count()))


def test_an_officer_sees_a_league_against_the_limit_of_the_day(visit: Callable[..., Any]) -> None:
    page = visit().go("/apps/environment/air")
    settled(page)
    page.get_by_role("link", name="看超标天数").click()
    settled(page)
    limits = page.get_by_role("group", name="限值与依据")
    assert "GB 3095—2026 过渡阶段限值" in limits.inner_text()
    league = page.locator(".app-region tbody a").first.inner_text()
    page.locator(".app-region tbody a").first.click()
    settled(page)
    assert said(page) == {"league": [league]}
    over = page.get_by_role("group", name="超标记录").locator("tbody tr")
    assert {over.nth(n).locator("td").nth(1).inner_text() for n in range(over.count())} <= {league}
    page.get_by_role("link", name="地表水").click()
    settled(page)
    assert page.locator("select[name=league]").input_value() == league


def test_a_clerk_goes_from_the_plan_to_the_record_of_a_task(visit: Callable[..., Any]) -> None:
    page = visit("steward.tourism").go("/apps/work-plan/overview")
    settled(page)
    whole = int(page.locator(".nums b").first.inner_text().split()[0])
    page.get_by_role("link", name="看全部任务").click()
    settled(page)
    expect(page.get_by_role("group", name="任务", exact=True).locator("tbody tr")).to_have_count(whole)
    page.get_by_role("link", name="任务3.2", exact=True).click()
    settled(page)
    assert said(page) == {"task": ["任务3.2"]}
    assert "行动方案已印发" in page.locator("ol.list").inner_text()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_accessible_and_fits_in_both_languages(
    visit: Callable[..., Any], address: str, width: int
) -> None:
    inside = address.split("/")[2] in INSIDE
    who = visit(
        "steward.tourism" if inside else None, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    for language in ("zh-CN", "en"):
        page = who.go(f"{address}?lang={language}")
        settled(page)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert page.evaluate(PROBLEMS) == []
        assert who.overflow() <= 0


def test_tiles_say_the_same_as_the_list_beside_them_and_lead_further_without_scripts(visit: Callable[..., Any]) -> None:
    page = visit(java_script_enabled=False).go("/apps/water-resources/overview")
    tiles = dict(line.split("\n") for line in page.locator(".app-tiles li").all_inner_texts())
    rows = page.locator(".app-region tbody tr")
    listed = {rows.nth(n).locator("a").inner_text(): rows.nth(n).locator("td").nth(1).inner_text() for n in range(rows.count())}  # fmt: skip
    assert {name: value.strip() for name, value in listed.items()} == tiles
    rows.first.locator("a").click()
    assert page.locator("h1").inner_text() == "水库"
