"""The sandbox of end-points and rows: the shape of the real thing with nobody's values; page, terminal, and programs that run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from asking import FIRMS, SCHEMA, firm
from hosting import SECRET, bundle, released, renamed
from oidc import Served
from typer.testing import CliRunner

from beijiang.access import KeyDraft
from beijiang.apps import AudienceKind, Plan
from beijiang.apps.commands import add_sandbox
from beijiang.apps.models.sandbox import kind_of
from beijiang.apps.models.subscriptions import api_of
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound

APP = "tried"
FIRMS_API = 'query = "firms"\nsummary = { zh = "企业名单", en = "The firms" }\n'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    opened = Served(tmp_path_factory.mktemp("sandbox"))
    opened.platform.jobs.start_worker()
    opened.office.write([firm(n) for n in range(60)])
    opened.office.write([firm(n) for n in range(10)], table=SECRET)
    opened.office.publish()
    released(opened.office, renamed(bundle(api__firms_toml=FIRMS_API), APP), AudienceKind.PUBLIC)
    yield opened
    opened.close()


def test_an_end_point_has_the_shape_of_the_real_one_and_no_value_of_it(served: Served) -> None:
    real = served.http.get(f"/api/v1/apps/{APP}/data/leagues").json()
    answer = served.http.get(f"/api/v1/sandbox/apps/{APP}/data/leagues")
    assert answer.headers["x-beijiang-synthetic"] == "true"
    body = answer.json()
    assert set(body) - {"synthetic"} == set(real)
    assert (body["columns"], body["grade"], body["summary"]) == (real["columns"], real["grade"], real["summary"])
    assert [set(row) for row in body["rows"]] == [set(real["columns"])] * 20
    assert not {row["盟市"] for row in body["rows"] if row["盟市"]} & {row["盟市"] for row in real["rows"]}
    assert {type(row["户数"]) for row in body["rows"]} <= {int, type(None)}, "as the real one counts"
    assert served.http.get(f"/api/v1/sandbox/apps/{APP}/data/leagues").json() == body
    assert served.http.get(f"/api/v1/sandbox/apps/{APP}/data/none").status_code == 404
    assert served.http.get(f"/api/v1/sandbox/apps/{APP}/data/leagues?least=many").status_code == 422
    assert served.http.get("/api/v1/sandbox/apps/none/data/leagues").status_code == 404


@pytest.mark.threat("TM-27")
def test_columns_of_what_is_not_published_are_told_to_those_alone_who_read_it(served: Served) -> None:
    files = renamed(bundle(), "tried-secret")
    files["app.toml"] = files["app.toml"].replace(f'["{FIRMS}"]', f'["{FIRMS}", "{SECRET}"]')
    files["queries/total.sql"] = f'SELECT count(*) AS "户数" FROM "{SECRET}" WHERE $league IS NULL'
    files["api/secret.toml"] = 'query = "total"\nsummary = { zh = "数", en = "Number" }\n'
    files["tests/shape.toml"] = ""
    office, sandbox = served.office, served.platform.sandbox
    released(office, files, AudienceKind.DEPARTMENTS, *{office["first"].org_id or "", office["colleague"].org_id or ""})
    assert sandbox.answer(office["colleague"], "app:tried-secret/secret", {}).columns == ("户数",)
    with pytest.raises(Denied) as refused:
        sandbox.answer(office["first"], "app:tried-secret/secret", {})
    assert refused.value.reason == "app_data_denied"


@pytest.mark.threat("TM-27")
def test_columns_that_a_published_entry_does_not_name_are_told_to_those_alone_who_read_them(served: Served) -> None:
    office, sandbox, later = served.office, served.platform.sandbox, "后来加列的表"
    office.write([firm(n) for n in range(10)], table=later)
    office.publish(later)
    wider = SCHEMA.append(pa.field("内部评语", pa.string()))
    path = served.platform.settings.home / "staging" / "wider.parquet"
    pq.write_table(pa.Table.from_pylist([{**firm(n), "内部评语": "好"} for n in range(10)], schema=wider), path)
    office.write([], table=later, staged=(path,), schema=wider)
    files = renamed(bundle(), "tried-later")
    files["app.toml"] = files["app.toml"].replace(f'["{FIRMS}"]', f'["{FIRMS}", "{later}"]')
    files["tests/shape.toml"] = ""
    for end, column in (("open", '"盟市"'), ("wide", '"盟市", "内部评语"'), ("aside", '"内部评语" AS "盟市"')):
        files[f"queries/{end}.sql"] = f'SELECT {column} FROM "{later}"'
        files[f"api/{end}.toml"] = f'query = "{end}"\nsummary = {{ zh = "表", en = "Table" }}\n'
    released(office, files, AudienceKind.DEPARTMENTS, *{office["first"].org_id or "", office["colleague"].org_id or ""})
    assert sandbox.answer(office["first"], "app:tried-later/open", {}).columns == ("盟市",)
    assert sandbox.answer(office["colleague"], "app:tried-later/wide", {}).columns == ("盟市", "内部评语")
    for end in ("wide", "aside"):
        with pytest.raises(Denied) as refused:
            sandbox.answer(office["first"], f"app:tried-later/{end}", {})
        assert refused.value.reason == "app_data_denied"


def test_a_size_of_thousands_of_digits_is_a_wrong_size(served: Served) -> None:
    found = served.platform.catalog.resource_for_table(FIRMS)
    assert found is not None
    for size in ("9" * 5000, "many", "0"):
        with pytest.raises(Invalid) as refused:
            served.platform.sandbox.answer(served.office["steward"], f"rows:{found.id}", {"_size": size})
        assert refused.value.reason == "sandbox_page"


def test_what_has_a_sandbox_and_what_has_none(served: Served) -> None:
    sandbox, steward = served.platform.sandbox, served.office["steward"]
    found = served.platform.catalog.resource_for_table(FIRMS)
    assert found is not None
    rows = sandbox.answer(steward, f"rows:{found.id}", {}).body
    for api in (f"table:{FIRMS}", f"sandbox:{found.id}", f"sandbox:rows:{found.id}"):
        assert sandbox.answer(steward, api, {}).body == rows
    assert sandbox.answer(steward, f"sandbox:app:{APP}/leagues", {}).api == f"app:{APP}/leagues"
    for api in ("face:sql", "relay", "relay:x", "service:", "other", ""):
        with pytest.raises(Invalid) as refused:
            sandbox.answer(steward, api, {})
        assert refused.value.reason == "sandbox_none"
    for api in ("table:没有的表", "rows:none", "service:none", "app:none/x"):
        with pytest.raises(NotFound):
            sandbox.answer(steward, api, {})
    assert api_of(f"/api/v1/sandbox/apps/{APP}/data/leagues") == f"sandbox:app:{APP}/leagues"
    assert api_of("/api/v1/sandbox/services/svc_1/call") == "sandbox:service:svc_1"
    client, _ = served.client()
    made = served.platform.subscriptions.ask(steward, client.id, f"sandbox:app:{APP}/leagues", Plan.TRIAL)
    assert made.name == "企业一览：各盟市户数"
    kinds = {"int64": "integer", "uint8": "integer", "string": "text", "bool": "boolean", "float": "double"}
    assert {name: kind_of(name) for name in kinds} == kinds
    assert (kind_of("date32[day]"), kind_of("timestamp[us, tz=UTC]"), kind_of("decimal128(38, 2)")) == (
        "date",
        "timestamp",
        "decimal",
    )


def test_the_page_is_found_from_the_subscription_and_its_program_runs(served: Served) -> None:
    steward = served.reader("steward")
    client, _ = served.client()
    served.platform.subscriptions.ask(served.office["steward"], client.id, f"app:{APP}/firms", Plan.TRIAL)
    at = f"/console/sandbox?api=app%3A{APP}/firms"
    assert f'href="{at}"' in steward.get(f"/console/clients/{client.id}").text
    page = steward.get(at)
    assert page.status_code == 200
    for words in ("合成数据", "curl", "import httpx", "p.league", f"/api/v1/apps/{APP}/data/firms", "<td>样例"):
        assert words in page.text, words
    assert "没有沙箱" in steward.get("/console/sandbox?api=face:sql").text
    assert f"app:{APP}/firms" in steward.get("/console/sandbox").text, "what may be tried is offered"
    english = steward.get(f"{at}&lang=en").text
    assert "Take it into your program" in english
    assert "no row comes from a record" in english
    assert "/console/sandbox" in served.http.get("/developers").text
    asked = served.platform.sandbox.answer(served.office["steward"], f"app:{APP}/firms", {"league": "包头'市\n"})
    _, key = served.platform.access.issue_key(
        served.office.codes["first"], KeyDraft(name="试", scopes=frozenset({"apps:app:open"}), days=1)
    )
    for token, told in ((key, "样例"), ("none", "401")):
        done = subprocess.run(
            [sys.executable, "-c", asked.python(served.address)],
            env={**os.environ, "TOKEN": token, "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert told in done.stdout + done.stderr, done.stderr[-300:]


def test_by_the_terminal(served: Served) -> None:
    group, platform = typer.Typer(), served.platform
    group.callback()(lambda: None)
    add_sandbox(group, lambda: platform.sandbox, lambda: platform.access, lambda: served.address)

    def run(*words: str) -> str:
        done = CliRunner().invoke(group, ["sandbox", *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    shown = run(f"app:{APP}/firms", "--as", "steward", "-p", "league=包头市")
    assert "样例" in shown
    assert "合成数据" in shown
    curl = run(f"app:{APP}/firms", "--code", "curl", "-p", "league=包头市")
    assert f"{served.address}/api/v1/sandbox/apps/{APP}/data/firms?league=%E5%8C%85" in curl
    assert "import httpx" in run(f"app:{APP}/firms", "--code", "python")
    with pytest.raises(Invalid):
        CliRunner().invoke(group, ["sandbox", f"app:{APP}/firms", "-p", "league"], catch_exceptions=False)
    with pytest.raises(Invalid):
        CliRunner().invoke(group, ["sandbox", f"app:{APP}/firms", "--code", "java"], catch_exceptions=False)


def test_an_end_point_whose_maker_left_says_so(served: Served) -> None:
    platform, office = served.platform, served.office
    before = platform.sandbox.answer(office["first"], f"app:{APP}/leagues", {})
    assert before.columns
    platform.access.disable_person(SYSTEM, office["steward"].id, "调离")
    with pytest.raises(Conflict) as refused:
        platform.sandbox.answer(office["first"], f"app:{APP}/leagues", {})
    assert refused.value.reason == "sandbox_shape"
