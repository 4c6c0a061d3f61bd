"""Standards in the console: find, propose, decide, look a code up, import with a preview, map the columns of a table."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM

HERE = "/console/standards"
TABLE = "学生登记"
MAPPING = f"/console/quality/{quote(TABLE)}/mapping"


@pytest.fixture(scope="module", autouse=True)
def table(office: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("standards") / "学生.csv"
    rows = "".join(f"{n},学生{n},{'男' if n == 7 else 1 + n % 2},{10 + n}\n" for n in range(1, 31))
    path.write_text("编号,姓名,性别,民族\n" + rows, encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()


def test_elements_and_codes_are_found_and_read(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    assert "公民身份号码" in steward.get(HERE).text
    page = steward.get(f"{HERE}?q=民族&library=population&level=L3&status=in_force").text
    assert "population.ethnic_code" in page
    assert "citizen_id" not in page
    assert "没有符合条件的数据元" in steward.get(f"{HERE}?q=zzzz").text
    page = steward.get(f"{HERE}/elements/population.sex_code").text
    assert "GB/T 2261.1" in page
    assert "平台内置" in page
    assert "提议变更" in page
    assert "行政区划代码" in steward.get(f"{HERE}/code-sets").text
    page = steward.get(f"{HERE}/code-sets/region?code=152701").text
    assert "东胜市" in page
    assert "150602" in re.search(r'id="became".*?</section>', page, re.DOTALL)[0]  # type: ignore[index]
    page = steward.get(f"{HERE}/code-sets/region?on=1990-01-01").text
    assert "伊克昭盟" in page
    assert "任何版本都没有代码" in steward.get(f"{HERE}/code-sets/region?code=999999").text
    assert "日期写成" in steward.get(f"{HERE}/code-sets/region?on=x").text
    assert steward.get(f"{HERE}/elements/no.such").status_code == 404
    for path in (HERE, f"{HERE}/elements/population.sex_code", f"{HERE}/code-sets/sex", f"{HERE}/proposals"):
        page = steward.get(f"{path}?lang=en").text
        assert "数据元" not in page
    steward.get(f"{HERE}?lang=zh-CN")


def test_a_proposal_from_its_form_to_its_decision(desk: Callable[..., Any], office: Any) -> None:
    steward, reviewer = desk("steward"), desk("bureau_reviewer")
    form = {
        "base": "0",
        "id": "school.dorm",
        "name_zh": "宿舍号",
        "name_en": "Dormitory",
        "type": "C",
        "length": "很长",
        "personal": "N",
        "reason": "住宿管理",
        "valid_from": "",
    }
    page = steward.post(f"{HERE}/propose", form).text
    assert "长度：写成 18 或 20,4" in page
    assert 'value="宿舍号"' in page
    sent = steward.post(f"{HERE}/propose", {**form, "length": "8"}).headers["location"]
    assert "提案已提交" in steward.get(sent).text
    assert "撤回提案" in steward.get(sent).text
    assert "批准</button>" not in steward.get(sent).text
    assert "住宿管理" in reviewer.get(f"{HERE}/proposals").text
    steward.post(f"{sent}/approve", {"reason": ""})
    assert "school.dorm" not in steward.get(f"{HERE}?q=宿舍号").text
    page = reviewer.get(sent).text
    assert "宿舍号" in page
    assert "批准</button>" in page
    reviewer.post(f"{sent}/return", {"reason": ""})
    assert "退回需要说明理由" in reviewer.get(sent).text
    reviewer.post(f"{sent}/approve", {"reason": "同意"})
    assert "已批准" in reviewer.get(sent).text
    assert "school.dorm" in steward.get(f"{HERE}?q=宿舍号").text
    page = steward.get(f"{HERE}/propose?element=school.dorm").text
    assert 'name="base" value="1"' in page
    sent = steward.post(f"{HERE}/propose", {**form, "base": "1", "length": "10"}).headers["location"]
    assert "<del>8</del>" in reviewer.get(sent).text
    reviewer.post(f"{sent}/return", {"reason": "先说明用途"})
    assert "先说明用途" in steward.get(sent).text
    ended = {"kind": "element", "entry": "school.dorm", "reason": "并入住址", "valid_from": ""}
    sent = steward.post(f"{HERE}/retire", ended).headers["location"]
    assert "历史版本保留" in reviewer.get(sent).text
    steward.post(f"{sent}/withdraw")
    assert "已撤回" in steward.get(f"{HERE}/proposals?state=withdrawn").text


def test_a_file_is_shown_before_it_is_proposed(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    text = "标识,中文名称,英文名称,长度\nschool.bus,校车号,Bus number,6\nschool.Bad,坏,bad,6\n"

    def upload(content: str) -> str:
        files = {"file": ("校车.csv", content.encode("gbk"), "text/csv")}
        return str(steward.post(f"{HERE}/import", files=files).text)

    page = upload(text)
    assert "整个文件都不会导入" in page
    assert 'name="carried"' not in page
    page = upload(text.replace("school.Bad,坏,bad,6\n", ""))
    carried = re.search(r'name="carried" value="([^"]+)"', page)
    assert carried
    answer = {"name": "校车.csv", "carried": carried[1], "reason": "校车管理", "valid_from": ""}
    sent = steward.post(f"{HERE}/import/propose", answer).headers["location"]
    assert "校车号" in steward.get(sent).text
    steward.post(f"{HERE}/import/propose", {**answer, "carried": "!!"})
    assert "预览已失效" in steward.get(f"{HERE}/import").text
    exported = steward.get(f"{HERE}/export/element.csv")
    assert exported.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in exported.headers["content-disposition"]


def test_columns_are_mapped_measured_and_let_go(desk: Callable[..., Any], office: Any) -> None:
    steward = desk("steward")
    page = steward.get(MAPPING).text
    assert "列名即“性别”" not in page
    assert "population.sex_code" in page
    assert "列名即“姓名”" in page
    form = {
        "column": ["姓名", "性别", "民族"],
        "element": ["population.full_name", "population.sex_code", ""],
        "rules": "yes",
    }
    steward.post(MAPPING, form)
    page = steward.get(MAPPING).text
    assert "2 列已对应数据元" in page
    assert "0.9667" in page
    assert TABLE in steward.get(f"{HERE}/elements/population.sex_code").text
    assert len(office.quality.rules(SYSTEM, TABLE)) == 2
    steward.post(f"{MAPPING}/measure")
    steward.post(f"{MAPPING}/refuse", {"pair": "population.sex_code=性别"})
    page = steward.get(MAPPING).text
    assert "不再推荐" in page
    assert "0.9667" not in page
    reader = desk("analyst").get(MAPPING).text
    assert "population.full_name" in reader
    assert "确认所选" not in reader


@pytest.mark.parametrize("role", [None, "member", "sys_admin"])
def test_who_has_no_business_here_changes_nothing(desk: Callable[..., Any], role: str | None) -> None:
    browser = desk(role)
    for path in (f"{HERE}/proposals", f"{HERE}/propose", f"{HERE}/import", MAPPING):
        assert browser.get(path).status_code in {303, 401, 403, 404}


def test_a_year_of_working_days_is_a_picture_and_comes_in_by_a_file(desk: Callable[..., Any]) -> None:
    steward, reviewer = desk("steward"), desk("bureau_reviewer")
    page = steward.get(f"{HERE}/calendar/2026").text
    assert re.search(r'<td class="off" title="2026-02-17 放假 春节">17<small>休</small>', page)
    assert re.search(r'<td class="makeup" title="2026-02-14 调休上班 春节调休">14<small>班</small>', page)
    assert re.search(r'<td class="rest" title="2026-03-01 周末">1</td>', page)
    assert len(re.findall(r'<table class="card month">', page)) == 12
    assert steward.get(f"{HERE}/calendar").status_code == 200
    year = 2098  # nobody has arranged it, whatever the day on which this runs
    page = steward.get(f"{HERE}/calendar/{year}").text
    assert f"{year} 年的放假安排还没有录入" in page
    assert steward.get(f"{HERE}/calendar/1").status_code == 422
    days = ["01-01", "05-01", "05-02", "10-01", "10-02", "10-03"]
    rows = "".join(f"{year}-{day},holiday,节日,国办通知,true\n" for day in days[1:])
    head = "date,kind,note,basis,verified\n"
    answer = steward.post(f"{HERE}/import", files={"file": ("2098.csv", (head + rows).encode(), "text/csv")})
    assert f"缺少法定节假日 {year}-01-01 元旦" in answer.text
    rows += f"{year}-01-01,holiday,元旦,国办通知,true\n"
    answer = steward.post(f"{HERE}/import", files={"file": ("2098.csv", (head + rows).encode(), "text/csv")})
    carried = re.search(r'name="carried" value="([^"]+)"', answer.text)[1]  # type: ignore[index]
    form = {"name": "2098.csv", "carried": carried, "reason": "公布", "valid_from": ""}
    made = steward.post(f"{HERE}/import/propose", form)
    at = made.headers["location"]
    assert "国办通知" in reviewer.get(at).text
    assert reviewer.post(f"{at}/approve", {"reason": "同意"}).status_code == 303
    page = steward.get(f"{HERE}/calendar/{year}?lang=en").text
    assert re.search(r'title="2098-01-01 holiday 元旦">1<small>off</small>', page)
    assert "放假与调休" not in page
    steward.get(f"{HERE}?lang=zh-CN")
    ended = steward.post(f"{HERE}/retire", {"kind": "calendar", "entry": str(year), "reason": "误录", "valid_from": ""})
    assert "/proposals/" in ended.headers["location"]


def test_regions_are_a_tree_as_of_a_day(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    then = steward.get(f"{HERE}/regions?on=2000-01-01").text
    assert "伊克昭盟" in then
    assert "2001-02-26 起失效" in then
    assert "鄂尔多斯市" not in then
    now = steward.get(f"{HERE}/regions").text
    assert "鄂尔多斯市" in now
    assert "伊克昭盟" not in now
    assert "日期写成" in steward.get(f"{HERE}/regions?on=x").text
    english = steward.get(f"{HERE}/regions?on=2000-01-01&lang=en").text
    assert "Regions as of 2000-01-01" in english
    assert "截至哪天" not in english
    steward.get(f"{HERE}?lang=zh-CN")
