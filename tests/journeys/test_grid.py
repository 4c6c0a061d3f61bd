"""The grid of items in a real browser: keys, paste from a spreadsheet, fill down, undo, errors before saving, and no script at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

AXE = Path(__file__).parents[2] / "packaging/web/node_modules/axe-core/axe.min.js"
PROBLEMS = "async () => (await axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)}`)"
PASTE = """(text) => { const data = new DataTransfer(); data.setData('text/plain', text);
  document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })); }"""
COPY = """() => { const data = new DataTransfer();
  document.activeElement.dispatchEvent(new ClipboardEvent('copy', { clipboardData: data, bubbles: true, cancelable: true }));
  return data.getData('text/plain'); }"""
NAME, MEANING, LENGTH, SHARE = "name", "description", "length", "share_type"


def open_grid(who: Any) -> Any:
    page = who.go("/console/catalog?_find=全区学校名录")
    return who.go(page.locator("a[href^='/console/catalog/res_']").first.get_attribute("href") + "/items")


def cell(page: Any, row: int, field: str) -> Any:
    return page.locator(f"td.c-{field}").nth(row)


def value(page: Any, row: int, field: str) -> str:
    return str(page.locator(f"[name='{row}:{field}']").input_value())


def active(page: Any) -> str:
    return str(page.evaluate("document.activeElement.dataset.at ?? document.activeElement.name"))


def test_an_entry_s_items_are_edited_like_a_spreadsheet(visit: Callable[..., Any]) -> None:
    who = visit("steward.education", bypass_csp=True)
    page = open_grid(who)
    cell(page, 0, MEANING).click()
    assert active(page) == "0,1"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert active(page) == "1,1"
    before = value(page, 1, MEANING)
    page.keyboard.press("Enter")
    page.keyboard.type("放弃的")
    page.keyboard.press("Escape")
    assert value(page, 1, MEANING) == before, "Esc leaves the cell as it was"
    page.keyboard.press("F2")
    page.keyboard.type("全称")
    page.keyboard.press("Tab")
    assert active(page) == "1,2", "Tab keeps and goes on"
    page.keyboard.type("60")
    page.keyboard.press("Enter")
    assert (value(page, 1, LENGTH), active(page)) == ("60", "2,2")
    _pastes(page)
    _fills_and_undoes(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(PROBLEMS) == []
    page.get_by_role("button", name="保存全部").click()
    page.get_by_text("全部保存。").wait_for()
    assert (value(page, 3, MEANING), value(page, 3, SHARE)) == ("办学的性质", "conditional")


def _pastes(page: Any) -> None:
    """Cells from a spreadsheet go in with words for codes; what cannot be saved is told, row by row, before anything is."""
    cell(page, 2, MEANING).click()
    page.evaluate(PASTE, '"学段：小学、\r\n初中"\t很长\r\n办学的性质\t20\r\n')
    page.get_by_text("“很长”不是正整数").wait_for()
    assert value(page, 2, MEANING) == "学段：小学、 初中"
    expect(page.locator("td.wrong")).to_have_count(1)
    cell(page, 2, SHARE).click()
    page.evaluate(PASTE, "有条件共享\n有条件\n无条件共享")
    page.get_by_text("没有“有条件”这一项").wait_for()
    page.get_by_role("button", name="保存全部").click()
    assert "/items" in page.url
    expect(page.locator("[data-faults] li"), "nothing is saved while a cell is wrong").to_have_count(2)
    page.locator("[data-faults] button").first.click()
    page.keyboard.type("30")
    page.keyboard.press("Enter")
    page.locator("[data-faults] li").nth(1).wait_for(state="detached")


def _fills_and_undoes(page: Any) -> None:
    cell(page, 2, SHARE).click()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    assert page.evaluate(COPY) == "有条件共享\n有条件\n无条件共享"
    page.keyboard.press("Control+d")
    assert [value(page, row, SHARE) for row in (2, 3, 4)] == ["conditional"] * 3
    page.keyboard.press("Control+z")
    assert value(page, 4, SHARE) == "unconditional"
    page.keyboard.press("Control+y")
    assert value(page, 4, SHARE) == "conditional"
    page.locator("[data-faults]").wait_for(state="hidden")


def test_without_a_script_the_grid_is_a_form_that_keeps_what_was_typed(visit: Callable[..., Any]) -> None:
    who = visit("steward.education", java_script_enabled=False)
    who.expect("422")
    page = open_grid(who)
    page.fill("[name='0:length']", "-1")
    page.fill("[name='0:description']", "无脚本也能改")
    page.get_by_role("button", name="保存全部").click()
    page.get_by_text("“-1”不是正整数").wait_for()
    assert value(page, 0, MEANING) == "无脚本也能改"
    page.fill("[name='0:length']", "20")
    page.get_by_role("button", name="保存全部").click()
    page.get_by_text("全部保存。").wait_for()
    assert value(page, 0, LENGTH) == "20"


def test_whoever_is_later_is_told_and_loses_nothing(visit: Callable[..., Any]) -> None:
    who = visit("steward.education", java_script_enabled=False)
    who.expect("422")
    slow, quick = open_grid(who), who.context.new_page()
    quick.set_default_timeout(60_000)
    quick.goto(slow.url)
    quick.fill("[name='5:description']", "先存的")
    quick.get_by_role("button", name="保存全部").click()
    quick.get_by_text("全部保存。").wait_for()
    slow.fill("[name='5:description']", "后存的")
    slow.get_by_role("button", name="保存全部").click()
    slow.get_by_text("刚被他人修改").wait_for()
    assert value(slow, 5, MEANING) == "后存的"
    quick.reload()
    assert value(quick, 5, MEANING) == "先存的"
