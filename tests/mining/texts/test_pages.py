"""The pages of documents, drafts of the plan, and notebooks, in a browser without scripts."""

from __future__ import annotations

import re

from asking import FIRMS, Office
from test_plan_reading import _written
from test_texts import WATER, story

from beijiang.mining import NotebookDraft

CELL = f'SELECT 盟市, count(*) AS n FROM "{FIRMS}" WHERE 盟市 = $city GROUP BY 盟市'


def test_a_document_is_kept_and_looked_into(office: Office) -> None:
    browser = office.browser("steward")
    assert "还没有文档" in browser.get("/console/texts").text
    files = {"file": ("页面.txt", f"包头市的安排。\n{story(WATER, 1)}".encode(), "text/plain")}
    answer = browser.post("/console/texts", data={"label": "水利"}, files=files)
    here = answer.headers["location"]
    assert here.startswith("/console/texts/txt_")
    assert "包头市的安排" in browser.get(here).text
    assert "关键句" in browser.get(f"{here}?tab=keywords&way=textrank").text
    assert "150200" in browser.get(f"{here}?tab=mentions").text
    assert "没有相同片段过半" in browser.get(f"{here}?tab=alike").text
    assert "没有识别出任务" in browser.get(f"{here}?tab=tasks").text
    assert "标注" in browser.get("/console/texts-classes").text
    copy = {"file": ("抄.txt", f"包头市的另一安排。\n{story(WATER, 1)}".encode(), "text/plain")}
    other = browser.post("/console/texts", files=copy).headers["location"]
    assert other.removeprefix("/console/texts/") in browser.get(f"{here}?tab=alike").text
    assert "段落并排" in browser.get(f"{here}/compare/{other.removeprefix('/console/texts/')}").text
    assert office.browser("first").get(here).status_code == 404
    assert "数据挖掘" in browser.get("/console/texts").text
    assert browser.get("/console/texts?lang=en").status_code == 200


def test_a_draft_is_decided_line_by_line_beside_its_source(office: Office) -> None:
    browser = office.browser("reviewer")
    made = _written(office.platform.standards, "brackets", 1)
    files = {"file": ("要点.txt", made.text.encode(), "text/plain")}
    document = browser.post("/console/texts", files=files).headers["location"].removeprefix("/console/texts/")
    assert "读入督办草稿" in browser.get(f"/console/texts/{document}?tab=tasks").text
    here = browser.post("/console/plan-drafts", data={"document": document, "plan": "页面"}).headers["location"]
    page = browser.get(here).text
    assert made.truth[3].title in page
    assert page.count("待核对") >= len(made.truth)
    seen = re.findall(r'name="seen" value="([^"]+)"', page)
    for place, truth in enumerate(made.truth):
        said = {
            "number": truth.number,
            "title": truth.title,
            "part": "领域",
            "leads": sorted(truth.leads),
            "answer": "accept",
            "targets": "",
            "due_on": "2018-12-31",
            "seen": seen[place],
        }
        answer = browser.post(f"{here}/lines/{place}", data=said)
        assert answer.headers["location"].endswith(f"#line-{place + 1}")
    assert browser.post(f"{here}/take").headers["location"] == "/console/plan"
    assert made.truth[3].title in browser.get("/console/plan?name=页面").text
    assert "页面" in browser.get("/console/plan-drafts").text


def test_a_notebook_is_written_run_and_compared(office: Office) -> None:
    browser = office.browser("first")
    assert browser.get("/console/notebooks").status_code == 200
    assert browser.get("/console/notebooks-new").status_code == 200
    form = {
        "name": "页面笔记",
        "p_name": ["city", ""],
        "p_kind": ["text", "text"],
        "p_label": ["盟市", ""],
        "p_default": ["包头市", ""],
        "cell_id": ["about", "n", "draw", ""],
        "cell_kind": ["note", "sql", "chart", "sql"],
        "cell_title": ["", "户数", "图", ""],
        "cell_text": ["# 题目\n<script>alert(1)</script>", CELL, "", ""],
        "cell_source": ["", "", "n", ""],
        "cell_chart": ["bar", "bar", "bar", "bar"],
        "cell_x": ["", "", "盟市", ""],
        "cell_y": ["", "", "n", ""],
    }
    refused = browser.post("/console/notebooks", data={**form, "p_name": ["", ""]})
    assert refused.status_code == 200
    assert "没有声明的参数" in refused.text
    assert "页面笔记" in refused.text, "what was written is not lost"
    here = browser.post("/console/notebooks", data=form).headers["location"]
    page = browser.get(here).text
    assert "<h3>题目</h3>" in page
    assert "<script>alert" not in page
    ran = browser.post(f"{here}/cells/n/run", data={"value:city": "赤峰市", "all": "1"}).text
    assert "赤峰市" in ran
    assert f"{here}/cells/draw/run" in ran, "the next cell is asked for"
    drawn = browser.post(f"{here}/cells/draw/run", data={"value:city": "赤峰市", "all": "1"}).text
    assert '"values": [20.0]' in drawn
    assert "charts.js" in page or re.search(r"/charts-[A-Z0-9]+\.js", page), "what draws is there"
    assert '<template id="chart-draw-data">' in drawn, "a script would be taken away before it is drawn"
    assert "全部完成" in drawn
    assert "没有声明" in browser.post(f"{here}/cells/n/run", data={"value:x": "1", "all": "1"}).text
    assert "VALUES = " in browser.post(f"{here}/cells/n/python", data={}).text
    book = here.removeprefix("/console/notebooks/")
    browser.post("/console/notebooks", data={**form, "notebook": book, "base": "1", "name": "改名"})
    shown = browser.get(f"{here}/versions?older=1&newer=2").text
    assert re.search(r"\+.*改名", shown)
    assert browser.post(f"{here}/restore", data={"version": "1"}).headers["location"] == here
    file = browser.get(f"{here}/file")
    assert NotebookDraft.from_json(file.json()).name == "页面笔记"
    back = browser.post("/console/notebooks-import", files={"file": ("n.json", file.content, "application/json")})
    assert back.headers["location"].startswith("/console/notebooks/nb_")
    asked = browser.post(f"{here}/cells/n/wish", data={"purpose_code": "statistics", "use": "统计"})
    assert asked.headers["location"].startswith("/console/demands/")
    assert office.browser("steward").get(here).status_code == 404
