"""Declaring a graph on a page and through the interface: choose, preview, mend, declare, change, take out of use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from company import DRAFT, HELD, REGISTER, Company
from test_doors import key_of
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.kit import Language
from beijiang.mining import commands

NEW = "/console/graphs-new"


def said(**changes: str) -> dict[str, str]:
    """Return the form as it is filled in for the declared graph of the tests."""
    draft = DRAFT.to_json()
    words = {"name": "表单声明的图", "subjects": REGISTER, "holdings": HELD, "step": "save"}
    for sign, part in (("s", "subjects"), ("h", "holdings")):
        words |= {f"{sign}_{name}": word for name, word in draft[part].items() if name != "table"}
    return {**words, **changes}


def test_a_graph_is_declared_by_choosing(company: Company) -> None:
    browser = company.office.browser("steward")
    assert NEW in browser.get("/console/graphs?every=1").text
    first = browser.get(NEW).text
    assert f'value="{REGISTER}"' in first
    assert 'name="s_key"' not in first
    second = browser.get(NEW, params={"subjects": REGISTER, "holdings": HELD}).text
    assert '<option value="被投资企业统一社会信用代码" selected>' in second, "what is called so is chosen beforehand"
    assert '<option value="持股比例" selected>' in second
    tried = browser.post(NEW, data=said(step="try")).text
    assert "预览" in tried
    summary = company.graphs.summary(company.office["steward"], company.graph)
    assert f"<dd>{summary.counts['firm']}</dd>" in tried
    known = {one.id for one in company.graphs.graphs(company.office["steward"])}
    assert not any(one.name == "表单声明的图" for one in company.graphs.graphs(company.office["steward"])), (
        "nothing is kept"
    )
    made = browser.post(NEW, data=said()).headers["location"].rsplit("/", 1)[1]
    assert made not in known
    declared = company.graphs.graph(company.office["steward"], made)
    assert (declared.draft.subjects, declared.draft.holdings) == (DRAFT.subjects, DRAFT.holdings)
    again = browser.get(NEW, params={"graph": made}).text
    assert 'value="表单声明的图"' in again
    browser.post(NEW, data=said(graph=made, name="改过的图", s_phone=""))
    changed = company.graphs.graph(company.office["steward"], made)
    assert (changed.name, changed.revision, changed.draft.subjects.phone) == ("改过的图", 2, "")
    assert browser.post(f"/console/graphs/{made}/remove").status_code == 303
    assert browser.get(f"/console/graphs/{made}").status_code == 404


def test_a_fault_says_how_to_mend_it_and_keeps_what_was_said(company: Company) -> None:
    browser = company.office.browser("steward")
    for words, zh, en in (
        (said(s_name=""), "请为每一项选择一列", "Choose a column for each"),
        (said(h_holder_firm="", h_holder_person=""), "请选择股东信用代码列", "Choose that of credit codes"),
        (said(h_share="没有的列"), "请从该表的列中另选一列", "Choose another one of that table"),
        (said(name=" "), "请填写名称", "A name of at most"),
    ):
        shown = browser.post(f"{NEW}?lang=zh-CN", data=words).text
        assert zh in shown
        assert f'<option value="{words["h_held"]}" selected>' in shown
        assert en in browser.post(f"{NEW}?lang=en", data=words).text
    nothing = browser.post(f"{NEW}?lang=zh-CN", data=said(step="try", h_share="被投资企业统一社会信用代码")).text
    assert "没有一行成为持股关系" in nothing


def test_who_may_not_declare_gets_no_form_and_learns_of_no_table(company: Company) -> None:
    member = company.office.browser("member")
    assert member.get(NEW).status_code == 403
    assert member.post(NEW, data=said()).status_code == 403
    made = company.graph
    stranger = company.office.browser("first_keeper")
    assert stranger.get(NEW, params={"graph": "graph_none"}).status_code == 404
    assert stranger.post(NEW, data=said(graph=made)).status_code == 404, "another department's graph is not changed"
    assert stranger.post(f"/console/graphs/{made}/remove").status_code == 404
    hidden = stranger.post(NEW, data=said(holdings="没有的表"))
    assert hidden.status_code == 404
    assert company.graphs.graph(company.office["steward"], made).draft == DRAFT


def test_the_interface_and_the_terminal_preview(company: Company, tmp_path: Path) -> None:
    order: dict[str, Any] = DRAFT.to_json()
    shown = key_of(company, "steward").post("/api/v1/graphs-preview", json=order).json()
    assert shown["counts"]["firm"] == 15
    assert key_of(company, "first").post("/api/v1/graphs-preview", json=order).status_code == 403
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(order, ensure_ascii=False), encoding="utf-8")
    terminal.set_style(as_json=True, language=Language.EN)
    group = commands.graph_commands(lambda: company.office.platform.graphs, lambda: company.office.platform.access)
    answer = CliRunner().invoke(group, ["preview", str(file), "--as", "steward"])
    assert json.loads(answer.stdout)["firm"] == 15


def test_a_picture_leaves_as_png_by_the_browser_and_as_svg_without_scripts(company: Company) -> None:
    browser = company.office.browser("steward")
    page = browser.get(f"/console/graphs/{company.graph}", params={"ask": "circles", "number": "0"}).text
    assert 'data-png="/console/graphs/' in page
    assert "没有脚本时请用 SVG" in page.split("<noscript>")[1]
    address = page.split('data-png="')[1].split('"')[0].replace("&amp;", "&")
    assert browser.get(address).headers["content-type"].startswith("image/svg+xml")
