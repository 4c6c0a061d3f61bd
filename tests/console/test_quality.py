"""Quality in the console: suggestions, a rule by the form, results, failing rows, a release, the scorecard."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM
from beijiang.quality import Kind, RuleDraft, Severity

TABLE = "校车登记"
PAGE = f"/console/quality/{quote(TABLE)}"


@pytest.fixture(scope="module", autouse=True)
def table(office: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("quality") / "登记.csv"
    rows = "".join(f"{n},第{n}号车,{'赤峰市' if n % 7 else ''},{20 + n}\n" for n in range(1, 41))
    path.write_text("编号,车辆名称,盟市,座位数量\n" + rows, encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()


def test_a_steward_takes_suggestions_adds_a_rule_and_sees_what_fails(desk: Callable[..., Any], office: Any) -> None:
    steward = desk("steward")
    assert TABLE in steward.get("/console/quality").text
    assert "看看推荐哪些规则" in steward.get(PAGE).text
    page = steward.get(f"{PAGE}/suggest").text
    assert "标识性数据项应有值" in page
    taken = re.findall(r'name="take" value="(\w+)"', page)
    steward.post(f"{PAGE}/suggest", {"take": [taken[0], "0" * 16]})
    assert "推荐已有变化" in steward.get(f"{PAGE}/suggest").text
    answer = steward.post(f"{PAGE}/suggest", {"take": taken})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert f"{len(taken)} 条规则已生效" in steward.get(PAGE).text
    form = {"kind": "not_null", "column": "盟市", "severity": "critical", "threshold": "100", "step": "try"}
    page = steward.post(f"{PAGE}/add", form).text
    assert "试算：第 1 版评估 40 个，5 个不符合。还没有保存。" in page
    assert re.search(r'name="column" value="盟市" checked', page)
    assert steward.post(f"{PAGE}/add", {**form, "step": "save"}).headers["location"] == PAGE
    steward.post(f"{PAGE}/check")
    page = steward.get(PAGE).text
    assert "检查完成" in page
    assert "第 1 版未通过严重级规则（盟市 非空）" in page
    assert "放行这一版给读者" not in page
    rows = re.search(r'href="(/console/quality-runs/[^"]+)">5<', page)
    assert rows
    page = steward.get(rows[1]).text
    assert "第7号车" in page
    assert "第8号车" not in page
    assert "Column" not in page
    assert "Judged" not in page
    english = steward.get(f"{PAGE}?lang=en").text
    assert "fails critical rules" in english
    steward.get(f"{PAGE}?lang=zh-CN")


def test_a_steward_sees_what_would_break_a_suggestion_changes_it_or_declines_it(
    desk: Callable[..., Any], office: Any, tmp_path: Any
) -> None:
    name = "校服采购"
    page = f"/console/quality/{quote(name)}"
    path = tmp_path / "采购.csv"
    rows = "".join(f"XF-{n:04d},{'冬装' if n % 2 else '夏装'}\n" for n in range(1, 41)) + "未编,夏裝\n"
    path.write_text("批次,款式\n" + rows, encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=name))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()
    steward = desk("steward")
    shown = steward.get(f"{page}/suggest").text
    assert "41 个值中 40 个是这 2 种" in shown
    link = next(
        key for key in re.findall(r'/suggest/(\w+)"', shown) if "未编" in steward.get(f"{page}/suggest/{key}").text
    )
    rows_page = steward.get(f"{page}/suggest/{link}").text
    assert "XF-0001" not in rows_page
    assert "采用这条规则" in rows_page
    assert "would break" in steward.get(f"{page}/suggest/{link}?lang=en").text
    steward.get(f"{page}/suggest?lang=zh-CN")
    form = steward.get(f"{page}/add?like={link}").text
    assert re.search(r'name="column" value="\w+" checked', form)
    steward.post(f"{page}/suggest", {"take": [link], "step": "decline"})
    assert "请说明理由" in steward.get(f"{page}/suggest").text
    steward.post(f"{page}/suggest", {"take": [link], "step": "decline", "reason": "历史批次"})
    shown = steward.get(f"{page}/suggest").text
    assert "已谢绝 1 条" in shown
    assert "历史批次" in shown
    assert f'value="{link}"' not in shown
    again = re.search(r'action="([^"]+/again)"', shown)
    assert again
    steward.post(again[1])
    assert f'value="{link}"' in steward.get(f"{page}/suggest").text
    assert steward.get(f"{page}/add?like={'0' * 16}").status_code == 409


def test_the_form_says_what_is_wrong_and_keeps_what_was_filled_in(desk: Callable[..., Any], office: Any) -> None:
    steward = desk("steward")
    form = {
        "kind": "expression",
        "p_expression": "座位数量 > (SELECT 1) <b>",
        "severity": "major",
        "threshold": "95",
        "step": "save",
    }
    page = steward.post(f"{PAGE}/add", form).text
    assert "条件不可用" in page
    assert "座位数量 &gt; (SELECT 1) &lt;b&gt;" in page
    assert 'value="95"' in page
    for kind in ("check", "code_set", "element", "equal", "format", "order", "volume", "windows", "freshness"):
        assert steward.get(f"{PAGE}/add?kind={kind}").status_code == 200
    assert steward.get(f"{PAGE}/add?kind=x").status_code == 422


def test_the_data_authority_releases_and_weighs_and_others_do_neither(desk: Callable[..., Any], office: Any) -> None:
    reviewer, steward = desk("bureau_reviewer"), desk("steward")
    if office.quality.report(SYSTEM, TABLE).hold is None:
        draft = RuleDraft(kind=Kind.NOT_NULL, columns=("盟市",), severity=Severity.CRITICAL)
        office.quality.add(SYSTEM, TABLE, draft)
        office.quality.check_now(SYSTEM, TABLE)
    page = reviewer.get(PAGE).text
    assert "放行这一版给读者" in page
    assert "新增规则" not in page
    assert reviewer.get(f"{PAGE}/add").status_code == 403
    steward.post(f"{PAGE}/release", {"version": 1, "reason": "我来"})
    assert office.quality.report(SYSTEM, TABLE).hold is not None
    reviewer.post(f"{PAGE}/release", {"version": 1, "reason": "没有看过", "seen": ""})
    assert "请先查看" in reviewer.get(PAGE).text
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    reviewer.post(f"{PAGE}/release", {"version": 1, "reason": "盟市由学校补报", "seen": seen[1]})
    page = reviewer.get(PAGE).text
    assert "放行记录" in page
    assert "盟市由学校补报" in page
    proof = f"/console/prove/quality_release/{quote(TABLE)}"
    assert proof in page
    told = reviewer.get(proof).text
    assert "放行未通过的版本" in told
    assert "质量检查" not in told.split("<main")[1].split("<tbody>")[1], "of a table only what is proved here is told"
    assert desk("member").get(proof).status_code in {403, 404}
    assert "新的评分卡" in reviewer.get("/console/quality-scorecards?preset=-1").text
    card = replace(office.quality.preset("1"), indicators={"0301": 3.0})
    office.quality.set_scorecard(SYSTEM, card, "重视内容")
    words = {"name": "专项", "d01": "1", "d02": "9", "d03": "1", "d04": "1", "d05": "1", "d06": "1", "reason": "检查"}
    reviewer.post("/console/quality-scorecards", words)
    assert "评分卡第 3 版已生效" in reviewer.get("/console/quality-scorecards").text
    assert office.quality.scorecards(SYSTEM)[0].indicators == {"0301": 3.0}
    steward.post("/console/quality-scorecards", {**words, "name": "另立的评分卡"})
    assert "另立的评分卡" not in steward.get("/console/quality-scorecards").text


@pytest.mark.parametrize("role", [None, "sys_admin", "audit_admin", "member"])
def test_who_has_no_business_here_sees_nothing(desk: Callable[..., Any], role: str | None) -> None:
    browser = desk(role)
    for path in ("/console/quality", PAGE, f"{PAGE}/suggest", "/console/quality-scorecards"):
        answer = browser.get(path)
        assert answer.status_code in {303, 401, 403, 404}
        assert "盟市" not in answer.text


def test_a_profile_shows_a_card_for_each_column(desk: Callable[..., Any]) -> None:
    page = desk("steward").get(f"{PAGE}/profile")
    assert page.status_code == 200
    assert page.text.count('<section class="card pad">') == 4
    assert "赤峰市" in page.text
    assert "几乎每行一个值" in page.text
    english = desk("steward").get(f"{PAGE}/profile?lang=en").text
    assert "Most often" in english
    assert desk("steward").get(f"{PAGE}/profile?lang=zh-CN").status_code in {200, 303}
    assert "数据画像" in desk("steward").get(PAGE).text


def test_a_profile_of_many_columns_has_pages_and_pictures_of_quantiles(
    desk: Callable[..., Any], office: Any, tmp_path: Any
) -> None:
    path = tmp_path / "宽表.csv"
    lines = [",".join(f"指标{n}" for n in range(70)), *(",".join(str(row + n) for n in range(70)) for row in range(9))]
    path.write_text("\n".join(lines), encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into="宽表"))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()
    at = f"/console/quality/{quote('宽表')}/profile"
    first, second = (desk("steward").get(f"{at}?page={page}").text for page in (1, 2))
    assert (first.count('<section class="card pad">'), second.count('<section class="card pad">')) == (60, 10)
    assert "第 1 / 2 页，共 70 列" in first
    assert f'href="{at}?page=2"' in first
    assert f'href="{at}?page=1"' in second
    assert second.count('<svg class="interval"') == 10
    assert "中位数 73" in second, "of 69 to 77"
    assert "page 2 of 2, 70 columns" in desk("steward").get(f"{at}?page=2&lang=en").text
    assert desk("steward").get(f"{at}?lang=zh-CN").status_code in {200, 303}
