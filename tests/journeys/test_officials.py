"""Those who work on the data: a steward hands in and compiles, the bureau reviews and publishes, three administrators keep watch."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from waiting import until

TABLE = "学校食堂检查"
HEADER = "检查编号,学校名称,检查日期,得分,检查人电话"
ROWS = 40


def untidy() -> list[str]:
    """Return a register of 40 rows: 37 good ones, one too wide, one without its date, one that contradicts its key."""
    first = date(2026, 3, 1)
    good = [
        f"SC{number:04d},第{number}中学,{first + timedelta(days=number)},{60 + number % 40},1540047{number:04d}"
        for number in range(1, ROWS - 2)
    ]
    bad = [
        "SC9001,多一格小学,2026-03-05,88,15400479001,多出来的格",
        "SC9002,没有日期小学,,77,15400479002",
        "SC0001,改了名的中学,2026-03-02,90,15400479003",
    ]
    return [HEADER, *good, *bad]


def status_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=90) as answer:  # noqa: S310  # our own server
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def take_in(who: Any, path: Path, into: str = TABLE) -> Any:
    """Upload a file, check what was recognised, take it in, and watch the run to its end."""
    page = who.go("/console/ingest")
    page.set_input_files("input[name=file]", str(path))
    page.get_by_role("button", name="上传并识别").click()
    page.wait_for_url("**/console/ingest/*")
    page.locator("input[name=into]").fill(into)
    page.locator("input[name=key][value=检查编号]").check()
    page.locator("input[name=checks]").fill("检查日期=not_null")
    page.get_by_role("button", name="开始汇聚").click()
    page.wait_for_url("**/console/runs/run_*")
    return page


def numbers(page: Any) -> dict[str, str]:
    """Return the figures of a run's page by their words."""
    words, values = page.locator(".nums dt").all_inner_texts(), page.locator(".nums dd").all_inner_texts()
    return dict(zip(words, values, strict=True))


