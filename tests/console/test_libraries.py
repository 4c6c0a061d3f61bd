"""Libraries in the console: declared from the standard, a source mapped, run, looked into, taken apart, put together."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import waiting
from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM

HEAD = "统一社会信用代码,企业名称,法定代表人,注册资本,住所\n"
ROWS = (
    "91350100M000100Y43,内蒙古草原乳业有限公司,巴特尔,100,呼和浩特市新城区海东路18号\n"
    "91110000802100433B,包头市钢铁物流有限公司,张伟,2000,包头市昆都仑区钢铁大街7号\n"
)
MORE = (
    "91350100M000100Y43,内蒙古草原乳业有限责任公司,巴特尔,120,呼和浩特市新城区海东路18号\n"
    ",内蒙古蒙根花商贸有限公司,其其格,50,鄂尔多斯市东胜区天骄路3号\n"
)


@pytest.fixture(scope="module", autouse=True)
def tables(office: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name, rows in (("登记企业", ROWS), ("纳税企业", MORE)):
        path = tmp_path_factory.mktemp("libraries") / f"{name}.csv"
        path.write_text(HEAD + rows, encoding="utf-8")
        landed = office.ingest.land(SYSTEM, path, path.name, "education")
        run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=name))
        office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()


def until(desk: Any, path: str, words: str) -> str:
    """Reload a page until it says something."""

    def told() -> str:
        page = str(desk.get(path).text)
        return page if words in page else ""

    return waiting.until(told, 300, every=0.1)


def form_of(page: str) -> dict[str, Any]:
    """Return what the form of a library holds as it is shown."""
    names = re.findall(r'<input name="name" value="([^"]*)"', page)
    form: dict[str, Any] = {"name": names, "kind": "legal_entity", "do": "save"}
    form |= dict(re.findall(r'<input type="hidden" name="((?:element|length|check)\d+)" value="([^"]*)"', page))
    for field, options in re.findall(r'<select name="((?:type|choosing)\d+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        assert chosen
        form[field] = chosen[1]
    form |= dict.fromkeys(re.findall(r'name="(keep\d+)" value="yes" checked', page), "yes")
    form |= dict.fromkeys(re.findall(r'name="(key\d+)" value="yes" checked', page), "yes")
    return form


def test_a_steward_makes_a_library_and_looks_after_it(desk: Callable[..., Any]) -> None:  # noqa: PLR0915 - one story
    steward = desk("steward")
    page = steward.get("/console/libraries").text
    assert "法人单位库" in page
    page = steward.get("/console/libraries-new?kind=legal_entity").text
    form = form_of(page) | {"title": "<b>法人库</b>", "target": "法人单位库", "matching": "legal_entity"}
    assert form["name"][0] == "统一社会信用代码"
    wrong = steward.post("/console/libraries-edit", {**form, "certain": "0.2", "grey": "0.9"})
    assert "阈值应满足" in wrong.text
    answer = steward.post("/console/libraries-edit", form)
    assert answer.status_code == 303
    here = answer.headers["location"]
    page = steward.get(here).text
    assert "&lt;b&gt;法人库&lt;/b&gt;" in page

    for table, priority in (("登记企业", "1"), ("纳税企业", "2")):
        page = steward.get(f"{here}/offer?table={table}").text
        fields = re.findall(r'name="field" value="([^"]*)"', page)
        chosen = [
            (re.search(r"<option selected>([^<]*)</option>", options) or [None, ""])[1]
            for options in re.findall(r'<select name="column"[^>]*>(.*?)</select>', page, re.DOTALL)
        ]
        assert chosen[0] == "统一社会信用代码"
        mapped = dict(zip(fields, chosen, strict=True)) | {
            "名称": "企业名称",
            "法定代表人姓名": "法定代表人",
            "住所": "住所",
        }
        data = {"table": table, "field": fields, "column": [mapped[f] for f in fields], "priority": priority}
        assert steward.post(f"{here}/offer", data).status_code == 303
    assert "已接入" in steward.get(here).text
    assert steward.post(f"{here}/run").status_code == 303
    page = until(steward, here, "第 1 版")
    assert "来源有分歧" in page

    page = steward.get(f"{here}/subjects?field=名称&value=草原乳业").text
    subject = re.search(rf'href="({here}/subjects/[^"?]+)"', page)
    assert subject
    page = steward.get(subject[1]).text
    assert "有分歧" in page
    assert "登记企业" in page
    assert "内蒙古草原乳业有限责任公司" in page
    records = re.findall(r'name="record" value="([^"]+)"', page)
    assert len(records) == 2
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    refused = steward.post(f"{subject[1]}/take-out", {"record": records[:1], "reason": "没有看过", "seen": ""})
    assert refused.headers["location"] == subject[1]
    assert "请先查看" in steward.get(subject[1]).text
    refused = steward.post(f"{subject[1]}/take-out", {"record": records, "reason": "都不是", "seen": seen[1]})
    assert refused.headers["location"] == subject[1]
    answer = steward.post(
        f"{subject[1]}/take-out", {"record": records[:1], "reason": "<script>x</script>", "seen": seen[1]}
    )
    page = steward.get(answer.headers["location"]).text
    assert "&lt;script&gt;" in page
    assert "尚未生效" in page
    revoke = re.search(r'action="(/console/library-decisions/[^"]+/revoke)"', page)
    assert revoke
    steward.post(revoke[1], {"reason": "看错了"})
    assert "已撤销：看错了" in steward.get(answer.headers["location"]).text

    for path in ("pairs", "claims", "decisions", "edit", "subjects"):
        assert steward.get(f"{here}/{path}").status_code == 200
    names = re.findall(r"L-[0-9A-F]{12}", steward.get(f"{here}/subjects").text)
    two = " ".join(sorted(set(names))[:2])
    beside = steward.get(f"{here}/merge?subjects={two}").text
    assert "归并为一个主体" in beside
    seen = re.search(r'name="seen" value="([^"]+)"', beside)
    assert seen
    refused = steward.post(f"{here}/merge", {"subjects": two, "reason": "同一企业", "seen": "0-0"})
    assert refused.headers["location"].startswith(f"{here}/merge?subjects=")
    assert "没有作出任何决定" in steward.get(refused.headers["location"]).text
    assert steward.get(f"{here}/merge?subjects=one").headers["location"] == f"{here}/subjects"
    merged = steward.post(f"{here}/merge", {"subjects": two, "reason": "同一企业", "seen": seen[1]})
    assert merged.headers["location"] == f"{here}/decisions"
    steward.post(f"{here}/run")
    until(steward, here, "第 2 版")

    page = steward.get(f"{here}/claims").text
    steward.post(f"{here}/claims", {"element": "名称", "basis": "市场主体登记管理条例"})
    reviewer = desk("bureau_reviewer")
    page = reviewer.get(f"{here}/claims").text
    accept = re.search(r'action="(/console/library-claims/[^"]+/accept)"', page)
    assert accept
    reviewer.post(accept[1], {"reason": "职责清单"})
    assert "数源部门" in steward.get(f"{here}/claims").text
    assert "libraries" not in desk("sys_admin").get("/console").text
    assert desk("member").get(here).status_code in {403, 404}
    steward.post(f"{here}/retire", {"reason": "试用结束"})
    assert steward.get(here).status_code == 404
