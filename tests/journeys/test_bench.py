"""A steward at the bench and on the guided path, in a real browser: keyboard, immediate checks, live progress, back and reload."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

AXE = Path(__file__).parents[2] / "packaging/web/node_modules/axe-core/axe.min.js"
PROBLEMS = """async () => (await axe.run()).violations.map(
  (v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`)"""
TABLE = "食堂补正"
GOOD = [f"SC{n:04d},第{n}中学,2026-03-{1 + n % 28:02d},{60 + n % 40}" for n in range(1, 301)]
BAD = ["SC9001,坏一小学,2026-03-05,九十", "SC9002,坏二小学,03/15/2026,77", "SC9003,坏三小学,03/16/2026,78"]


def fit(who: Any) -> None:
    """Insist on a page that everybody can use, at the width of a desk and of a phone."""
    who.page.wait_for_load_state("networkidle")
    for width in (1280, 390):
        who.page.set_viewport_size({"width": width, "height": 844})
        assert who.overflow() <= 0, f"{who.page.url} at {width}"
        who.page.evaluate(AXE.read_text(encoding="utf-8"))
        assert who.page.evaluate(PROBLEMS) == []
    who.page.set_viewport_size({"width": 1280, "height": 900})


def test_mending_from_the_work_list_to_the_table(visit: Callable[..., Any], hand_in: Callable[..., Path]) -> None:
    who = visit("steward.education", bypass_csp=True)
    page = who.go("/console/ingest")
    page.set_input_files("input[name=file]", str(hand_in(["检查编号,学校名称,检查日期,得分", *GOOD, *BAD])))
    page.get_by_role("button", name="上传并识别").click()
    page.wait_for_url("**/console/ingest/*")
    page.locator("input[name=into]").fill(TABLE)
    page.locator("input[name=key][value=检查编号]").check()
    page.get_by_role("button", name="开始汇聚").click()
    page.get_by_text("已完成").wait_for()

    who.go("/console")
    page.locator(".todo", has_text=TABLE).filter(has_text="行待处理").get_by_role("link", name="办理").click()
    page.wait_for_url("**/console/quarantine?**")
    fit(who)
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("tbody input[name=row]").first).to_be_checked()
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/quarantine/run_*/**")
    fit(who)
    field = page.locator("input[name='cell:得分']")
    field.fill("九十一")
    page.locator("#verdict", has_text="1 格还有问题").wait_for()
    field.fill("91")
    page.locator("#verdict", has_text="各格都符合").wait_for()
    expect(page.locator(".mend .error:visible")).to_have_count(0)
    page.get_by_role("button", name="保存，看下一行").click()
    page.get_by_text("已保存为草稿").wait_for()
    assert page.locator("input[name='cell:检查日期']").input_value() == "03/15/2026", "the next row that waits"

    page.get_by_role("link", name="返回列表").click()
    page.select_option("select[name=target]", "检查日期")
    page.select_option("select[name=kind]", "date")
    page.fill("input[name=find]", "MM/DD/YYYY")
    page.get_by_role("button", name="预览").click()
    page.get_by_text("2026-03-16").wait_for()
    page.get_by_role("button", name="更正 2 行").click()
    page.get_by_text("3 行已修正，可以入库").wait_for()
    page.get_by_role("button", name="入库", exact=True).click()
    page.wait_for_url("**/console/runs/run_*")
    page.get_by_text("补正的行").wait_for()
    page.get_by_text("已完成").wait_for()
    page.reload()
    page.get_by_text("已入库").first.wait_for()
    expect(page.get_by_text("已入库").nth(2)).to_be_visible()
    page.get_by_role("link", name="版本 2").click()
    page.get_by_text("303 行 · 版本 2").wait_for()


def test_the_guided_path_survives_back_and_reload(visit: Callable[..., Any], tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "学籍.db")
    database.execute('CREATE TABLE "学生" ("学号" TEXT PRIMARY KEY, "姓名" TEXT)')
    database.executemany('INSERT INTO "学生" VALUES (?, ?)', [(f"S{n}", f"学生{n}") for n in range(200)])
    database.commit()
    database.close()
    who, security = visit("steward.education", bypass_csp=True), visit("secadmin")
    page = who.go("/console/sources")
    page.get_by_role("link", name="接入数据源").click()
    page.locator("a.kind", has_text="SQLite").click()
    page.fill("input[name=name]", "学籍库")
    page.fill("input[name='option:path']", str(tmp_path / "学籍.db"))
    page.get_by_role("button", name="测试连接").click()
    page.locator("#asked", has_text="请放行访问目标").wait_for()
    fit(who)

    opened = security.go("/console/targets")
    opened.fill("input[name=folder]", str(tmp_path))
    opened.fill("input[name=reason]", "学籍库")
    opened.get_by_role("button", name="放行").click()
    opened.get_by_text("已放行").wait_for()

    page.get_by_role("button", name="再测一次").click()
    page.wait_for_url("**/tables")
    fit(who)
    page.get_by_label("学生").check()
    page.get_by_role("button", name="下一步：预览").click()
    page.get_by_text("学生7", exact=True).wait_for()
    fit(who)
    page.get_by_role("link", name="下一步：设置").click()
    page.fill("input[name='table:0']", "在册学生名册")
    fit(who)
    page.get_by_role("button", name="下一步：核对计划").click()
    page.get_by_role("heading", name="学生 → 在册学生名册").wait_for()
    page.reload()
    fit(who)
    page.get_by_role("link", name="上一步").click()
    assert page.locator("input[name='table:0']").input_value() == "在册学生名册", "back keeps what was chosen"
    page.get_by_role("button", name="下一步：核对计划").click()
    page.get_by_role("button", name="开始取数").click()
    page.wait_for_url("**/runs?**")
    page.locator("#progress .tag.ok", has_text="一致").wait_for()
    page.reload()
    fit(who)
    page.get_by_role("link", name="任务与证明").click()
    assert "256" in page.locator(".ranges svg").get_attribute("aria-label")
    fit(who)