def test_from_a_steward_s_file_to_open_data_and_off_again(
    visit: Callable[..., Any], hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    steward = visit("steward.education")
    page = take_in(steward, hand_in(untidy()))
    page.get_by_text("已完成").wait_for()
    found = numbers(page)
    assert (found["读入行"], found["入库"], found["待修"], found["完全重复"]) == ("40", "37", "3", "0")
    _mends_what_was_set_aside(page, tmp_path)
    entry = _compiles(page)
    _reviews(visit, entry)
    _sees_it_in_public(visit, entry)
    _withdraws(steward, entry)


def _mends_what_was_set_aside(page: Any, tmp_path: Path) -> None:
    """The steward reads why each row was set aside, and downloads the file that goes back to the supplier."""
    run = page.url
    page.get_by_role("link", name="查看待修数据").click()
    page.wait_for_url("**/console/quarantine**")
    rows = page.locator("tbody tr").all_inner_texts()
    assert len(rows) == 3
    assert any("多出来的格" in row and "第 39 行" in row for row in rows)
    assert any("没有日期小学" in row and "检查日期" in row for row in rows)
    with page.expect_download() as download:
        page.get_by_role("link", name="下载退回文件（Excel）").click()
    back = tmp_path / "back.xlsx"
    download.value.save_as(back)
    book = load_workbook(back)
    lines = [list(row) for row in book[book.sheetnames[0]].iter_rows(values_only=True)]
    header = next(line for line in lines if "检查编号" in line)
    assert [word for word in header if word in HEADER.split(",")] == HEADER.split(",")
    reason = next(number for number, word in enumerate(header) if word and "原因" in str(word))
    told = [line for line in lines[lines.index(header) + 1 :] if any(line)]
    assert len(told) == 3
    assert all(line[reason] for line in told)
    assert any("没有日期小学" in line for line in told)
    page.goto(run)


def _compiles(page: Any) -> str:
    """The steward looks at the table, completes the proposed entry, and submits it."""
    page.get_by_role("link", name="版本 1").click()
    page.wait_for_url("**/console/tables/**")
    assert "L3" in page.locator("tr", has_text="检查人电话").first.inner_text()
    page.get_by_role("link", name="目录条目").click()
    page.wait_for_url("**/console/catalog/res_*")
    page.fill("input[name=name]", "学校食堂卫生检查结果")
    page.fill("textarea[name=summary]", "各学校食堂每月卫生检查的日期与得分。")
    page.select_option("select[name=category]", "201003")
    page.select_option("select[name=update_cycle]", "5")
    page.select_option("select[name=share_type]", "unconditional")
    page.select_option("select[name=share_method]", "service")
    page.select_option("select[name=open_type]", "unconditional_open")
    page.select_option("select[name=licence]", index=1)
    page.fill("input[name=contact]", "教育厅体卫艺处")
    for box in page.locator("input[name=open_item]").all():
        box.set_checked(box.get_attribute("value") != "检查人电话")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("已保存。").wait_for()
    page.get_by_role("button", name="提交审核").click()
    page.get_by_text("已提交审核。").wait_for()
    return str(page.url).rsplit("/", 1)[1]


def _reviews(visit: Callable[..., Any], entry: str) -> None:
    """A reviewer finds the task at home and approves; a publisher publishes; before that the portal knows nothing."""
    reviewer = visit("reviewer")
    assert status_of(f"{reviewer.address}/datasets/{entry}") == 404
    task = reviewer.page.locator(".todo", has_text="学校食堂卫生检查结果")
    task.get_by_role("link", name="办理").click()
    reviewer.page.get_by_role("button", name="审核通过").click()
    reviewer.page.get_by_text("已审核通过，目录代码已生成。").wait_for()
    expect(reviewer.page.get_by_role("button", name="发布", exact=True)).to_have_count(0)
    publisher = visit("publisher")
    publisher.go(f"/console/catalog/{entry}")
    publisher.page.get_by_role("button", name="发布", exact=True).click()
    publisher.page.get_by_text("已发布。").wait_for()


def _sees_it_in_public(visit: Callable[..., Any], entry: str) -> None:
    """Anybody finds it by its initials and reads the open columns; the telephone is nowhere."""
    anybody = visit()
    page = anybody.go("/datasets?q=xxst")
    page.get_by_role("link", name="学校食堂卫生检查结果").first.click()
    page.wait_for_url(f"**/datasets/{entry}**")
    expect(page.locator("table.data-table tbody tr")).to_have_count(37)
    heads = " ".join(page.locator("table.data-table thead th").all_inner_texts())
    assert "得分" in heads
    assert "检查人电话" not in heads
    with urllib.request.urlopen(f"{anybody.address}/api/v1/datasets/{entry}/rows?_size=100", timeout=90) as answer:  # noqa: S310
        body = answer.read().decode()
    assert "第2中学" in body
    assert "1540047" not in body
    assert len(json.loads(body)["rows"]) == 37


def _withdraws(steward: Any, entry: str) -> None:
    """Withdrawing takes effect with the next request, at every exit."""
    page = steward.go(f"/console/catalog/{entry}")
    page.locator("summary", has_text="撤回").click()
    page.fill("input[name=reason]", "数据有误")
    page.get_by_role("button", name="撤回").click()
    page.get_by_text("已撤回").first.wait_for()
    for exit_ in ("", "/rows", "/download?format=csv"):
        prefix = "/api/v1" if exit_ else ""
        assert status_of(f"{steward.address}{prefix}/datasets/{entry}{exit_}") == 404, exit_


def test_the_same_file_again_is_told_and_changes_nothing(
    visit: Callable[..., Any], hand_in: Callable[..., Path]
) -> None:
    steward = visit("steward.tourism")
    lines = [HEADER, *(f"T{number},景区{number},2026-01-0{number},9{number},15400470000" for number in range(1, 7))]
    path = hand_in(lines, "utf-8")
    page = take_in(steward, path, "景区食堂检查")
    page.get_by_text("已完成").wait_for()
    again = take_in(steward, path, "景区食堂检查")
    again.get_by_text("已完成").wait_for()
    page = steward.go("/console/ingest")
    page.set_input_files("input[name=file]", str(path))
    page.get_by_role("button", name="上传并识别").click()
    page.get_by_text("内容完全相同").wait_for()
    history = steward.go("/console/tables/景区食堂检查")
    assert "6 行" in history.locator("main").inner_text()


def test_without_scripts_a_steward_can_sign_in_and_hand_in(
    visit: Callable[..., Any], hand_in: Callable[..., Path]
) -> None:
    steward = visit("steward.forestry", java_script_enabled=False)
    path = hand_in(["编号,名称", *(f"{number},林场{number}" for number in range(1, 9))], "utf-8-sig")
    page = steward.go("/console/ingest")
    page.set_input_files("input[name=file]", str(path))
    page.get_by_role("button", name="上传并识别").click()
    page.locator("input[name=into]").fill("林场名录")
    page.get_by_role("button", name="开始汇聚").click()

    def done() -> bool:
        page.reload()
        return "已完成" in page.locator("main").inner_text()

    page.wait_for_url("**/console/runs/run_*")
    until(done, every=0.25)
    assert numbers(page)["入库"] == "8"


def test_three_administrators_share_the_work_and_see_no_row(visit: Callable[..., Any]) -> None:
    system = visit("sysadmin")
    page = system.go("/console/people")
    page.fill("input[name=login]", "new.colleague")
    page.fill("input[name=name]", "新同事")
    page.select_option("select[name=org_id]", "education")
    page.get_by_role("button", name="新建").click()
    code = page.locator("#code code").inner_text()
    expect(page.locator("input[name=role]")).to_have_count(0)
    security = visit("secadmin")
    page = security.go("/console/people")
    row = page.locator("tr", has_text="new.colleague")
    row.locator("summary", has_text="调整").click()
    row.locator("input[name=role][value=analyst]").check()
    row.get_by_role("button", name="保存").click()
    page.get_by_text("新同事 的角色已更新。").wait_for()
    _starts_work(visit, code)
    auditor = visit("auditor")
    page = auditor.go("/console/evidence?target=&action=access.set_roles")
    page.get_by_role("button", name="核验整条链").click()
    page.get_by_text("链条完整").wait_for()
    for who in (system, security, auditor):
        who.expect("403")
        who.expect("404")
        for path in ("/console/sql", "/console/ingest", "/console/quarantine"):
            who.go(path)
            assert who.page.locator("h1").inner_text() == "不能这样做", path
        page = who.go("/console/tables/人口基础信息")  # columns and history at most
        expect(page.locator("section", has_text="预览").locator("table")).to_have_count(0)


def _starts_work(visit: Callable[..., Any], code: str) -> None:
    """A new colleague exchanges the one-time code for a password and runs a query that is masked for them."""
    colleague = visit()
    page = colleague.go("/console/sign-in")
    page.fill("input[name=login]", "new.colleague")
    page.fill("input[name=password]", code)
    page.locator("form[action='/console/sign-in'] button").click()
    page.wait_for_url("**/console/password")
    page.fill("input[name=current]", code)
    page.fill("input[name=new]", "Steppe-under-a-wide-sky-26")
    page.locator("main form button.pri").click()
    page.wait_for_url("**/console")
    page.get_by_role("link", name="查询").click()
    page.fill("textarea[name=text]", "SELECT count(*) AS 校数, min(学校名称) AS 一所 FROM 学校名录")
    page.get_by_role("button", name="运行").click()
    page.locator("main").get_by_text("回执").wait_for()
    assert page.locator("main table thead").inner_text().split() == ["校数", "一所"]
    page.fill("textarea[name=text]", "SELECT 姓名 FROM 人口基础信息")
    page.get_by_role("button", name="运行").click()
    page.locator(".notice.bad").wait_for()


def test_a_wrong_password_is_refused_without_saying_which_part(visit: Callable[..., Any]) -> None:
    who = visit()
    who.expect("401")
    told = set()
    for login in ("reviewer", "nobody.here"):
        page = who.go("/console/sign-in")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", "not the password")
        page.locator("form[action='/console/sign-in'] button").click()
        told.add(page.locator(".notice.bad").inner_text())
    assert len(told) == 1


@pytest.mark.parametrize("path", ["/console", "/console/people", "/console/evidence"])
def test_a_stranger_is_asked_to_sign_in(visit: Callable[..., Any], path: str) -> None:
    who = visit()
    who.expect("401")
    page = who.go(path)
    assert page.locator("h1").inner_text() == "请先登录"
    page.locator("main").get_by_role("link", name="登录").click()
    page.fill("input[name=login]", "auditor")
    page.fill("input[name=password]", who.passwords["auditor"])
    page.locator("form[action='/console/sign-in'] button").click()
    page.wait_for_url(f"**{path}")
