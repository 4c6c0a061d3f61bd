"""Tickets in the console: opened by a check, answered by the steward, decided by the data authority; doubts, files, the record."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM
from beijiang.quality import Kind, RuleDraft, TicketQuery

TABLE = "校舍登记"
PAGE = f"/console/quality/{quote(TABLE)}"


@pytest.fixture(scope="module", autouse=True)
def ticket(office: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tickets")

    def take_in(first: int) -> None:
        path = folder / f"{first}.csv"
        rows = "".join(f"{n},第{n}号楼,{'赤峰市' if n % 9 else ''}\n" for n in range(first, first + 20))
        path.write_text("编号,楼名,盟市\n" + rows, encoding="utf-8")
        landed = office.ingest.land(SYSTEM, path, path.name, "education")
        run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
        office.ingest.wait(SYSTEM, run)
        office.db.deliver_waiting()

    take_in(1)
    office.quality.add(SYSTEM, TABLE, RuleDraft(kind=Kind.NOT_NULL, columns=("盟市",)))
    take_in(21)
    return str(office.tickets.tickets(SYSTEM, TicketQuery(table=TABLE))[0][0].id)


def test_a_steward_answers_a_ticket_and_the_data_authority_decides(desk: Callable[..., Any], ticket: str) -> None:
    steward = desk("steward")
    home = steward.get("/console").text
    assert "校核工单" in home
    assert f"/console/tickets/{ticket}" in home
    assert re.search(r'href="/console/tickets"[^>]*>校核工单 <span class="count">\d<', home)
    assert "盟市 非空" in steward.get("/console/tickets?state=mine").text
    assert "没有符合条件的" in steward.get("/console/tickets?_find=没有这样的词").text
    assert "没有工单" in steward.get("/console/tickets?state=over&table=没有这样的表").text
    page = steward.get(f"/console/tickets/{ticket}").text
    assert "等教育厅办理" in page or "办理：下载退回文件" in page
    assert "国务院令第809号" in page
    assert "数值待核实" in page
    made = steward.get(f"/console/tickets/{ticket}/file?form=csv")
    assert made.headers["cache-control"] == "no-store"
    rows = list(csv.reader(io.StringIO(made.content.decode("utf-8-sig"))))
    assert [row[3:] for row in rows[1:]] and all("第" in "".join(row) for row in rows[1:])  # noqa: PT018
    assert steward.get(f"/console/tickets/{ticket}/file").content[:2] == b"PK"
    answer = steward.post(f"/console/tickets/{ticket}/step", {"move": "accept"})
    assert answer.headers["location"] == f"/console/tickets/{ticket}"
    assert "工单现为“处理中”" in steward.get(f"/console/tickets/{ticket}").text
    steward.post(f"/console/tickets/{ticket}/step", {"move": "close"})
    assert "现在可以" in steward.get(f"/console/tickets/{ticket}").text
    steward.post(f"/console/tickets/{ticket}/reply", {"words": "正在向旗县核实 <b>"})
    page = steward.get(f"/console/tickets/{ticket}").text
    assert "正在向旗县核实 &lt;b&gt;" in page
    assert "工单：处理中" in steward.get(PAGE).text
    rows_page = re.search(r'href="(/console/quality-runs/[^"]+)">看问题行', page)
    assert rows_page
    seen = steward.get(rows_page[1]).text
    assert "看工单" in seen
    assert "发工单" not in seen
    assert steward.get(f"{rows_page[1]}/file?form=csv").status_code == 200
    steward.post(f"/console/tickets/{ticket}/step", {"move": "confirm_right", "words": "该楼属两市共有"})
    assert "being looked into" not in steward.get("/console/tickets?lang=en&state=all").text
    english = steward.get(f"/console/tickets/{ticket}?lang=en").text
    assert "confirmed right" in english
    assert "working days" in english
    steward.get("/console/tickets?lang=zh-CN")
    _the_data_authority_decides_and_sees_the_record(desk, ticket)


def _the_data_authority_decides_and_sees_the_record(desk: Callable[..., Any], ticket: str) -> None:
    reviewer = desk("bureau_reviewer")
    assert "办结" in reviewer.get(f"/console/tickets/{ticket}").text
    reviewer.post(f"/console/tickets/{ticket}/step", {"move": "refuse"})
    assert "请说明理由" in reviewer.get(f"/console/tickets/{ticket}").text
    reviewer.post(f"/console/tickets/{ticket}/step", {"move": "close"})
    assert "已办结" in reviewer.get("/console/tickets?state=over").text
    page = reviewer.get("/console/tickets-record").text
    assert "100%" in page
    assert reviewer.get("/console/tickets-record/file?form=csv").content.decode("utf-8-sig").startswith("部门,收到")
    assert ticket in reviewer.get("/console/tickets/file?form=csv&state=all").content.decode("utf-8-sig")
    reviewer.post("/console/tickets-record/policy", {"scope": TABLE, "severity": ["minor"], "reason": "从严"})
    page = reviewer.get("/console/tickets-record").text
    assert "从严" in page
    desk("steward").post("/console/tickets-record/policy", {"scope": "*", "reason": "都不发"})
    assert "都不发" not in reviewer.get("/console/tickets-record").text


def test_a_doubt_by_the_form(desk: Callable[..., Any], office: Any) -> None:
    steward = desk("steward")
    entry = office.catalog.resource_for_table(TABLE)
    assert f"/console/doubts/{entry.id}" in steward.get(f"/console/catalog/{entry.id}").text
    page = steward.get(f"/console/doubts/{entry.id}").text
    assert 'name="column" value="楼名"' in page
    form = {"column": ["楼名"], "rows": "21\n22", "words": "楼名与门牌不一致"}
    answer = steward.post(f"/console/doubts/{entry.id}", form)
    shown = steward.get(answer.headers["location"]).text
    assert "楼名与门牌不一致" in shown
    assert "21、22" in shown
    assert "件问题或疑义正在校核" in steward.get(f"/console/catalog/{entry.id}").text


def test_monitors_are_on_without_set_up(desk: Callable[..., Any], office: Any) -> None:
    steward, at = desk("steward"), f"{PAGE}/monitors"
    assert "还在学习" in steward.get(at).text
    assert at in steward.get(PAGE).text
    steward.post(f"{at}/look")
    page = steward.get(at).text
    assert "最新版本已经看过" in page
    assert "<polyline" in page
    assert "没有异常" in page
    form = {"monitor": "volume", "on": "1", "l_sigmas": "6", "reason": "波动大"}
    steward.post(f"{at}/set", form)
    assert "本表阈值" in steward.get(at).text
    assert office.monitors.report(SYSTEM, TABLE).settings["volume"].limits == {"sigmas": 6.0}
    steward.post(f"{at}/set", {**form, "l_sigmas": "很多"})
    assert "阈值应为数字" in steward.get(at).text
    assert steward.get("/console/quality-findings").status_code == 200
    reviewer = desk("bureau_reviewer")
    reviewer.post(f"{at}/decide", {"finding": "qm_none", "decision": "expected", "reason": "x"})
    assert "Still learning" in reviewer.get(f"{at}?lang=en").text
    reviewer.get("/console?lang=zh-CN")


@pytest.mark.parametrize("role", [None, "sys_admin", "audit_admin", "member"])
def test_who_has_no_business_here_sees_nothing(desk: Callable[..., Any], role: str | None, ticket: str) -> None:
    browser = desk(role)
    for path in (f"/console/tickets/{ticket}", f"/console/tickets/{ticket}/file"):
        assert browser.get(path).status_code in {303, 401, 403, 404}
    assert TABLE not in browser.get("/console/tickets?state=all").text
