"""Grading in the console: a table is assessed by the matrix, a steward proposes to lower, and a reviewer decides at home."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM

TABLE = "学籍变动"
PAGE = f"/console/tables/{quote(TABLE)}"
GRADING = f"{PAGE}/grading"
HARMS = ("national_security", "economic_operation", "social_order", "public_interest", "organisation_rights")


@pytest.fixture(scope="module", autouse=True)
def table(office: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("grading") / "学籍.csv"
    path.write_text("编号,事由\n" + "".join(f"S{n},转学{n}\n" for n in range(1, 41)), encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()


def assess(desk: Any, persons: str, reason: str) -> Any:
    harms = {**dict.fromkeys(HARMS, "none"), "personal_rights": persons}
    return desk.post(GRADING, {**harms, "category": "education", "factor": ["scale", "precision"], "reason": reason})


def test_a_table_is_assessed_by_choosing_cells(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    assert f'href="{GRADING}"' in steward.get(PAGE).text
    page = steward.get(GRADING).text
    assert page.count('type="radio"') == 24
    assert page.count("核心数据") >= 5
    assert assess(steward, "serious", "").headers["location"] == GRADING
    assert "需要说明理由" in steward.get(GRADING).text
    assess(steward, "serious", "含学生<b>信息")
    page = steward.get(GRADING).text
    assert "各数据项不低于 L3" in page
    assert re.search(r'name="personal_rights" value="serious" checked', page)
    assert "决定定级的一格" in page
    assert "含学生&lt;b&gt;信息" in page
    assert "整表定级" in steward.get(PAGE).text
    assert TABLE in steward.get("/console/grading").text
    english = steward.get(f"{GRADING}?lang=en").text
    assert "the cell that counts" in english
    steward.get(f"{GRADING}?lang=zh-CN")
    assert desk("analyst").get(GRADING).status_code == 200
    assert 'name="reason"' not in desk("analyst").get(GRADING).text


def test_lowering_waits_at_the_reviewers_home(desk: Callable[..., Any]) -> None:
    steward, reviewer = desk("steward"), desk("org_reviewer")
    assess(steward, "serious", "从严")
    assess(steward, "general", "已去标识")
    assert "须由另一名审核人员同意" in steward.get(GRADING).text
    assert "由另一名审核人员决定" in steward.get("/console/grading").text
    assert 'href="/console/grading"' in reviewer.get("/console").text
    assert "分级的降低待决定" in reviewer.get("/console").text
    page = reviewer.get("/console/grading").text
    assert "general L3 → general L2" in page
    address = re.search(r'action="(/console/grading/low_[^/]+/decide)"', page)
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert address
    assert seen
    assert reviewer.post(address[1], {"agree": "no", "seen": seen[1]}).headers["location"] == "/console/grading"
    assert "不同意需要说明理由" in reviewer.get("/console/grading").text
    reviewer.post(address[1], {"agree": "yes", "seen": "x"})
    assert "您看过之后内容有变化" in reviewer.get("/console/grading").text
    reviewer.post(address[1], {"agree": "yes", "seen": seen[1]})
    assert "已同意，降级生效" in reviewer.get("/console/grading").text
    assert "已决定的降级" in steward.get(GRADING).text


def test_a_column_is_lowered_by_two_from_the_page_of_its_table(desk: Callable[..., Any]) -> None:
    steward, bureau = desk("steward"), desk("bureau_reviewer")
    steward.post(f"{PAGE}/grade", {"column": "事由", "level": "L4", "reason": "谨慎"})
    assert "“事由”现为 L4" in steward.get(PAGE).text
    steward.post(f"{PAGE}/grade", {"column": "事由", "level": "L3", "reason": "复核"})
    page = steward.get(PAGE).text
    assert "须由另一名审核人员同意；此前仍为 L4" in page
    assert "降级待决定" in page
    address = re.search(r'action="(/console/grading/low_[^/]+)/decide"', bureau.get("/console/grading").text)
    assert address
    assert steward.post(f"{address[1]}/decide", {"agree": "yes"}).status_code in {303, 403}
    steward.post(f"{address[1]}/withdraw", {})
    assert "已撤回" in steward.get("/console/grading").text
    assert address[1] not in bureau.get("/console/grading").text
