"""A citizen opens the enterprise application, looks closer, comes back, and reads it in English on a telephone; it is switched off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

AXE = Path(__file__).parents[2] / "packaging/web/node_modules/axe-core/axe.min.js"
PROBLEMS = """async () => (await axe.run()).violations.map(
  (v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`)"""
HOME = "/apps/market-entities"


def settled(page: Any) -> None:
    """Wait until the page is whole, no card is on its way, and every drawing is drawn."""
    page.wait_for_load_state()
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    page.locator(".chart-canvas:not(:has(canvas))").first.wait_for(state="detached")


def test_a_citizen_drills_down_from_the_store_to_a_league(visit: Callable[..., Any]) -> None:
    who = visit()
    page = who.go("/")
    page.get_by_role("link", name="应用", exact=True).first.click()
    page.get_by_role("link", name="市场主体", exact=True).click()
    settled(page)
    assert page.locator("h1").inner_text() == "市场主体概览"
    whole = int(page.locator(".nums b").first.inner_text().split()[0].replace(",", ""))
    page.get_by_role("link", name="按盟市和旗县看").click()
    settled(page)
    page.get_by_role("link", name="赤峰市", exact=True).first.click()
    settled(page)
    assert parse_qs(urlsplit(page.url).query) == {"league": ["赤峰市"]}
    assert page.locator("select[name=league]").input_value() == "赤峰市"
    page.get_by_role("link", name="行业", exact=True).click()
    settled(page)
    part = int(page.locator(".nums b").first.inner_text().split()[0].replace(",", ""))
    assert 0 < part < whole
    page.locator("select[name=league]").select_option("")
    page.get_by_role("button", name="筛选").click()
    settled(page)
    assert int(page.locator(".nums b").first.inner_text().split()[0].replace(",", "")) == whole


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize(
    "name",
    [
        *(
            f"/apps/market-entities{page}"
            for page in ("", "/overview", "/leagues", "/industries", "/exits", "/ownership")
        ),
        *(f"/apps/forest-fire{page}" for page in ("", "/situation", "/points", "/hotspots", "/duty")),
    ],
)
def test_every_page_is_accessible_and_fits_in_both_languages(visit: Callable[..., Any], width: int, name: str) -> None:
    for language in ("zh-CN", "en"):
        who = visit(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        page = who.go(f"{name}?lang={language}")
        settled(page)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert page.evaluate(PROBLEMS) == []
        assert who.overflow() <= 0


def test_the_chain_of_an_enterprise_is_followed_from_box_to_box(visit: Callable[..., Any]) -> None:
    who = visit("steward.commerce_admin")
    page = who.go(f"{HOME}/ownership")
    page.locator("input[name=enterprise]").fill("商贸")
    page.get_by_role("button", name="筛选").click()
    expect(page.get_by_text("有几个主体符合").first).to_be_visible()
    page.locator("section .list a").first.click()
    expect(page.locator("section.card svg").first).to_be_visible()
    chosen = page.locator("input[name=enterprise]").input_value()
    holders = page.locator("section.card").filter(has_text="股权链：股东").locator("svg a")
    holders.last.click()
    expect(page.locator("section.card svg").first).to_be_visible()
    assert page.locator("input[name=enterprise]").input_value() != chosen


def test_it_works_without_scripts(visit: Callable[..., Any]) -> None:
    who = visit(java_script_enabled=False)
    page = who.go(f"{HOME}/industries?industry=%E5%88%B6%E9%80%A0%E4%B8%9A")
    assert page.locator("select[name=industry]").input_value() == "制造业"
    page.get_by_role("link", name="清除").click()
    assert page.locator("select[name=industry]").input_value() == ""


def test_the_authority_switches_it_off_and_on_again(visit: Callable[..., Any]) -> None:
    publisher, citizen = visit("publisher"), visit()
    page = publisher.go("/console/apps/market-entities")
    page.get_by_text("停用这个应用").click()
    page.locator("input[name=reason]").last.fill("核对数据")
    page.get_by_role("button", name="停用", exact=True).click()
    page.get_by_text("应用已停用").wait_for()
    citizen.expect("404")
    expect(citizen.go(f"{HOME}/overview").get_by_text("没有这个应用").first).to_be_visible()
    page.get_by_text("启用这个应用").click()
    page.locator("input[name=reason]").last.fill("核对无误")
    page.get_by_role("button", name="启用", exact=True).click()
    page.get_by_text("应用已启用").wait_for()
    assert citizen.go(f"{HOME}/overview").locator("h1").inner_text() == "市场主体概览"
