"""Graphs by page, programming interface and terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from company import DRAFT, Company, code, held, person, sample
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import KeyDraft
from beijiang.evidence import EvidenceQuery
from beijiang.kit import Language
from beijiang.mining import Asked, GraphFile, Question, commands
from beijiang.tables import Exit


def key_of(company: Company, login: str) -> TestClient:
    if login not in company.seen:
        scopes = {"mining:graph:read", "protection:rows:read_own", "protection:rows:read_shared"}
        scopes |= {"mining:graph:manage"} if login == "steward" else set()
        draft = KeyDraft(name="图", scopes=frozenset(scopes), days=1)
        _, secret = company.office.platform.access.issue_key(company.office.codes[login], draft)
        company.seen[login] = TestClient(company.office.app, headers={"Authorization": f"Bearer {secret}"})
    return company.seen[login]


def openings(company: Company) -> int:
    """Return how often the gate opened a table of a graph for ``first``."""
    query = EvidenceQuery(actor_id=company.office["first"].id, limit=500)
    return sum(one.exit == Exit.GRAPH for one in company.office.platform.evidence.page(query).records)


def test_the_interface_declares_asks_and_gives_files(company: Company) -> None:
    steward, first = key_of(company, "steward"), key_of(company, "first")
    order = DRAFT.to_json()
    assert steward.post("/api/v1/graphs", json={**order, "org_id": "health"}).status_code == 422
    made = steward.post("/api/v1/graphs", json=order).json()
    at = f"/api/v1/graphs/{made['id']}"
    assert steward.put(at, json={**order, "shared": False}).json()["revision"] == 2
    assert first.get(at).status_code == 404
    unknown = first.get("/api/v1/graphs/graph_none").json()["error"]
    assert unknown["message"] == first.get(f"{at}/answer?question=circles").json()["error"]["message"]
    assert steward.put(at, json=order).json()["revision"] == 3
    summary = first.get(at).json()["summary"]
    assert summary["counts"]["firm"] == 15
    ref = first.get(f"{at}/parties", params={"q": "第1实业"}).json()["parties"][0]["ref"]
    assert ref == code(1)
    shown = first.get(f"{at}/answer", params={"question": "up", "party": ref, "at": "2026-11-01"}).json()
    shares = {one["ref"]: one["share"] for one in shown["parties"]}
    assert shares[code(3)] == pytest.approx(0.48)
    assert (code(2), code(1), 0.6) in {(one["from"], one["to"], one["share"]) for one in shown["relations"]}
    assert first.get(f"{at}/answer?question=up&party={ref}&at=x").status_code == 422
    for question in ("controller", "related", "down"):
        assert first.get(f"{at}/answer", params={"question": question, "party": ref}).status_code == 200
    for form, kind in (("svg", "image/svg+xml"), ("csv", "text/csv"), ("graphml", "application/graphml+xml")):
        file = first.get(f"{at}/answer", params={"question": "up", "party": ref, "form": form})
        assert file.headers["content-type"].startswith(kind)
        assert len(file.headers["X-Beijiang-Receipt"].split()) == 2
        assert "L2" in file.headers["Content-Disposition"]
        if form != "csv":
            ET.fromstring(file.text)  # noqa: S314 - made by us
        looked = openings(company)
        asked = Asked(question=Question.CIRCLES)
        company.graphs.file(company.office["first"], made["id"], asked, GraphFile(form), Language.ZH)
        assert openings(company) == looked + 2, "the grade is that of the one look whose receipts the file names"
    space = "{http://graphml.graphdrawing.org/xmlns}"
    graph = ET.fromstring(first.get(f"{at}/answer?question=circles&number=0&form=graphml").text)  # noqa: S314
    assert len(graph.findall(f"{space}graph/{space}node")) == len(graph.findall(f"{space}graph/{space}edge")) == 3
    assert steward.delete(at).status_code == 204
    assert steward.get(at).status_code == 404


@pytest.mark.threat("TM-24")
def test_pages_draw_escape_and_fold(company: Company) -> None:
    firms, holds = sample()
    evil = '<img src=x onerror="alert(1)">'
    firms[4]["企业名称"] = f"=1+1{evil}"
    holds += [held(f"p{one + 100}", 15, 0.5) for one in range(100)]
    company.write(firms, holds)
    browser = company.office.browser("first")
    assert browser.get("/console/graphs").headers["location"] == f"/console/graphs/{company.graph}"
    here = f"/console/graphs/{company.graph}"
    assert "数据挖掘" in browser.get(here).text
    found = browser.get(here, params={"q": "第1实业"}).text
    assert f"party={code(1)}" in found
    page = browser.get(here, params={"ask": "up", "party": code(1)}).text
    assert "<svg" in page
    assert evil not in page
    assert "48 %" in page
    assert "style=" not in page.split("<svg")[1].split("</svg>")[0]
    assert not any(person(one) in page for one in range(300))
    wide = browser.get(here, params={"ask": "up", "party": code(15)}).text
    assert "另有 41 个未画出" in wide
    for ask in ("circles", "addresses", "phones", "communities"):
        assert browser.get(here, params={"ask": ask}).status_code == 200
    assert "左为股东" in browser.get(here, params={"ask": "circles", "number": "0"}).text
    assert "最短关系链" in browser.get(here, params={"ask": "path", "party": code(1), "to": code(6)}).text
    ruled = browser.get(here, params={"ask": "controller", "party": code(10), "lang": "en"}).text
    assert "presumed by the largest block" in ruled
    sheet = browser.get(f"{here}/export", params={"ask": "up", "party": code(1), "form": "csv"}).text
    assert "'=1+1" in sheet
    assert browser.get(f"{here}/export?form=exe").status_code == 422
    for bad in ("at=x", "ask=zz", "party=zz", "party=~zz", "number=٣", "ask=path&party=a&to=b"):
        assert browser.get(f"{here}?{bad}").status_code == 200, bad
    assert browser.get("/console/graphs/none").status_code == 404
    assert company.office.browser("member").get("/console/graphs").status_code == 403
    company.write(*sample())


def test_the_terminal_does_the_same(company: Company, tmp_path: Path) -> None:
    terminal.set_style(as_json=True, language=Language.EN)
    group = commands.graph_commands(lambda: company.office.platform.graphs, lambda: company.office.platform.access)

    def run(*words: str, status: int = 0, who: str = "steward") -> Any:
        answer = CliRunner().invoke(group, [*words, "--as", who])
        assert answer.exit_code == status, (answer.output, answer.exception)
        return answer.stdout

    file = tmp_path / "graph.json"
    file.write_text(json.dumps(DRAFT.to_json(), ensure_ascii=False), encoding="utf-8")
    made = json.loads(run("declare", str(file)))
    assert made["id"] in {one["id"] for one in json.loads(run("list", who="first"))}
    assert json.loads(run("show", made["id"]))["firm"] == 15
    ref = json.loads(run("find", made["id"], "第1实业"))[0]["ref"]
    shown = json.loads(run("ask", made["id"], "up", ref, "--at", "2026-11-01"))
    assert shown["total"] == 9
    out = tmp_path / "chain.svg"
    run("ask", made["id"], "up", ref, "--output", str(out))
    assert ET.parse(out).getroot().tag.endswith("svg")  # noqa: S314
    run("ask", made["id"], "up", ref, "--output", str(tmp_path / "chain.exe"), status=1)
    run("ask", made["id"], "up", ref, "--at", "x", status=1)
    file.write_text("{}", encoding="utf-8")
    run("declare", str(file), status=1)
    run("remove", made["id"])
    run("show", made["id"], status=1)
