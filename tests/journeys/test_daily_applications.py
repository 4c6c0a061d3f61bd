"""Readers of the daily applications: a ranger and a red banner, a visitor and a spot, a driver and a road, a herdsman and a warning, an engineer and a reservoir."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect


def settled(page: Any) -> None:
    """Wait until the page is whole, no card is on its way, and every drawing is drawn."""
    page.wait_for_load_state()
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    page.locator(".chart-canvas:not(:has(canvas))").first.wait_for(state="detached")


def said(page: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def cells(group: Any, column: int) -> list[str]:
    """Return the cells of a column of a table, from the top."""
    texts: list[str] = group.locator(f"tbody tr td:nth-child({column})").all_inner_texts()
    return [text.strip() for text in texts]


def number(page: Any, at: int) -> float:
    return float(page.locator(".nums b").nth(at).inner_text().split()[0].replace(",", ""))


def test_a_ranger_goes_from_the_map_of_banners_to_stations_and_who_is_on_duty(visit: Callable[..., Any]) -> None:
    page = visit().go("/apps/forest-fire/situation")
    settled(page)
    figure = page.locator("figure").filter(has_text="各旗县的火险指数")
    expect(figure.locator("[data-map] canvas")).to_be_visible()
    assert "点在旗县政府所在地" in figure.inner_text()
    rows = figure.get_by_role("group", name="各旗县的火险指数")
    indexes = [float(text) for text in cells(rows, 2)]
    assert indexes == sorted(indexes, reverse=True)
    assert indexes[0] == number(page, 2), "the highest banner has the highest index of the region"
    banner = rows.locator("tbody a").first.inner_text()
    rows.locator("tbody a").first.click()
    settled(page)
    assert said(page) == {"banner": [banner]}
    assert page.locator("select[name=banner]").input_value() == banner
    readings = page.get_by_role("group", name="各观测点的最近读数")
    assert set(cells(readings, 2)) == {banner}
    assert float(cells(readings, 8)[0]) == indexes[0]
    page.goto(page.url.partition("/points")[0] + "/duty")
    settled(page)
    duty = page.get_by_role("group", name="今天和明天的值班")
    days = sorted(set(cells(duty, 1)))
    assert len(days) in {1, 2}, "of today and tomorrow, as far as the rota reaches"
    assert number(page, 1) == 2 * number(page, 0), "a day and a night shift in every banner"
    league = cells(duty, 2)[0]
    page.locator("select[name=league]").select_option(league)
    page.get_by_role("button", name="筛选").click()
    settled(page)
    assert set(cells(page.get_by_role("group", name="今天和明天的值班"), 2)) == {league}


def test_a_visitor_looks_for_a_spot_that_is_not_crowded(visit: Callable[..., Any]) -> None:
    page = visit().go("/apps/tourism/overview")
    settled(page)
    league = page.locator(".app-region tbody a").first.inner_text()
    page.locator(".app-region tbody a").first.click()
    settled(page)
    assert said(page) == {"league": [league]}
    loads = page.get_by_role("group", name="景区负荷（最近七日最高一天）")
    assert set(cells(loads, 2)) == {league}
    spot = loads.locator("tbody a").last.inner_text()
    loads.locator("tbody a").last.click()
    settled(page)
    assert said(page)["spot"] == [spot]
    assert cells(page.get_by_role("group", name="景区负荷（最近七日最高一天）"), 1) == [spot]
    page.get_by_role("link", name="文化场馆", exact=True).click()
    settled(page)
    assert page.locator("select[name=league]").input_value() == league
    venues = number(page, 0)
    page.get_by_role("link", name="清除").click()
    settled(page)
    assert number(page, 0) > venues


def test_a_driver_compares_the_stations_of_a_road(visit: Callable[..., Any]) -> None:
    page = visit().go("/apps/transport/overview")
    settled(page)
    page.get_by_role("link", name="观测站", exact=True).first.click()
    settled(page)
    stations = page.get_by_role("group", name="最近一日各站")
    whole = len(cells(stations, 1))
    road = cells(stations, 2)[0]
    stations.locator("tbody a").first.click()
    settled(page)
    chosen = said(page)["road"][0]
    assert chosen == road
    listed = page.get_by_role("group", name="最近一日各站")
    assert set(cells(listed, 2)) == {road}
    assert 0 < len(cells(listed, 1)) < whole
    for load, state in zip(cells(listed, 6), cells(listed, 7), strict=True):
        wanted = "拥挤" if float(load) > 0.8 else "较拥挤" if float(load) > 0.6 else "畅通"
        assert state.split()[-1] == wanted
    page.get_by_role("link", name="公交站点", exact=True).click()
    settled(page)
    towns = sum(int(text.replace(",", "")) for text in cells(page.locator(".app-region"), 2))
    assert towns == number(page, 0), "the stops of the leagues are those of the region"


def test_a_herdsman_sees_the_warnings_of_his_league_by_kind(visit: Callable[..., Any]) -> None:
    page = visit().go("/apps/weather/overview")
    settled(page)
    page.get_by_role("link", name="预警信号", exact=True).click()
    settled(page)
    whole = number(page, 0)
    league = page.locator(".app-region tbody a").first.inner_text()
    count = float(cells(page.locator(".app-region"), 2)[0].replace(",", ""))
    page.locator(".app-region tbody a").first.click()
    settled(page)
    assert number(page, 0) == count < whole
    latest = page.get_by_role("group", name="最近的预警")
    assert set(cells(latest, 4)) == {league}
    kind = cells(latest, 3)[0]
    page.locator("select[name=kind]").select_option(kind)
    page.get_by_role("button", name="筛选").click()
    settled(page)
    assert said(page) == {"league": [league], "kind": [kind]}
    latest = page.get_by_role("group", name="最近的预警")
    assert set(cells(latest, 3)) == {kind}
    assert len(cells(latest, 1)) == min(number(page, 0), 100)


def test_an_engineer_finds_the_reservoir_that_is_nearest_its_limit(visit: Callable[..., Any]) -> None:
    page = visit().go("/apps/water-resources/overview")
    settled(page)
    over = number(page, 2)
    page.get_by_role("link", name="水库", exact=True).click()
    settled(page)
    levels = page.get_by_role("group", name="最近一日水情")
    states = [text.split()[-1] for text in cells(levels, 8)]
    assert states.count("超汛限") == over
    for gap, state in zip(cells(levels, 5), states, strict=True):
        assert (float(gap) > 0) == (state == "超汛限")
    name = levels.locator("tbody a").first.inner_text()
    levels.locator("tbody a").first.click()
    settled(page)
    assert said(page) == {"reservoir": [name]}
    assert cells(page.get_by_role("group", name="最近一日水情"), 1) == [name]
    page.get_by_role("link", name="流域", exact=True).click()
    settled(page)
    assert page.get_by_role("group", name="流域", exact=True).locator("tbody tr").count() > 0
