"""A visitor without an account: finds data, looks at it, draws it, filters it, takes it home."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from patience import until

LEAGUES = 9
"""Leagues that have a station at the scale of the journeys."""
TITLE = "全区空气质量监测站小时数据"


def open_dataset(who: Any, words: str = "kqzl", title: str = TITLE) -> Any:
    """Search from the home page and follow the first result."""
    page = who.go("/")
    page.fill("input[name=q]", words)
    page.locator("form[role=search] button").click()
    page.wait_for_url("**/datasets?**")
    page.get_by_role("link", name=title).first.click()
    page.wait_for_url("**/datasets/res_*")
    return page


def test_from_the_home_page_to_a_chart_and_a_filtered_table(visit: Callable[..., Any]) -> None:
    page = open_dataset(visit())
    assert page.locator("h1").inner_text() == TITLE
    expect(page.locator("table.data-table tbody tr")).to_have_count(50)
    page.get_by_role("link", name="图表").first.click()
    page.wait_for_url("**/chart**")
    inked = """() => { const c = document.querySelector('.chart-canvas canvas'); if (!c) return false;
      const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      return d.some((v, i) => i % 4 === 3 && v > 0); }"""
    until(page, inked)
    page.select_option("select[name=_x]", "盟市")
    page.locator("form.chart-form button").click()
    page.wait_for_url("**_x=**")
    until(page, inked)
    expect(page.locator("#chart-table tbody tr")).to_have_count(LEAGUES)
    assert "空气质量指数，无量纲" in page.locator("figure figcaption").inner_text()
    assert "来源：" in page.locator("figure").inner_text()
    page.get_by_role("link", name="数据", exact=True).last.click()
    page.locator("details.filters > summary").click()
    page.select_option("select[name=column]", "盟市")
    page.select_option("select[name=op]", "eq")
    page.fill("input[name=value]", "赤峰市")
    page.locator("form.filter-form button").click()
    page.wait_for_selector(".chips .tag")
    places = {row.split("\t")[2] for row in page.locator("table.data-table tbody tr").all_inner_texts()}
    assert places == {"赤峰市"}
    assert "共" in page.locator("#rows [role=status]").inner_text()


def test_examples_and_feeds_lead_to_the_port_that_is_served(visit: Callable[..., Any]) -> None:
    page = open_dataset(visit())
    page.get_by_role("link", name="接口").first.click()
    page.wait_for_url("**/api")
    address = page.url.split("/datasets/")[0]
    examples = page.locator("figure.code code").all_inner_texts()
    assert examples
    assert all(f"{address}/api/v1/datasets/res_" in example for example in examples)


def test_a_phone_shows_results_before_facets_and_a_way_to_the_files(visit: Callable[..., Any]) -> None:
    who = visit(viewport={"width": 390, "height": 844})
    page = who.go("/datasets")
    expect(page.locator("details.facet[open]")).to_have_count(0)
    assert page.locator("ol.list").bounding_box()["y"] < 844
    page = who.go("/datasets?q=空气质量")
    page = who.go(page.get_by_role("link", name=TITLE).get_attribute("href"))
    page.locator(".to-get a").click()
    assert page.url.endswith("#get")
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('main')).paddingBottom)") > 0


@pytest.mark.parametrize("words", ["kqzl", "kongqizhiliang", "空气质量", "空汽质量"])
def test_pinyin_initials_and_typing_errors_find_the_same(visit: Callable[..., Any], words: str) -> None:
    page = visit().go(f"/datasets?q={words}")
    titles = [found.locator("a").first.inner_text() for found in page.locator("ol.list > li").all()]
    assert titles[:2] == ["环境空气质量日评价", TITLE]


def test_every_format_holds_the_same_rows(visit: Callable[..., Any], tmp_path: Path) -> None:
    page = open_dataset(visit(), "公共汽车", "城市公共汽车站点")
    saved: dict[str, Path] = {}
    for name in ("Excel", "CSV", "JSON", "Parquet", "GB18030"):
        with page.expect_download() as download:
            page.locator("aside").get_by_role("link", name=name, exact=True).click()
        saved[name] = tmp_path / f"{name}-{download.value.suggested_filename}"
        download.value.save_as(saved[name])
    plain = list(csv.reader(saved["CSV"].read_text(encoding="utf-8-sig").splitlines()))
    assert plain == list(csv.reader(saved["GB18030"].read_text(encoding="gb18030").splitlines()))
    columns, rows = plain[0], plain[1:]
    found = json.loads(saved["JSON"].read_text(encoding="utf-8"))
    found = found["rows"] if isinstance(found, dict) else found
    book = load_workbook(saved["Excel"], read_only=True)
    sheets = {name: list(book[name].iter_rows(values_only=True)) for name in book.sheetnames}
    sheet = next(values for values in sheets.values() if tuple(columns) in values)
    assert len(rows) == len(found) == pq.read_table(saved["Parquet"]).num_rows > 0
    assert len(sheet) - sheet.index(tuple(columns)) - 1 == len(rows)
    assert [one["站点名称"] for one in found] == [row[columns.index("站点名称")] for row in rows]


def test_what_must_not_be_open_shows_its_reason_and_no_row(visit: Callable[..., Any]) -> None:
    who = visit()
    page = who.go("/datasets?q=常住人口基础信息")
    page.get_by_role("link", name="常住人口基础信息").first.click()
    page.wait_for_url("**/datasets/res_*")
    expect(page.locator("table.data-table")).to_have_count(0)
    expect(page.locator("aside a[download]")).to_have_count(0)
    assert "不予开放" in page.locator(".ds-head").inner_text()
    rows = page.request.get(f"{who.address}/api/v1{page.url.removeprefix(who.address)}/rows")
    assert rows.status in {401, 403, 404}
    assert "error" in rows.json()


def test_the_language_is_chosen_and_stays(visit: Callable[..., Any]) -> None:
    page = visit().go("/")
    page.get_by_role("link", name="English").locator("visible=true").click()
    page.wait_for_selector("html[lang=en]")
    assert "for everybody" in page.locator("h1").inner_text()
    page.get_by_role("link", name="Data", exact=True).locator("visible=true").click()
    page.wait_for_url("**/datasets**")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="中文").locator("visible=true").click()
    page.wait_for_selector("html[lang='zh-CN']")


def test_the_keyboard_reaches_the_search_and_the_text(visit: Callable[..., Any]) -> None:
    who = visit()
    page = who.go("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.goto("about:blank")
    who.go("/")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "q":
            break
    page.keyboard.type("slcy")
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets?q=slcy**")
    assert "森林草原防火瞭望点分布" in page.locator("ol.list").inner_text()


def test_without_scripts_one_can_search_look_and_filter(visit: Callable[..., Any]) -> None:
    page = open_dataset(visit(java_script_enabled=False))
    expect(page.locator("table.data-table tbody tr")).to_have_count(50)
    page.locator("details.filters > summary").click()
    page.select_option("select[name=column]", "盟市")
    page.select_option("select[name=op]", "eq")
    page.fill("input[name=value]", "赤峰市")
    page.locator("form.filter-form button").click()
    assert "赤峰市" in page.locator(".chips").inner_text()
    page.get_by_role("link", name="图表").first.click()
    page.select_option("select[name=_x]", "盟市")
    page.locator("form.chart-form button").click()
    expect(page.locator("#chart-table tbody tr")).to_have_count(LEAGUES)
    page.locator("nav[aria-label=数据集的各部分]").get_by_role("link", name="字段").click()
    assert "监测时间" in page.locator("main").inner_text()


def test_a_missing_page_says_so_with_a_way_out(visit: Callable[..., Any]) -> None:
    who = visit()
    who.expect("404")
    page = who.go("/datasets/res_nothing")
    assert page.locator("h1").inner_text() == "没有找到"
    page.get_by_role("link", name="搜索数据").click()
    page.wait_for_url("**/datasets")
