"""A newcomer with a GBK spreadsheet: published, graded and with its next date, by five clicks and a look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def spreadsheet(tmp_path: Any) -> Any:
    lines = ["网点编号,网点名称,盟市,旗县,开业年份,负责人电话"]
    lines += [f"WD{n:04d},第{n}便民服务点,赤峰市,敖汉旗,{2000 + n % 20},1540047{n:04d}" for n in range(1, 200)]
    path = tmp_path / "敖汉旗便民服务网点2025年(终稿).csv"
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("gbk"))
    return path


def test_a_spreadsheet_becomes_a_published_resource(visit: Callable[..., Any], tmp_path: Any) -> None:
    steward = visit("steward.commerce_admin")
    clicks = 0
    page = steward.page
    page.get_by_role("link", name="表格上架").click()
    clicks += 1
    page.locator("h1", has_text="变成目录资源").wait_for()
    page.set_input_files("input[name=file]", str(spreadsheet(tmp_path)))
    clicks += 2  # the button of the file field, and the file
    page.wait_for_url("**/console/onboard/file/*")
    assert page.locator("input[name=into]").input_value() == "敖汉旗便民服务网点2025年"
    assert page.locator("select[name=key]").input_value() == "网点编号"
    page.get_by_role("button", name="没问题，继续").click()
    clicks += 1
    page.wait_for_url("**/console/onboard/entry/*", timeout=60_000)
    chosen = {
        name: page.locator(f"[name={name}]").input_value() for name in ("share_type", "open_type", "update_cycle")
    }
    assert chosen == {"share_type": "conditional", "open_type": "not_open", "update_cycle": "6"}
    assert "负责人电话" in page.locator("#why-share_type").inner_text()
    assert "L3" in page.locator("tr", has_text="负责人电话").inner_text()
    assert page.locator("select[name=category]").input_value()
    page.get_by_role("button", name="采用并提交审核").click()
    clicks += 1
    page.get_by_text("您这边办完了").wait_for()
    assert "下次应在" in page.locator("main").inner_text()
    entry = page.url.rsplit("/", 1)[1]
    for login, step in (("reviewer", "审核通过"), ("publisher", "发布")):
        who = visit(login)
        who.go(f"/console/catalog/{entry}/review").get_by_role("button", name=step, exact=True).click()
        who.page.locator(".notice.ok").wait_for()
    assert "已发布" in steward.go(f"/console/onboard/entry/{entry}").locator("main").inner_text()
    assert visit().go(f"/datasets/{entry}").locator("h1").inner_text().startswith("敖汉旗便民服务网点")
    assert clicks == 5
