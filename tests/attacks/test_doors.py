"""The doors themselves: forged requests, return addresses, bodies, hostile files, and scripts in every name."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openpyxl
import pytest
from playwright.sync_api import Browser, sync_playwright

from .conftest import FORMULA, HIDDEN_TABLE, OPEN_TABLE, PASSWORD, SCRIPT, Region, as_csv

FOREIGN = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


FREE = {"POST /api/v1/streams/{stream}/messages"}
"""Doors whose body is data and not a request: messages of a stream, whose columns the stream names."""


def _bodies(region: Region) -> Iterator[tuple[str, dict[str, Any]]]:
    schema = region.app.openapi()
    for path, verbs in schema["paths"].items():
        for verb, described in verbs.items():
            content = described.get("requestBody", {}).get("content", {}).get("application/json")
            if content and f"{verb.upper()} {path}" not in FREE:
                told = content["schema"]  # a body that may be left out is one of two: itself, or nothing
                name = next(c["$ref"] for c in told.get("anyOf", [told]) if "$ref" in c).rsplit("/", 1)[1]
                yield f"{verb.upper()} {path}", schema["components"]["schemas"][name]


@pytest.mark.threat("TM-12")
def test_no_body_takes_a_field_that_it_does_not_name(region: Region) -> None:
    bodies = dict(_bodies(region))
    assert len(bodies) > 12
    assert [door for door, schema in bodies.items() if schema.get("additionalProperties") is not False] == []


@pytest.mark.threat("TM-12")
@pytest.mark.parametrize(
    "body",
    [
        {"version": True, "reason": "x"},
        {"version": "1", "reason": "x"},
        {"version": 1.5, "reason": "x"},
        {"version": 1, "reason": ["x"]},
        {"version": 1, "reason": "x", "org_id": "health"},
        [{"version": 1, "reason": "x"}],
    ],
)
def test_a_rollback_is_never_guessed(region: Region, body: Any) -> None:
    answer = region["steward"].ask("POST", f"/api/v1/tables/{OPEN_TABLE}/rollback", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_input")


@pytest.mark.threat("TM-09")
def test_another_site_changes_nothing_in_the_name_of_somebody_signed_in(region: Region) -> None:
    steward = region["steward"]
    cookie = {"cookie": steward.cookie}
    form = {"column": "盟市", "level": "L1", "reason": "x"}
    page = f"/console/tables/{OPEN_TABLE}/grade"
    with httpx.Client(base_url=region.address, headers=cookie, timeout=300) as browser:
        for headers in ({}, FOREIGN, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
            for sent in ({"data": form}, {"data": form, "files": {"x": ("a", b"b")}}, {"data": {**form, "_csrf": "x"}}):
                assert browser.post(page, headers=headers, **sent).status_code == 403
        file = {"file": ("a.csv", b"a\n1\n")}
        assert browser.post("/console/ingest", files=file).status_code == 403
        assert browser.post("/console/sign-out").status_code == 403
        right = {**FOREIGN, "x-csrf-token": steward.client.headers["x-csrf-token"]}
        assert browser.post("/console/sign-out", headers=right).status_code == 403
        wrong = {"authorization": "Bearer bj_guess"}
        assert browser.post("/console/sign-out", headers=wrong).status_code == 401
    assert steward.ok("GET", "/api/v1/session")["actor"]["id"] != "anonymous"


@pytest.mark.threat("TM-24")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "\t//evil.example",
        "///evil.example",
    ],
)
def test_signing_in_leads_to_this_site_only(region: Region, target: str) -> None:
    page = region["visitor"].get("/console/sign-in", params={"next": target}).text
    carried = re.findall(r'name="target" value="([^"]*)"', page)
    assert len(carried) == 1
    assert httpx.URL(region.address).join(carried[0]).host == "127.0.0.1"
    with httpx.Client(base_url=region.address, timeout=300) as browser:
        form = {"login": "endorser", "password": PASSWORD, "target": target}
        answer = browser.post("/console/sign-in", data=form)
    assert answer.status_code == 303
    there = httpx.URL(region.address).join(answer.headers["location"])
    assert there.host == "127.0.0.1"


@pytest.mark.threat("TM-08")
def test_a_session_is_new_at_sign_in_and_dead_after_sign_out(region: Region) -> None:
    with httpx.Client(base_url=region.address, timeout=300) as browser:
        fixed = {"cookie": "__Host-beijiang-session=chosen-by-an-attacker"}
        answer = browser.post("/api/v1/session", json={"name": "endorser", "password": PASSWORD}, headers=fixed)
        token = answer.headers["set-cookie"].split(";")[0]
        assert "chosen-by-an-attacker" not in token
        assert all(word in answer.headers["set-cookie"] for word in ("HttpOnly", "Secure", "SameSite", "Path=/"))
        browser.cookies.clear()
        mine = {"cookie": token, "x-csrf-token": answer.json()["csrf"]}
        assert browser.get("/api/v1/jobs", headers=mine).status_code == 200
        assert browser.delete("/api/v1/session", headers=mine).status_code == 204
        browser.cookies.clear()
        assert browser.get("/api/v1/jobs", headers=mine).status_code == 401


@pytest.mark.threat("TM-05")
def test_a_visitor_cannot_fill_memory_or_disk_with_a_body(region: Region) -> None:
    large = b"x" * (9 << 20)
    for path in ("/api/v1/session", "/console/sign-in", "/api/v1/sql", "/api/v1/ingest/runs"):
        for kind in ("application/octet-stream", "multipart/form-data; boundary=b", "application/json"):
            answer = region["visitor"].ask("POST", path, content=large, headers={"content-type": kind})
            assert answer.status_code == 413, f"{path} {kind}"
    for path in ("/api/v1/ingest/files?name=a&org=market", "/console/ingest"):
        assert region["visitor"].ask("POST", path, content=b"x").status_code == 401


@pytest.mark.threat("TM-15")
def test_two_approvals_at_once_are_one_and_the_submitter_gives_none(region: Region) -> None:
    region.take_in("竞态表", "竞态.csv", as_csv(("甲", "乙"), [["一", "二"]]))
    path = "/api/v1/catalog/resources/" + region.entry_of("竞态表")
    edit = {
        "share_type": "not_shared",
        "no_share_basis": "依据",
        "open_type": "not_open",
        "open_condition": "依规不予开放",
    }
    more = {"update_cycle": "2", "categories": ["102001"], "contact": "科"}
    region["steward"].ok("PATCH", path, json={**edit, **more})
    region["steward"].ok("POST", path + "/submit")
    for who in ("steward", "neighbour", "neighbour_reviewer", "publisher", "sysadmin"):
        assert region[who].ask("POST", path + "/approve").status_code in {403, 404}
    assert region["reviewer"].ask("POST", path + "/approve").json()["error"]["code"] == "changed_since_seen"
    approve = f"{path}/approve?seen={region['reviewer'].ok('GET', path)['seen']}"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: region["reviewer"].ask("POST", approve).status_code, range(4)))
    assert sorted(answers) == [200, 409, 409, 409]
    publish = f"{path}/publish?seen={region['publisher'].ok('GET', path)['seen']}"
    assert region["reviewer"].ask("POST", publish).status_code == 403
    assert region["publisher"].ask("POST", publish).status_code == 200
    assert region["publisher"].ask("POST", publish).status_code == 409


@pytest.mark.threat("TM-23")
def test_a_bomb_and_a_wicked_name_are_only_bytes(region: Region) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../evil.csv", b"a,b\n" + b"0,0\n" * (90 << 18))
    steward = region["steward"]
    for name, content in (("炸弹.zip", bomb.getvalue()), ("../../../etc/passwd", b"a,b\n1,2\n")):
        sha256 = region.land("steward", "market", name, content)
        listed = steward.ok("GET", "/api/v1/ingest/files?limit=1")["files"][0]["name"]
        assert "/" not in listed
        seen = steward.ask("POST", f"/api/v1/ingest/files/{sha256}/preview", json={"org_id": "market"})
        assert seen.status_code < 500
        assert str(region.platform.settings.home) not in seen.text
        if name.endswith(".zip"):
            assert seen.json()["error"]["code"] == "archive_bomb"
    assert not list(region.platform.settings.home.parent.rglob("evil.csv"))


@pytest.mark.threat("TM-05")
def test_what_cannot_be_read_is_refused_and_never_an_internal_error(region: Region) -> None:
    rows = f"/api/v1/datasets/{region.ids['open']}/rows"
    deep = "[" * 1900
    for question in (f"{rows}?盟市__in={deep}", f"{rows}?盟市__notin={deep}", f"{rows}?_next=%00", f"{rows}?_size=%00"):
        assert region["visitor"].get(question).status_code == 422, question
    assert region["visitor"].get(rows, params=[("盟市__exact", "x")] * 31).status_code == 422
    kind = {"content-type": "application/json"}
    body = b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert region["visitor"].ask("POST", "/api/v1/session", content=body, headers=kind).status_code == 400
    preview = f"/api/v1/ingest/files/{region.ids['file']}/preview"
    for delimiter in ("\n", "\r", '"', "\0", "||"):
        body_of = {"org_id": "market", "delimiter": delimiter}
        answer = region["steward"].ask("POST", preview, json=body_of)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_delimiter"), repr(delimiter)


@pytest.mark.threat("TM-24")
@pytest.mark.parametrize("name", ["../../x", "a/b", "a\\b", "..", "a\nb", "a\u202eb"])
def test_a_table_has_no_name_that_an_address_would_bend(region: Region, name: str) -> None:
    file = region.land("steward", "market", "n.csv", as_csv(("甲", "乙"), [["一", "二"]]))
    run = region.run("steward", "market", [file], name)
    assert (run["state"], run["error"]["code"]) == ("failed", "table_name")


@pytest.mark.threat("TM-24")
def test_a_sheet_that_leaves_holds_no_formula(region: Region) -> None:
    base = f"/api/v1/datasets/{region.ids['open']}/download"
    returned = region["steward"].get(f"/api/v1/ingest/runs/{region.ids['bad_run']}/return-file")
    for answer in (region["visitor"].get(base + "?format=xlsx"), returned):
        assert "\n" not in answer.headers["content-disposition"]
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert len(cells) > 6
        assert not [cell.value for cell in cells if cell.data_type == "f"]
    for encoding in ("utf-8-sig", "gb18030"):
        text = region["visitor"].get(f"{base}?encoding={encoding}").content.decode(encoding)
        assert FORMULA in text
        assert not [cell for line in text.splitlines() for cell in line.split(",") if cell.startswith(("=", "+", "@"))]


@pytest.fixture(scope="module")
def browser(chromium: tuple[str, dict[str, str]]) -> Iterator[Browser]:
    path, variables = chromium
    arguments = ["--no-sandbox", "--headless=shell", "--disable-gpu", "--no-first-run"]
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=path, env=dict(variables), args=arguments)
        yield opened
        opened.close()


@pytest.mark.threat("TM-22")
def test_no_name_cell_or_text_runs_in_a_browser(region: Region, browser: Browser) -> None:
    wicked = region.take_in(
        f"表{SCRIPT}", f"文{SCRIPT}.csv", as_csv((SCRIPT, '"><script>hacked()</script>'), [[SCRIPT, "1"]])
    )
    data, run = f"/datasets/{region.ids['open']}", f"/console/runs/{wicked['id']}"
    open_pages = ["/", f"/datasets?q={SCRIPT}", f"/datasets/{SCRIPT}", f"{data}?盟市__exact={SCRIPT}"]
    open_pages += [data + tab for tab in ("", "/chart", f"/chart?_x={SCRIPT}", "/fields", "/versions", "/api")]
    own_pages = [
        run,
        "/console/tables",
        f"/console/tables/表{SCRIPT}",
        f"/console/tables/{OPEN_TABLE}",
        "/console/runs",
    ]
    own_pages += [f"/console/ingest/{wicked['files'][0]['sha256']}", "/console/ingest", "/console/catalog"]
    own_pages += [f"/console/catalog/{region.ids['open']}", f"/console/quarantine?run={region.ids['bad_run']}"]
    hacked: list[str] = []
    for who, paths in (("visitor", open_pages), ("steward", own_pages)):
        context = browser.new_context(locale="zh-CN")
        context.set_default_timeout(60_000)
        context.expose_function("hacked", lambda: hacked.append("script"))
        name, _, value = region[who].cookie.partition("=")
        page = context.new_page()
        page.set_extra_http_headers({"cookie": f"{name}={value}"} if value else {})
        page.on("dialog", lambda dialog: hacked.append(dialog.message))
        seen = 0
        for path in paths:
            answer = page.goto(region.address + path, wait_until="load")
            assert answer is not None
            assert answer.status in {200, 404, 422}, f"{path}: {answer.status}"
            page.wait_for_timeout(150)
            found = page.evaluate(
                "document.querySelectorAll('img[onerror], main script:not([src]):not([type])').length"
            )
            assert found == 0, path
            seen += SCRIPT in page.inner_text("body")
        assert seen > 3, "the marker is hardly shown: the pages are wrong"
        context.close()
    assert not hacked
    assert HIDDEN_TABLE not in region["visitor"].get("/").text
