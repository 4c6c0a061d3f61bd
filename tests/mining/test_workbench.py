"""The SQL work-bench through its doors: answers, marks, what is kept, what is shared, what leaves as a file."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.evidence import verifier as judge
from beijiang.kit import Language
from beijiang.mining import commands
from beijiang.mining.service import Workbench
from waiting import until

sys.path.insert(0, str(Path(__file__).parent))
from asking import FIRMS, SECRET, Office, firm

HEAVY = (
    f'SELECT max(length(a.企业名称 || b.企业名称 || c.盟市 || d.盟市)) AS n FROM "{FIRMS}" a, "{FIRMS}" b, "{FIRMS}" c, '
    f'"{FIRMS}" d, "{FIRMS}" e, "{FIRMS}" f WHERE (a.注册资本 * b.注册资本 + c.注册资本 * d.注册资本 + e.注册资本 * f.注册资本) % 7.3 > 1'
)


def test_an_answer_carries_grades_masks_and_a_receipt(office: Office) -> None:
    sql = f"SELECT 盟市, 法定代表人, 注册资本 FROM {FIRMS} WHERE 注册资本 < 12 ORDER BY 注册资本"
    answer = office.ask("first", sql, purpose="核对")
    assert [row[2] for row in answer["rows"]] == [10.0, 11.0]
    assert answer["rows"][0][1] == "王**"
    labels = {one["name"]: one for one in answer["labels"]}
    assert labels["法定代表人"] == {"name": "法定代表人", "type": "text", "grade": "L2", "masked": True}
    assert labels["注册资本"]["masked"] is False
    assert answer["grade"] == "L2"
    plain = office.ask("first", f"SELECT 盟市, count(*) AS n FROM {FIRMS} GROUP BY 盟市")
    assert plain["grade"] == "L1"
    filtered = office.ask("first", f"SELECT count(*) AS n FROM {FIRMS} WHERE 法定代表人 LIKE '王%'")
    assert filtered["grade"] == "L2", "what decides which rows are counted counts too"
    assert filtered["labels"][0]["masked"] is False, "no masked value is shown"
    told = office.api("first").post("/api/v1/sql/explain", json={"sql": sql}).json()
    assert (told["grade"], [c["masked"] for c in told["columns"]]) == ("L2", [False, True, False])
    assert [read["table"] for read in told["reads"]] == [FIRMS]
    record = office.platform.evidence.find(answer["receipt"])
    assert record is not None
    assert (record.exit, record.purpose, record.grade) == ("sql", "核对", "L2")


def test_the_receipt_of_an_answer_proves_what_was_asked_and_sent(office: Office) -> None:
    asked = f"SELECT a.企业名称, b.盟市 FROM {FIRMS} AS a JOIN {FIRMS} AS b USING (企业名称)"
    got = office.api("first").post("/api/v1/sql", json={"sql": asked})
    taken = office.api("first").post("/api/v1/sql/export", json={"sql": asked, "format": "csv"})
    receipts, me = office.platform.receipts, office.people["first"]
    keys = tuple(judge.Key.parse(str(key)) for key in receipts.keys(me))
    for answer in (got, taken):
        proof = receipts.receipt(me, answer.headers["x-beijiang-receipt"])
        assert judge.examine(proof, judge.Trust(keys=keys, request=asked, response=answer.content)).ok
        assert not judge.examine(proof, judge.Trust(keys=keys, request=asked, response=answer.content + b" ")).ok
        assert not judge.examine(proof, judge.Trust(keys=keys, request=f"{asked} ", response=answer.content)).ok


def test_no_right_is_told_before_the_text_is_read(office: Office) -> None:
    for login in ("member", "chief"):
        client = office.api(login)
        for path in ("/api/v1/sql", "/api/v1/sql/explain", "/api/v1/sql/export"):
            assert client.post(path, json={"sql": "not sql (("}).status_code == 403, (login, path)
        assert client.get("/api/v1/sql/history").status_code == 403
        assert client.get("/api/v1/sql/saved").status_code == 403
        assert client.get("/console/sql", headers={"Accept": "text/html"}).status_code == 403


def test_faults_have_their_place_and_names_their_neighbours(office: Office) -> None:
    def fault(sql: str) -> dict[str, Any]:
        return office.ask("first", sql, 422)["error"]

    hidden, unknown = fault(f"SELECT 1,\n  2 FROM {SECRET}"), fault("SELECT 1,\n  2 FROM 没有的表")
    assert {k: v for k, v in hidden.items() if k != "request_id"} == {
        k: v for k, v in unknown.items() if k != "request_id"
    }
    assert hidden["detail"] == {"line": 2, "column": 10}
    wrong = fault(f"SELECT 盟市\nFROM {FIRMS}\nWHERE 注册资金 > 3")
    assert (wrong["code"], wrong["detail"]) == ("query_unbound", {"line": 3, "column": 7})
    assert "注册资本" in wrong["message"]
    assert fault(f"SELECT read_csv('x') FROM {FIRMS}")["detail"] == {"line": 1, "column": 8}
    masked = fault(f"SELECT 法定代表人手机 FROM {FIRMS}")
    assert "法定代表人手机" in masked["message"], "it repeats what was asked"
    assert "detail" in masked


def test_what_is_kept_is_shared_by_equal_obligations_only_and_a_change_is_felt_at_once(office: Office) -> None:
    sql = f"SELECT 法定代表人, count(*) AS n FROM {FIRMS} GROUP BY 法定代表人 ORDER BY 1"
    mine, theirs = office.ask("first", sql), office.ask("second", sql)
    assert (mine["cached"], theirs["cached"]) == (False, True)
    assert mine["rows"] == theirs["rows"]
    assert mine["receipt"] != theirs["receipt"]
    for one in (mine, theirs):
        assert office.platform.evidence.find(one["receipt"]) is not None
    own = office.ask("steward", sql)
    assert not own["cached"]
    rule = office.platform.protection.restrict
    from beijiang.protection import Audience
    from beijiang.tables import Filter, FilterOp

    made = rule(
        office["steward"], FIRMS, [Filter("盟市", FilterOp.EQ, "包头市")], audience=Audience.SHARED, reason="试"
    )
    narrowed = office.ask("first", f"SELECT count(*) AS n FROM {FIRMS}")
    assert narrowed["rows"] == [[20]]
    changed = office.ask("second", sql)
    assert not changed["cached"]
    assert sum(row[1] for row in changed["rows"]) == 20
    office.platform.protection.lift(office["steward"], made.id, "完", table=FIRMS)
    assert office.ask("second", sql)["cached"], "the obligations of before hold again"
    found = office.platform.catalog.resource_for_table(FIRMS)
    assert found is not None
    office.platform.catalog.withdraw(office["publisher"], found.id, "收回")
    assert office.ask("second", sql, 422)["error"]["code"] == "sql_not_allowed"
    office.write([firm(n) for n in range(60)])
    office.platform.catalog.submit(office["steward"], found.id)
    office.platform.catalog.publish(office["publisher"], found.id)
    assert not office.ask("second", sql)["cached"], "another version is another question"
    office.ask("second", "SELECT current_date AS d")
    assert not office.ask("second", "SELECT current_date AS d")["cached"]


def test_history_is_everybodys_own(office: Office) -> None:
    office.ask("second", f"SELECT max(注册资本) AS 独一无二 FROM {FIRMS}")
    office.ask("second", "SELECT 坏 FROM", 422)
    runs = office.api("second").get("/api/v1/sql/history", params={"words": "独一无二"}).json()["runs"]
    assert [(one["state"], one["rows"], one["grade"]) for one in runs] == [("done", 1, "L1")]
    assert runs[0]["receipt"]
    assert runs[0]["tables"] == [FIRMS]
    newest = office.api("second").get("/api/v1/sql/history").json()["runs"][0]
    assert (newest["state"], newest["error"]) == ("failed", "sql_not_allowed")
    assert not office.api("first").get("/api/v1/sql/history", params={"words": "独一无二"}).json()["runs"]
    assert office.browser("first").get(f"/console/sql?run={runs[0]['id']}").status_code == 404
    page = office.browser("second").get("/console/sql/history?q=独一无二").text
    assert "独一无二" in page
    assert "独一无二" in office.browser("second").get(f"/console/sql?run={runs[0]['id']}").text


def test_saved_queries_are_private_or_the_departments_and_take_no_more_than_they_should(office: Office) -> None:
    chart = {"kind": "bar", "x": "盟市", "y": ["n"]}
    evil = '<img src=x onerror="alert(1)">'
    order = {
        "name": evil,
        "sql": f"SELECT 盟市, count(*) AS n FROM {FIRMS} GROUP BY 1",
        "folder": "统计",
        "chart": chart,
    }
    steward, colleague = office.api("steward"), office.api("colleague")
    for smuggled in (
        {"owner_id": "x"},
        {"org_id": "health"},
        {"revision": 9},
        {"id": "y"},
        {"chart": {**chart, "z": 1}},
    ):
        assert steward.post("/api/v1/sql/saved", json={**order, **smuggled}).status_code == 422
    made = steward.post("/api/v1/sql/saved", json=order).json()
    assert (made["owner"], made["revision"], made["chart"], made["shared"]) == ("steward某", 1, chart, False)
    at = f"/api/v1/sql/saved/{made['id']}"
    assert colleague.get(at).status_code == 404
    shared = steward.put(at, json={**order, "shared": True}).json()
    assert shared["revision"] == 2
    assert colleague.get(at).json()["name"] == evil
    assert len(colleague.get(f"{at}/revisions").json()["revisions"]) == 1, "what was private stays so"
    assert len(steward.get(f"{at}/revisions").json()["revisions"]) == 2
    assert colleague.put(at, json=order).status_code == 404
    assert colleague.delete(at).status_code == 404
    assert office.api("first").get(at).status_code == 404, "another organisation's"
    for path in (
        "/console/sql",
        "/console/sql/saved",
        f"/console/sql?saved={made['id']}",
        f"/console/sql/saved/{made['id']}",
    ):
        page = office.browser("colleague").get(path).text
        assert evil not in page
        assert "&lt;img" in page
    assert [one["id"] for one in colleague.get("/api/v1/sql/saved", params={"words": "统计"}).json()["queries"]] == [
        made["id"]
    ]
    assert steward.delete(at).status_code == 204
    assert colleague.get(at).status_code == 404
    assert office.browser("steward").get("/console/workbench").headers["location"] == "/console/sql"


def test_files_say_how_they_are_graded_and_who_took_them(office: Office) -> None:
    sql = f"SELECT 企业名称, 法定代表人, '=1+1' AS 式 FROM {FIRMS} ORDER BY 1 LIMIT 3"

    def taken(form: str) -> tuple[Any, str]:
        answer = office.api("first").post("/api/v1/sql/export", json={"sql": sql, "format": form, "purpose": "核对"})
        assert answer.status_code == 200, answer.text
        receipt = answer.headers["X-Beijiang-Receipt"]
        assert answer.headers["X-Beijiang-Grade"] == "L2"
        assert f"_L2_{receipt}" in answer.headers["Content-Disposition"]
        record = office.platform.evidence.find(receipt)
        assert record is not None
        assert record.exit == "export"
        return answer.content, receipt

    content, receipt = taken("csv")
    lines = content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("# 级别 Grade L2")
    assert "first某" in lines[0]
    assert receipt in lines[0]
    assert lines[1] == "企业名称,法定代表人,式"
    assert lines[2].replace('"', "").endswith(",'=1+1")
    content, receipt = taken("csv-machine")
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        sheet, notes = sorted(packed.namelist())
        assert packed.read(sheet).decode().splitlines()[1].replace('"', "").endswith(",=1+1")
        facts = json.loads(packed.read(notes))
    assert (facts["grade"], facts["receipt"], facts["purpose"], facts["masked"]) == (
        "L2",
        receipt,
        "核对",
        "法定代表人",
    )
    content, receipt = taken("xlsx")
    book = fastexcel.read_excel(content)
    top = book.load_sheet(0, header_row=None).to_polars()
    assert receipt in str(top[0, 0])
    assert top.row(1)[:2] == ("企业名称", "法定代表人")
    assert len(top) == 5
    about = dict(book.load_sheet("说明 About", header_row=None).to_polars().rows())
    assert (about["grade"], about["receipt"]) == ("L2", receipt)
    content, receipt = taken("parquet")
    meta = pq.read_schema(io.BytesIO(content)).metadata
    assert (meta[b"beijiang.grade"], meta[b"beijiang.receipt"]) == (b"L2", receipt.encode())
    assert pl.read_parquet(io.BytesIO(content))["法定代表人"].str.ends_with("**").all()
    empty = office.api("first").post(
        "/api/v1/sql/export", json={"sql": f"SELECT 盟市 FROM {FIRMS} WHERE false", "format": "parquet"}
    )
    assert pq.read_table(io.BytesIO(empty.content)).num_rows == 0
    kept = office.api("first").get("/api/v1/sql/history").json()["runs"]
    assert "export" in {one["exit"] for one in kept}


def _running(office: Office, login: str, query: str) -> tuple[threading.Thread, list[Any]]:
    told: list[Any] = []
    thread = threading.Thread(
        target=lambda: told.append(office.api(login).post("/api/v1/sql", json={"sql": HEAVY, "id": query}))
    )
    office.api(login)
    thread.start()
    governor = office.platform.sql.governor
    until(lambda: any(one.id == query and one.state.value == "running" for one in governor.open()))
    return thread, told


def test_a_query_is_stopped_by_its_person_the_operator_or_another_process(office: Office) -> None:
    platform = office.platform
    first, chief = office.api("first"), office.api("chief")
    for query, stopper in (("a" * 32, first), ("b" * 32, chief)):
        thread, told = _running(office, "first", query)
        seen = chief.get("/api/v1/sql/queue").json()["queries"]
        assert [(one["id"], one["person"], one["state"]) for one in seen] == [(query, "first某", "running")]
        assert "SELECT" not in json.dumps(seen)
        assert not office.api("second").get("/api/v1/sql/queue").json()["queries"]
        assert office.api("second").delete(f"/api/v1/sql/queue/{query}").status_code == 404
        if stopper is chief:
            page = office.browser("chief").get("/console/sql/queue").text
            assert "first某" in page
            assert "SELECT" not in page
        assert stopper.delete(f"/api/v1/sql/queue/{query}").status_code == 204
        thread.join(90)
        assert told[0].json()["error"]["code"] == "query_cancelled"
    thread, told = _running(office, "first", "c" * 32)
    bench = platform.workbench
    elsewhere = Workbench(
        platform.db, platform.sql, bench.gate, bench.protection, bench.catalog, platform.access, platform.evidence,
        platform.clock, platform.settings,
    )  # fmt: skip
    platform.sql.stop, kept = (lambda *_: False), platform.sql.stop  # type: ignore[method-assign]
    try:  # as a command does that has no such query in its own memory
        elsewhere.stop(office["first"], "c" * 32)
    finally:
        platform.sql.stop = kept  # type: ignore[method-assign]
    thread.join(90)
    assert told[0].json()["error"]["code"] == "query_cancelled"
    runs = first.get("/api/v1/sql/history", params={"words": "7.3"}).json()["runs"]
    assert [one["state"] for one in runs] == ["stopped"] * 3
    assert first.post("/api/v1/sql", json={"sql": "SELECT 1", "id": "c" * 32}).status_code == 409
    assert first.delete(f"/api/v1/sql/queue/{'c' * 32}").status_code == 404


def test_the_page_works_with_and_without_scripts(office: Office) -> None:
    browser = office.browser("first")
    page = browser.get("/console/sql").text
    assert f'data-table="{FIRMS}"' in page
    assert f'data-table="{SECRET}"' not in page
    words = browser.get("/console/sql/words").json()
    assert [one["name"] for one in words["tables"]] == [FIRMS]
    assert "count" in words["functions"]
    columns = browser.get("/console/sql/words", params={"table": FIRMS}).json()["columns"]
    assert {"name": "法定代表人", "type": "text", "grade": "L2", "masked": True} in columns
    assert browser.get("/console/sql/words", params={"table": SECRET}).status_code == 404
    form = {
        "text": f"SELECT 盟市, sum(注册资本) AS 合计, max(法定代表人) AS 法人 FROM {FIRMS} GROUP BY 盟市",
        "purpose": "看",
    }
    whole = browser.post("/console/sql", data=form)
    assert "<html" in whole.text
    part = browser.post("/console/sql", data=form, headers={"X-Fragment": "1"})
    for shown in (whole.text, part.text):
        assert "呼和浩特市" in shown
        assert 'class="mask"' in shown
        assert "回执" in shown
    assert "<html" not in part.text
    wrong = browser.post("/console/sql", data={"text": "SELECT 1,\nFROM x"}, headers={"X-Fragment": "1"})
    assert 'data-line="2"' in wrong.text
    told = browser.post("/console/sql/explain", data=form, headers={"X-Fragment": "1"}).text
    assert "脱敏" in told
    saved = browser.post(
        "/console/sql/save",
        data={**form, "name": "各盟市资本", "chart_kind": "bar", "chart_x": "盟市", "chart_y": ["合计"]},
    )
    opened = browser.get(saved.headers["location"]).text
    assert "各盟市资本" in opened
    assert "&#34;kind&#34;: &#34;bar&#34;" in opened
    taken = browser.post("/console/sql/export", data={"text": form["text"], "form": "xlsx"})
    assert taken.content[:2] == b"PK"
    assert browser.get("/console/sql?text=SELECT+1").status_code == 200


@pytest.mark.threat("TM-24")
def test_the_terminal_does_the_same_and_prints_no_formula(office: Office, tmp_path: Path) -> None:
    from beijiang.cli import Asking

    terminal.set_style(as_json=True, language=Language.EN)
    group = commands.commands(lambda: office.platform.workbench, lambda: office.platform.access)
    group.info.cls = Asking

    def run(*words: str, status: int = 0, person: str = "second") -> Any:
        answer = CliRunner().invoke(group, [*words, "--as", person])
        assert answer.exit_code == status, (answer.output, answer.exception)
        return answer.stdout

    asked = json.loads(run(f"SELECT 盟市, count(*) AS n FROM {FIRMS} GROUP BY 1 ORDER BY 1"))
    assert asked[0] == {"盟市": "包头市", "n": 20}
    assert "包头市,20" in run("run", f"SELECT 盟市, count(*) AS n FROM {FIRMS} GROUP BY 1", "--format", "csv")
    formula = f"SELECT 企业名称 AS 名称, '=1+1' AS x FROM {FIRMS} ORDER BY 1 LIMIT 1"
    assert run(formula, "--format", "csv") == "名称,x\n内蒙古第0商贸有限公司,'=1+1\n"
    assert json.loads(run("history", "盟市", "--limit", "1"))[0]["rows"] == 3
    kept = json.loads(run("save", "计数", f"SELECT count(*) AS n FROM {FIRMS}", "--shared"))
    assert json.loads(run("run-saved", kept["id"], person="first")) == [{"n": 60}]
    assert [one["name"] for one in json.loads(run("saved", "计数", person="first"))] == ["计数"]
    assert json.loads(run("explain", f"SELECT 法定代表人 FROM {FIRMS}").splitlines()[0])[0]["masked"] is True
    target = tmp_path / "out.xlsx"
    run("export", f"SELECT 盟市 FROM {FIRMS}", "--output", str(target))
    assert target.read_bytes()[:2] == b"PK"
    assert json.loads(run("queue")) == []

    def press() -> None:
        """Press Ctrl-C once the query runs, and so its handler stands."""
        until(lambda: any(one.state.value == "running" for one in office.platform.sql.governor.open()))
        os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    run(HEAVY, status=130)
    pressing.join()
    run("cancel", "没有", status=1)
    run("remove", kept["id"])
    run("remove", kept["id"], status=1)
