"""Contracts in the console: a draft of a table, the form, a file with faults, approval by somebody else, the terms."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM

TABLE = "校车台账"
EXAMPLE = Path(__file__).parents[1] / "contracts" / "examples" / "everything.odcs.yaml"


@pytest.fixture(scope="module", autouse=True)
def table(office: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("contracts") / "台账.csv"
    path.write_text("编号,号牌,盟市\n" + "".join(f"{n},蒙A{n:05},包头市\n" for n in range(1, 21)), encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()


def test_a_contract_is_drafted_completed_and_agreed_on(desk: Callable[..., Any], office: Any) -> None:
    steward, reviewer = desk("steward"), desk("org_reviewer")
    assert "上传 ODCS 文件" in steward.get("/console/contracts").text
    here = steward.post("/console/contracts/make", {"table": TABLE}).headers["location"]
    page = steward.get(here).text
    assert "已据现有数据表生成草稿" in page
    assert "契约：列与类型" in page
    form = steward.get(f"{here}/edit").text
    shown = dict.fromkeys(re.findall(r'name="(shown:[^"]+)"', form), "1")
    assert len(shown) == 3
    edit = {
        **shown,
        "version": "1.0.0",
        "description/purpose": "供核验",
        "required:/schema/0/properties/1": "on",
        "classification:/schema/0/properties/2": "L1",
        "where": "/schema/0/properties/2/quality",
        "metric": "invalidValues",
        "operator": "mustBeLessOrEqualTo",
        "bound": "0",
        "values": "包头市；赤峰市",
        "severity": "error",
        "reason": "补全",
    }
    assert steward.post(f"{here}/edit", edit).headers["location"] == here
    page = steward.get(here).text
    assert "只改动了相关的行" in page
    assert "号牌 必填" in page
    assert steward.post(f"{here}/edit", {**shown, "version": "x"}).headers["location"] == f"{here}/edit"
    assert "应写成 1.2.0" in steward.get(f"{here}/edit").text
    steward.post(f"{here}/propose", {"reason": "请审"})
    page = steward.get(here).text
    assert "待另一人批准" in page
    assert f'action="{here}/approve"' not in page
    assert f'action="{here}/approve"' in reviewer.get(here).text
    reviewer.post(f"{here}/approve", {"reason": "同意"})
    assert "请先查看要决定的内容" in reviewer.get(here).text, "a button that shows nothing approves nothing"
    token = re.search(r'name="seen" value="([^"]+)"', reviewer.get(here).text)
    assert token is not None
    reviewer.post(f"{here}/return", {"reason": "再看"})
    steward.post(f"{here}/edit", {"description/usage": "另有用途"})
    steward.post(f"{here}/propose", {"reason": "请审"})
    reviewer.post(f"{here}/approve", {"reason": "同意", "seen": token.group(1)})
    assert "内容有变化（契约内容）" in reviewer.get(here).text
    token = re.search(r'name="seen" value="([^"]+)"', reviewer.get(here).text)
    assert token is not None
    reviewer.post(f"{here}/approve", {"reason": "同意", "seen": token.group(1)})
    page = reviewer.get(here).text
    assert "契约已生效" in page
    file = reviewer.get(f"{here}/odcs.yaml")
    assert "status: active" in file.text
    assert file.headers["content-type"].startswith("application/yaml")
    rules = [rule for rule in office.quality.rules(SYSTEM, TABLE) if rule.contract]
    assert len(rules) >= 3
    assert f'href="{here}">契约</a>' in steward.get(f"/console/quality/{TABLE}").text
    steward.post(f"{here}/edit", {"description/usage": "只供核验"})
    assert "1.0.0 → 1.1.0 的变更" in steward.get(here).text
    english = steward.get(f"{here}?lang=en").text
    assert "words only" in english
    steward.get(f"{here}?lang=zh-CN")
    assert desk("sys_admin").get(here).status_code in {403, 404}


def test_a_file_with_faults_is_told_line_by_line(desk: Callable[..., Any], office: Any) -> None:
    steward = desk("steward")
    bad = EXAMPLE.read_bytes().replace(b"logicalType: date", b"logicalType: day")
    page = steward.post("/console/contracts", files={"file": ("bad.yaml", bad)}).text
    assert "第 100 行" not in page
    assert "logicalType“day”应为" in page
    assert "/schema/0/properties/4/logicalType" in page
    good = steward.post("/console/contracts", files={"file": ("good.yaml", EXAMPLE.read_bytes())})
    here = good.headers["location"]
    page = steward.get(here).text
    assert "不由平台计数的条款" in page or "还没有约束数据表" in page
    assert steward.get(f"{here}/odcs.yaml").content == EXAMPLE.read_bytes()


def test_what_the_law_asks_is_found_proposed_and_chosen(desk: Callable[..., Any]) -> None:
    steward, reviewer = desk("steward"), desk("bureau_reviewer")
    page = steward.get("/console/standards/rules?profile=reg809&unverified=true").text
    assert "有条件共享答复" in page
    assert "政务数据共享条例(国务院令第809号)" in page
    assert "无条件开放" not in page
    here = "/console/standards/rules/share.reply.conditional.809"
    form = {"base": "1", "value": "9", "verified": "true", "reason": "与公布文本核对"}
    proposal = steward.post(here, form).headers["location"]
    assert proposal.startswith("/console/standards/proposals/")
    assert "<del>10</del>" in reviewer.get(proposal).text
    reviewer.post(f"{proposal}/approve", {"reason": "同意"})
    assert "9 working_day" in steward.get(here).text
    assert "法规规则" not in steward.get("/console/standards/export/rule.csv").text[:20]
    chosen = {"profile": "reg809", "org": "", "since": "2026-01-01", "reason": "条例施行"}
    reviewer.post("/console/standards/profiles", chosen)
    page = reviewer.get("/console/standards/profiles").text
    assert "自 2026-01-01 起适用" in page
    assert re.search(r"政务数据共享条例</h2>.*?现用于 全平台", page, re.DOTALL)
    assert "选用配置" not in steward.get("/console/standards/profiles").text
    assert steward.post("/console/standards/profiles", chosen).status_code in {303, 403}
    assert "Profiles of law" in steward.get("/console/standards/profiles?lang=en").text
    steward.get("/console/standards/profiles?lang=zh-CN")
