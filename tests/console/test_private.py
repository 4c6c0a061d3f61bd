"""Noisy statistics in the console: a steward offers a table, somebody else sees the accuracy, asks, and sees the budget shrink."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM

TABLE = "学生体检"
PAGE = f"/console/private/{quote(TABLE)}"


@pytest.fixture(scope="module", autouse=True)
def table(office: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("private") / "体检.csv"
    rows = "".join(f"S{n},{('男', '女')[n % 2]},{40 + n % 30}\n" for n in range(1, 401))
    path.write_text("学号,性别,体重\n" + rows, encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()


@pytest.mark.threat("TM-06")
def test_offer_estimate_ask_and_end(desk: Callable[..., Any]) -> None:
    steward, analyst = desk("steward"), desk("analyst")
    assert analyst.get(PAGE).status_code in {403, 404}
    assert "还没有开放差分隐私查询的表" in analyst.get("/console/private").text
    assert f'href="{PAGE}"' in steward.get(f"/console/tables/{quote(TABLE)}").text
    page = steward.get(PAGE).text
    assert "区分个人的列" in page
    columns = re.findall(r'name="column" value="([^"]+)"', page)
    assert columns == ["学号", "性别", "体重"]
    form = {"person": "学号", "column": columns, "domain": ["", "男,女", "20..120"], "rows_per_person": "1"}
    steward.post(f"{PAGE}/offer", {**form, "reason": ""})
    assert "需要说明理由" in steward.get(f"{PAGE}/offer").text
    assert steward.post(f"{PAGE}/offer", {**form, "reason": "供统计"}).headers["location"] == PAGE
    assert "已开放" in steward.get(PAGE).text
    assert TABLE in analyst.get("/console/private").text
    ask = {"kind": "mean", "column": "体重", "by": "性别", "where": "", "epsilon": "0.5", "step": "estimate"}
    page = analyst.post(f"{PAGE}/ask", ask).text
    assert "还没有读数据，也没有花费" in page
    assert re.search(r'name="by" value="性别" checked', page)
    page = analyst.post(f"{PAGE}/ask", {**ask, "step": "ask"}).text
    assert "花费 ε 0.5" in page
    assert page.count('class="interval"') >= 4, "in the answer and in the ledger"
    assert "本机构已用 ε 0.5，共 ε 4" in page
    assert "早已回答过，没有花费" in analyst.post(f"{PAGE}/ask", {**ask, "step": "ask"}).text
    page = analyst.post(f"{PAGE}/ask", {**ask, "epsilon": "<b>", "where": "x"}).text
    assert "读不懂" in page or "ε 应为" in page
    assert "<b>" not in page.split("<main")[1]
    english = analyst.get(f"{PAGE}?lang=en").text
    assert "Privacy budget of this period" in english
    analyst.get(f"{PAGE}?lang=zh-CN")
    assert "更改开放内容" not in desk("bureau_reviewer").get(PAGE).text
    assert steward.post(f"{PAGE}/withdraw", {"reason": "学期结束"}).headers["location"] == "/console/private"
    assert desk("member").get("/console/private").status_code == 403
