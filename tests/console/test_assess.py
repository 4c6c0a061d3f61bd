"""Assessment, statistical indicators and the work plan as people use them: pages, the JSON API, the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import PersonDraft, Role
from beijiang.assess import Period, PeriodKind
from beijiang.assess.commands import add_figures, add_plan, commands
from beijiang.catalog import Entry, ResourceEdit, ShareType
from beijiang.catalog import Item as CatalogItem
from beijiang.kit import SYSTEM, Language

ORG = "education"


@pytest.fixture(scope="module", autouse=True)
def entries(office: Any) -> None:
    """Six entries that wait for their steward, five of them published by hand."""
    draft = PersonDraft(login="b.reviewer", name="乙审核", org_id="bigdata", roles=frozenset({Role.BUREAU_REVIEWER}))
    office.access.add_person(SYSTEM, draft)
    catalog = office.catalog
    for number in range(6):
        items = (CatalogItem(column="编号", name="编号"), CatalogItem(column="名称", name="名称"))
        made = catalog.register(
            SYSTEM, Entry(name=f"第{number}类学校名录", summary="名录", provider_id=ORG, items=items)
        )
        if number < 5:
            catalog.edit(
                SYSTEM,
                made.id,
                ResourceEdit(
                    categories=("201001",), formats=("csv",), share_type=ShareType.NOT_SHARED, update_cycle="6",
                    no_share_basis="《保守国家秘密法》第九条" if number else "依据待补充的条文",
                ),
            )  # fmt: skip


@pytest.fixture(scope="module")
def period(office: Any) -> str:
    return str(Period.holding(office.assess.today, PeriodKind.MONTH).before)


def test_a_month_is_computed_looked_into_frozen_and_appealed(
    desk: Callable[..., Any], office: Any, period: str
) -> None:
    reviewer, steward = desk("bureau_reviewer"), desk("steward")
    menu = steward.get("/console").text
    assert all(href in menu for href in ("/console/assess", "/console/figures", "/console/plan"))
    assert "还没有考核结果" in steward.get("/console/assess").text
    assert "按现有事实计算" not in steward.get("/console/assess").text
    assert reviewer.post("/console/assess/compute", {"period": period}).headers["location"].endswith(period)
    page = reviewer.get("/console/assess").text
    assert "教育厅" in page or "本期没有任何事实" in page
    assert "项指标尚无事实" in page
    found = office.assess.ranking(SYSTEM, Period.parse(period))
    assert [p.org_id for p in found.places if p.group == 1] == [ORG]
    mine = f"/console/assess/{period}/{ORG}"
    page = steward.get(mine).text
    assert "安全事件台账尚未接入" in page
    indicator = next(iter(office.assess.standing(SYSTEM, Period.parse(period), ORG).marks))
    facts = steward.get(f"{mine}/{indicator}").text
    assert "尚未冻结" in facts
    assert re.search(r'href="/console/catalog/\w+"', facts)
    assert "Every fact" in steward.get(f"{mine}/{indicator}?lang=en").text
    assert "Indicators" in steward.get(f"{mine}?lang=en").text
    assert "Report of the assessment" in steward.get(f"/console/assess/print?period={period}&org={ORG}&lang=en").text
    assert "data-print" in steward.get(f"/console/assess/print?period={period}&lang=zh-CN").text
    assert steward.get(f"/console/assess/file?period={period}").content[:2] == b"PK"
    assert steward.get(f"{mine}/file").content[:2] == b"PK"
    assert reviewer.post("/console/assess/freeze", {"period": period}).status_code == 303
    assert "已冻结" in reviewer.get(f"/console/assess?period={period}").text
    reviewer.post("/console/assess/compute", {"period": period})
    assert "只能经申诉更正" in reviewer.get("/console/assess").text
    there = steward.post(f"{mine}/{indicator}/appeal", {"words": "应计为完成 <b>"}).headers["location"]
    page = reviewer.get(there).text
    assert "应计为完成 &lt;b&gt;" in page
    assert 'name="grant" value="0"' in page
    assert "答复申诉" not in steward.get(there).text
    reviewer.post(there, {"outcome": "recomputed", "words": "核实", "grant": ["0"]})
    page = steward.get(there).text
    assert "重新计算后" in page
    assert "申诉后" in steward.get(mine).text
    assert "已重新计算" in steward.get("/console/assess-appeals").text
    weights = {f"w:{name}": "0" for name in office.assess.indicators()} | {"w:quality_score": "100"}
    reviewer.post("/console/assess-weights", {**weights, "since": "2030-01-01", "reason": "只看质量", "fewest": "1"})
    page = desk("bureau_publisher").get("/console/assess-weights").text
    assert "第 1 版待审批" in page
    assert "批准" not in reviewer.get("/console/assess-weights").text.split("历次版本")[0].split("提出新权重")[0]
    desk("bureau_publisher").post("/console/assess-weights/1", {"answer": "approve"})
    assert "All versions" in reviewer.get("/console/assess-weights?lang=en").text
    reviewer.get("/console/assess-weights?lang=zh-CN")


def seen_on(page: str) -> list[str]:
    return re.findall(r'name="seen" value="([^"]+)"', page)


def test_an_indicator_is_defined_reported_released_and_drawn(desk: Callable[..., Any]) -> None:  # noqa: PLR0915 - one story
    reviewer, steward, head = desk("bureau_reviewer"), desk("steward"), desk("org_reviewer")
    assert "还没有统计指标" in steward.get("/console/figures").text
    reviewer.post("/console/figures-plan")
    assert "固定宽带家庭普及率" in steward.get("/console/figures").text
    form = {
        "code": "digital_schools", "name_zh": "数字校园数", "name_en": "Digital schools", "unit_zh": "所", "unit_en": "schools",
        "org_id": ORG, "period_kind": "year", "value_kind": "level", "better": "higher", "reason": "新增",
    }  # fmt: skip
    assert steward.post("/console/figures-new", form).headers["location"] == "/console/figures/digital_schools"
    here = "/console/figures/digital_schools"
    for year, value in (("2024", "120"), ("2025", "156")):
        steward.post(f"{here}/values", {"period": year, "value": value, "source": "教育统计"})
    page = steward.get(here).text
    assert "待审批的数值" in page
    shown = head.get(here).text
    ids = re.findall(r'name="value" value="(fgv_?\w+)"', shown)
    assert len(ids) == 2
    head.post(f"{here}/decide", {"answer": "approve", "value": ids})
    assert re.findall(r'name="value" value="(fgv_?\w+)"', head.get(here).text) == ids, "nothing was seen, so all wait"
    head.post(f"{here}/decide", {"answer": "approve", "value": ids, "seen": seen_on(shown)})
    reviewer.post(f"{here}/target", {"period": "2025", "operator": "≥", "value": "150", "basis": "年度工作要点"})
    page = steward.get(here).text
    assert 'data-chart="over-time-data"' in page
    assert "≥ 150" in page
    assert "达标" in steward.get("/console/figures").text
    table = "指标代码,地区,期间,数值\ndigital_schools,150100,2025,40\ndigital_schools,150200,2025,33\n"
    steward.post("/console/figures-file", {"reason": ""}, files={"file": ("v.csv", table.encode(), "text/csv")})
    shown = head.get(here).text
    ids = re.findall(r'name="value" value="(fgv_?\w+)"', shown)
    head.post(f"{here}/decide", {"answer": "approve", "value": ids, "seen": seen_on(shown)})
    page = steward.get(f"{here}?lang=en").text
    assert "By region" in page
    assert "呼和浩特市" in page
    target = {
        "period": "2025",
        "operator": "≥",
        "value": "45",
        "basis": "年度工作要点",
        "region": "150100",
        "org_id": "education",
    }
    reviewer.post(f"{here}/target", target)
    page = steward.get(f"{here}?place=150100&lang=zh-CN").text
    assert "呼和浩特市，" in page, "one league over time"
    spec = json.loads(re.findall(r'id="over-time-data"[^>]*>(.*?)</', page, re.DOTALL)[0])
    assert [one["values"] for one in spec["series"]] == [[40.0], [45.0]]
    assert steward.get("/console/figures-file?form=csv&lang=zh-CN").text.count("digital_schools") == 4
    assert "向公众公开" not in steward.get(here).text, "who reports does not open"
    assert "未公开" in head.get(here).text
    assert "已公开" not in head.get(here).text
    assert steward.post(f"{here}/open", {"reason": "想公开"}).status_code in {303, 403}
    assert head.client.get("/sdmx/v1/data/DIGITAL_SCHOOLS").status_code == 404
    head.post(f"{here}/open", {"reason": "统计公报"})
    page = steward.get(here).text
    assert "/sdmx/v1/data/DIGITAL_SCHOOLS" in page
    assert "统计公报" in page
    assert "156" in head.client.get("/sdmx/v1/data/DIGITAL_SCHOOLS").text
    head.post(f"{here}/close", {"reason": "复核"})
    assert head.client.get("/sdmx/v1/data/DIGITAL_SCHOOLS").status_code == 404
    steward.post("/console/figures-new", {**form, "formula": "SELECT 160 AS value", "reason": "改由查询取数"})
    assert "计算并填报" in steward.get(here).text
    steward.post(f"{here}/compute", {"period": "2026"})
    assert "查询得到 1 个数值" in steward.get(here).text
    assert "修订定义" in steward.get("/console/figures-new?code=digital_schools").text


def test_a_task_is_reported_confirmed_and_exported(desk: Callable[..., Any], office: Any) -> None:
    reviewer, steward = desk("bureau_reviewer"), desk("steward")
    assert "还没有督办任务" in steward.get("/console/plan").text
    now = office.assess.today
    days = {"since": str(now - timedelta(days=10)), "due_on": str(now + timedelta(days=300))}
    reviewer.post("/console/plan-load", {"name": "今年", **days})
    assert "任务清单取自" in reviewer.get("/console/plan").text
    assert "信息网络建设" in steward.get("/console/plan").text
    assert "Learning" not in steward.get(f"/console/plan?org={ORG}&light=green").text
    task = next(one.task for one in office.plan.tasks(SYSTEM) if one.task.number == "8.5")
    here = f"/console/plan/{task.id}"
    assert "报告进展" in steward.get(here).text
    proofs = "figure:fixed_broadband_household_penetration\nhttps://example.org/a"
    steward.post(f"{here}/report", {"percent": "100", "words": "已建成", "proofs": proofs})
    assert "报告完成待确认" in steward.get(here).text
    reviewer.post(f"{here}/urge", {"words": "请补验收材料"})
    reviewer.post(f"{here}/deadline", {"due_on": str(now + timedelta(days=320)), "words": "顺延"})
    stale = {"answer": "accept", "seen": seen_on(reviewer.get(here).text)[0]}
    steward.post(f"{here}/report", {"percent": "100", "words": "已建成并验收", "proofs": proofs})
    reviewer.post(f"{here}/confirm", stale)
    assert "报告完成待确认" in steward.get(here).text, "it was reported anew"
    reviewer.post(f"{here}/confirm", {"answer": "accept", "seen": seen_on(reviewer.get(here).text)[0]})
    page = steward.get(f"{here}?lang=en").text
    assert "confirmed as done" in page
    assert "Proofs: " in page
    assert "已办结" in steward.get("/console/plan-file?form=csv&lang=zh-CN").text


def test_the_same_over_the_json_api(desk: Callable[..., Any], period: str) -> None:
    steward, reviewer = desk("steward").client, desk("bureau_reviewer")
    headers = {"X-CSRF-Token": reviewer.token(), "Origin": "https://testserver"}

    def get(path: str, **words: Any) -> Any:
        return steward.get(f"/api/v1{path}", **words).json()

    def put(path: str, order: dict[str, Any], method: str = "POST") -> Any:
        return reviewer.client.request(method, f"/api/v1{path}", json=order, headers=headers)

    assert len(get("/assess/indicators")["indicators"]) == 23
    assert get("/assess/periods?kind=month")["periods"][0]["period"] == period
    at = f"/assess/periods/{period}"
    assert get(at)["departments"][0]["org_id"] == ORG
    marks = get(f"{at}/departments/{ORG}")["marks"]
    assert get(f"{at}/departments/{ORG}/{marks[0]['indicator']}")["facts"][0]["place"] == 0
    assert steward.get(f"/api/v1{at}/file?form=csv").text.startswith("\ufeff名次")
    assert steward.get(f"/api/v1{at}/departments/{ORG}/file").content[:2] == b"PK"
    assert put(at, {}).json()["error"]["code"] == "period_frozen"
    assert put(f"{at}/freeze", {}).status_code == 409
    assert put("/assess/periods/2099", {}).json()["error"]["code"] == "period_ahead"
    assert get("/assess/weights")["weights"][-1]["version"] == 0
    made = put("/assess/weights", {"weights": {"quality_score": 1}, "since": "2031-01-01", "reason": "试"}).json()
    assert put(f"/assess/weights/{made['version']}/decision", {"approve": True}).status_code == 422
    appeal = get("/assess/appeals")["appeals"][0]
    assert get(f"/assess/appeals/{appeal['id']}")["after"]["revision"] == 2
    assert put(f"/assess/appeals/{appeal['id']}/answer", {"outcome": "kept", "words": "x"}).status_code == 409
    order = {"words": "再申诉"}
    assert put(f"{at}/departments/{ORG}/{marks[0]['indicator']}/appeals", order).status_code == 403

    order = {
        "name_zh": "用电量",
        "unit_zh": "亿千瓦时",
        "period_kind": "month",
        "value_kind": "level",
        "org_id": "ndrc",
        "reason": "新增",
    }
    assert put("/figures/power_use", order, "PUT").json()["version"] == 1
    values = put("/figures/power_use/values", {"values": [{"period": "2026-01", "value": "312.50"}]}).json()["values"]
    assert values[0]["value"] == "312.5"
    ids = [values[0]["id"]]
    assert put("/figures/values/decision", {"values": ids, "approve": True}).json()["error"]["code"] == "self_approval"
    target = {"period": "2026-01", "operator": "≤", "value": "300", "basis": "能耗双控"}
    assert put("/figures/power_use/targets", target, "PUT").json()["operator"] == "≤"
    assert put("/figures/power_use/compute", {"period": "2026-02"}).json()["error"]["code"] == "bad_formula"
    assert get("/figures/power_use")["revisions"] == []
    assert "power_use" in {f["code"] for f in get("/figures")["figures"]}
    assert steward.get("/api/v1/figures/file?form=csv").status_code == 200
    answer = reviewer.client.post(
        "/api/v1/figures/file", content=b"code,period,value\npower_use,2026,1\n", headers=headers
    )
    assert answer.status_code == 422
    assert put("/figures/plan-2018", {}).json() == {"figures": []}
    assert put("/figures/power_use/retire", {"reason": "并入能源统计"}).json()["retired"] is True

    tasks = get("/plan/tasks")
    assert "红灯" in tasks["rule"]["zh"]
    one = next(task for task in tasks["tasks"] if task["number"] == "7.1")
    assert put("/plan/tasks", {"plan": "2018"}).json() == {"added": 27}
    assert put(f"/plan/tasks/{one['id']}/progress", {"percent": 30, "words": "已签约"}).json()["percent"] == 30
    assert put(f"/plan/tasks/{one['id']}/confirmation", {"accept": True}).status_code == 409
    assert put(f"/plan/tasks/{one['id']}/deadline", {"due_on": "2099-01-01", "words": "顺延"}, "PUT").status_code == 200
    assert put(f"/plan/tasks/{one['id']}/urge", {"words": "加快"}).status_code == 200
    assert [p["act"] for p in get(f"/plan/tasks/{one['id']}")["progress"]] == ["urge", "move", "report", "load"]
    assert steward.get("/api/v1/plan/file").content[:2] == b"PK"


def test_the_same_at_the_terminal(  # noqa: PLR0915 - one story
    office: Any, period: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = commands(lambda: office.assess, lambda: office.access)
    add_figures(app, lambda: office.figures, lambda: office.public_figures, lambda: office.access)
    add_plan(app, lambda: office.plan, lambda: office.plan_tables, lambda: office.access)
    terminal.set_style(as_json=True, language=Language.EN)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str, code: int = 0) -> Any:
        found = CliRunner().invoke(app, list(words))
        assert found.exit_code == code, (words, found.output, found.exception)
        return json.loads(found.stdout) if found.stdout.strip() else None

    assert run("periods")[0]["period"] == period
    now = str(Period.holding(office.assess.today, PeriodKind.YEAR))
    assert run("compute", now, "--as", "a.bureau_reviewer")[0]["period"] == now
    run("freeze", now, code=1)
    assert run("rank", now)[0]["org_id"] == ORG
    marks = [line for line in run("show", now, ORG, "--as", "a.steward") if line["fraction"]]
    assert run("facts", now, ORG, marks[0]["indicator"])[0]["place"] == 0
    for words in (("rank", period), ("show", period, ORG)):
        run(*words, "--out", str(tmp_path / "r.xlsx"))
        assert (tmp_path / "r.xlsx").read_bytes()[:2] == b"PK"
    run("rank", now, "--out", str(tmp_path / "r.pdf"))
    assert (tmp_path / "r.pdf").read_bytes()[:4] == b"%PDF"
    run("rank", now, "--out", str(tmp_path / "r.doc"), code=1)
    assert run("weights")[-1]["version"] == 0
    made = run(
        "propose-weights",
        "quality_score=3",
        "grading_rate=1",
        "--since",
        "2032-01-01",
        "--reason",
        "试",
        "--as",
        "a.bureau_reviewer",
    )
    run("decide-weights", str(made[0]["version"]), "--approve", "--as", "a.bureau_publisher")
    appeal = run("appeal", period, ORG, marks[-1]["indicator"], "--words", "再核", "--as", "a.steward")[0]
    assert run("appeals")[0]["id"] == appeal["id"]
    assert run("answer", appeal["id"], "kept", "--words", "无误", "--as", "a.bureau_reviewer")[0]["state"] == "kept"

    run("figure", "load-plan")
    words = ("--name", "学位数", "--unit", "个", "--org", ORG, "--reason", "新增", "--as", "a.steward")
    run("figure", "define", "school_places", *words)
    value = run("figure", "report", "school_places", "2025", "1200", "--as", "a.steward")[0]
    run("figure", "decide", value["id"], "--approve", "--as", "a.org_reviewer", code=1)
    (one,) = run("figure", "show", "school_places", "--as", "a.org_reviewer")
    seen = f"{one['id']}={one['seen']}"
    run("figure", "decide", value["id"], "--approve", "--seen", seen, "--as", "a.org_reviewer")
    run("figure", "target", "school_places", "2025", "≥", "1000", "--basis", "规划", "--as", "a.steward")
    row = next(r for r in run("figure", "list") if r["code"] == "school_places")
    assert (row["value"], row["met"]) == ("1200", True)
    run("figure", "export", "--out", str(tmp_path / "v.csv"), "--code", "school_places")
    assert run("figure", "import", str(tmp_path / "v.csv"), "--reason", "核对", "--as", "a.steward")[0]["revision"] == 2
    assert len(run("figure", "show", "school_places")) == 2
    words = ("--name", "五", "--unit", "个", "--org", ORG, "--reason", "新增", "--as", "a.steward")
    run("figure", "define", "five", *words, "--query", "SELECT 5 AS value")
    assert run("figure", "compute", "five", "2025", "--as", "a.steward")[0]["value"] == "5"
    run("figure", "retire", "school_places", "--reason", "并入", "--as", "a.steward")

    run("plan", "load")
    tasks = run("plan", "list")
    task = next(t["id"] for t in tasks if t["number"] == "8.5" and t["due_on"] == "2018-12-31")
    assert (
        run("plan", "report", task, "40", "--words", "推进", "--proof", "https://example.org", "--as", "a.steward")[0][
            "percent"
        ]
        == 40
    )
    run("plan", "deadline", task, "2099-12-31", "--words", "顺延")
    run("plan", "urge", task, "--words", "加快")
    run("plan", "confirm", task, "--accept", code=1)
    assert [p["act"] for p in run("plan", "show", task)][-1] == "put on the plan"
    run("plan", "list", "--out", str(tmp_path / "p.csv"))
    assert "8.5" in (tmp_path / "p.csv").read_text("utf-8-sig")
