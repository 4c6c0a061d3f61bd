"""Libraries over HTTP and at the terminal: the same verbs, the same words."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.fusion.commands import commands
from beijiang.kit import Language

sys.path.insert(0, str(Path(__file__).parent))
from library_bureau import COLUMNS, KEEPER, Archive, person

PASSWORD = "Steppe-under-a-wide-sky-26"
A, B = "11010519491231002X", "150102199001011230"


@pytest.fixture(scope="module")
def client(archive: Archive) -> TestClient:
    access = archive.platform.access
    signed = access.sign_in("keeper", PASSWORD, "tests")
    scopes = frozenset(str(p) for p in Permission if p.startswith(("fusion:", "jobs:", "tables:", "protection:rows:")))
    _, secret = access.issue_key(signed.actor, KeyDraft(name="建库", scopes=scopes, days=1))
    made = TestClient(create_app(archive.platform))
    made.headers["Authorization"] = f"Bearer {secret}"
    return made


def test_a_program_keeps_a_library(archive: Archive, client: TestClient) -> None:
    table = archive.table([person(A, "张伟"), person(A, "张 伟", 联系电话="13800000001"), person(B, "巴特尔")], KEEPER)
    kinds = [one["kind"] for one in client.get("/api/v1/library-kinds").json()["kinds"]]
    assert {"population", "legal_entity", "geography", "macro_economy", "culture", "e_certificate"} <= set(kinds)
    draft = client.get("/api/v1/library-kinds/population/draft").json()
    assert client.post("/api/v1/libraries", json={**draft, "key": ["不存在"]}).status_code == 422
    made = client.post("/api/v1/libraries", json={**draft, "target": "程序人口库", "matching": ""})
    assert made.status_code == 201, made.text
    at = f"/api/v1/libraries/{made.json()['id']}"
    assert client.get(f"{at}/suggest", params={"table": table}).json()["columns"]["姓名"] == "姓名"
    order: dict[str, Any] = {"table": table, "columns": COLUMNS, "key": ["身份证号", "姓名"]}
    link = client.post(f"{at}/sources", json=order).json()
    assert link["state"] == "in_force"
    archive.platform.jobs.run_inline(client.post(f"{at}/run").json()["job"])
    run = client.get(f"{at}/runs").json()["runs"][0]
    assert (run["version"], run["records"], run["subjects"]) == (1, 3, 2)
    found = client.get(f"{at}/subjects", params={"field": "主体标识", "value": "P-"}).json()
    assert len(found["rows"]) == 2
    assert set(found["masked"]) | set(found["withheld"]), "numbers of citizens are masked for a key without more rights"
    name = next(row["主体标识"] for row in found["rows"] if row["记录数"] == 2)
    subject = client.get(f"{at}/subjects/{name}").json()
    assert subject["records"] == len(subject["members"]) == 2
    assert "身份证号" not in json.dumps(subject, ensure_ascii=False)
    order = {"records": [subject["members"][0]["record"]], "reason": "x"}
    unseen = client.post(f"{at}/subjects/{name}/take-out", json=order)
    assert unseen.json()["error"]["code"] == "changed_since_seen"
    out = client.post(f"{at}/subjects/{name}/take-out", json={**order, "seen": subject["seen"]})
    decision = out.json()["decisions"][0]["id"]
    assert client.get(f"{at}/decisions").json()["unapplied"] == 1
    assert client.delete(f"/api/v1/library-decisions/{decision}", params={"reason": "错"}).status_code == 204
    names = [row["主体标识"] for row in found["rows"]]
    both = client.get(f"{at}/merge", params={"subjects": names}).json()
    assert sorted(one["id"] for one in both["subjects"]) == sorted(names)
    assert "身份证号" not in json.dumps(both, ensure_ascii=False)
    union = {"subjects": names, "reason": "同一人"}
    assert client.post(f"{at}/merge", json=union).json()["error"]["code"] == "changed_since_seen"
    merged = client.post(f"{at}/merge", json={**union, "seen": both["seen"]}).json()["decisions"]
    assert [one["verdict"] for one in merged] == ["same"]
    assert client.get(f"{at}/merge", params={"subjects": [names[0], names[0]]}).status_code == 422
    assert client.get(f"{at}/merge", params={"subjects": [names[0], "P-0"]}).status_code == 404
    assert client.get(f"{at}/pairs").json() == {"waiting": 0, "pairs": []}
    claim = client.post(f"{at}/claims", json={"element": "姓名", "basis": "户口登记条例"}).json()
    assert claim["state"] == "proposed"
    decide = {"accept": True, "why": "可"}
    assert client.post(f"/api/v1/library-claims/{claim['id']}/decide", json=decide).status_code == 403
    assert client.delete(f"/api/v1/library-sources/{link['id']}", params={"reason": "完"}).json()["state"] == "ended"
    assert client.delete(at, params={"reason": "完"}).status_code == 204
    assert client.get(at).status_code == 404


def test_an_operator_keeps_a_library(archive: Archive, tmp_path: Path) -> None:
    table = archive.table([person(A, "张伟"), person(B, "巴特尔")], KEEPER)
    terminal.set_style(as_json=False, language=Language.ZH)
    group = commands(lambda: archive.platform.fusion, lambda: archive.platform.access)

    def run(*words: str, answer: str = "") -> str:
        done = CliRunner().invoke(group, [*words, "--as", "keeper"], input=answer)
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    file = tmp_path / "库.json"
    body = json.loads(run("draft", "population"))
    file.write_text(json.dumps({**body, "target": "终端人口库", "matching": ""}, ensure_ascii=False), "utf-8")
    assert "终端人口库" in run("declare", str(file))
    assert "已接入" in run("offer", "终端人口库", table, "--map", "公民身份号码=身份证号", "--map", "姓名=姓名")
    assert "人员" in run("sources", "终端人口库")
    assert "手工" in run("run", "终端人口库")
    assert "公民身份号码" in run("report", "终端人口库")
    assert "P-" in run("find", "终端人口库")
    names = sorted({word.strip("│ ") for word in run("find", "终端人口库").split() if word.startswith("P-")})
    assert len(names) == 2
    assert "1 条来源记录" in run("side-by-side", "终端人口库", *names)
    shown = run("merge", "终端人口库", *names, "--reason", "同一人", answer="y\n")
    assert all(f"主体 {name}" in shown for name in names)
    assert "同一主体" in run("decisions", "终端人口库")
    assert "共 0 对待判定" in run("pairs", "终端人口库")
    assert "待数据局确认" in run("claim", "终端人口库", "姓名", "--basis", "条例")
    assert "姓名" in run("claims", "终端人口库")
    assert json.loads(run("export", "终端人口库"))["target"] == "终端人口库"
    assert "已停用" in run("retire", "终端人口库", "--reason", "完")
