"""The inventory of systems in the console: a steward registers one, links it and sees the rate; others see none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_a_steward_registers_a_system_and_links_its_entry(office: Any, desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    assert "登记一个系统" in steward.get("/console/systems").text
    answer = steward.post("/console/systems", {"name": "学籍系统<b>", "state": "in_use", "since": "2015-09-01"})
    page = answer.headers["location"]
    assert page.startswith("/console/systems/sys_")
    shown = steward.get(page).text
    assert "学籍系统&lt;b&gt;" in shown
    assert "2015" in shown
    listed = steward.get("/console/systems?bare=1").text
    assert "待编目" in listed
    assert "0.0%" in listed
    steward.post(page, {"name": "学籍系统", "state": "retired"})
    assert "停用" in steward.get(page).text
    assert steward.post("/console/systems", {"name": "学籍系统"}).headers["location"] == "/console/systems"
    assert "已有“学籍系统”" in steward.get("/console/systems").text
    told = steward.get("/console/systems/export.csv")
    assert "学籍系统" in told.content.decode("utf-8-sig")
    assert desk("sys_admin").get("/console/systems").status_code == 403
    assert desk("bureau_reviewer").get(page).status_code == 200
    desk("bureau_reviewer").post(page, {"name": "改名"})
    assert "改名" not in steward.get(page).text


def test_a_spreadsheet_is_checked_before_anything_is_kept(office: Any, desk: Callable[..., Any]) -> None:
    steward = desk("steward")

    def send(text: str, what: str) -> Any:
        files = {"file": ("系统.csv", text.encode("gb18030"), "text/csv")}
        return steward.post("/console/systems/file", {"what": what}, files=files)

    answer = send("系统名称,状态\n招生系统,有时用\n", "take")
    assert answer.status_code == 422
    assert "不在可选项中" in answer.text
    assert "检查通过，还没有保存" in send("系统名称\n招生系统\n", "check").text
    assert "招生系统" not in steward.get("/console/systems").text
    assert "已保存：新增 1" in send("系统名称\n招生系统\n", "take").text


def test_the_negative_list_is_shown_and_taken_along(office: Any, desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    assert "没有不予共享的数据" in steward.get("/console/negative").text
    told = steward.get("/console/negative/export.csv")
    assert "不予共享的依据" in told.content.decode("utf-8-sig")
    assert desk("sys_admin").get("/console/negative").status_code == 403
