"""Other people's rights: what a neighbour, a key, a colluding steward or an administrator tries to get."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from beijiang.kit import ANONYMOUS, SYSTEM
from beijiang.protection.models.sight import Audience
from beijiang.tables import Filter, FilterOp

from .conftest import HEAD, HIDDEN_TABLE, MOBILES, OPEN_TABLE, PERSONS, Caller, Region, as_csv

FORGED = "9999999999"


def _shape(answer: httpx.Response, *names: str) -> tuple[int, str, str]:
    """Return what an answer says, without the name asked for and the number of the request."""
    error = answer.json()["error"]
    message = error["message"]
    for name in names:
        message = message.replace(name, "?")
    return answer.status_code, error["code"], message


@pytest.mark.threat("TM-07")
@pytest.mark.parametrize("who", ["visitor", "member", "neighbour", "analyst", "auditor"])
def test_what_is_hidden_and_what_is_not_there_look_alike(region: Region, who: str) -> None:
    hidden, run, job, file = (region.ids[key] for key in ("hidden", "hidden_run", "job", "file"))
    questions: list[tuple[str, str, str, str, Any]] = [
        ("GET", "/api/v1/tables/{}", HIDDEN_TABLE, "表子虚乌有", None),
        ("GET", "/api/v1/tables/{}/history", HIDDEN_TABLE, "表子虚乌有", None),
        ("GET", "/api/v1/tables/{}/grades", HIDDEN_TABLE, "表子虚乌有", None),
        ("POST", "/api/v1/tables/{}/compact", HIDDEN_TABLE, "表子虚乌有", None),
        ("POST", "/api/v1/tables/{}/rollback", HIDDEN_TABLE, "表子虚乌有", {"version": 1, "reason": "x"}),
        ("GET", "/api/v1/ingest/runs/{}", run, "run_" + FORGED, None),
        ("POST", "/api/v1/ingest/runs/{}/cancel", run, "run_" + FORGED, None),
        ("GET", "/api/v1/ingest/runs/{}/return-file", run, "run_" + FORGED, None),
        ("GET", "/api/v1/ingest/quarantine?run={}", run, "run_" + FORGED, None),
        ("POST", "/api/v1/ingest/files/{}/preview", file, "0" * 64, {"org_id": "health"}),
        ("GET", "/api/v1/jobs/{}", job, "job_" + FORGED, None),
        ("POST", "/api/v1/jobs/{}/cancel", job, "job_" + FORGED, None),
        ("GET", "/api/v1/datasets/{}", hidden, "res_" + FORGED, None),
        ("GET", "/api/v1/datasets/{}/rows", hidden, "res_" + FORGED, None),
        ("GET", "/api/v1/datasets/{}/download", hidden, "res_" + FORGED, None),
        ("PATCH", "/api/v1/catalog/resources/{}", hidden, "res_" + FORGED, {"summary": "x"}),
        ("POST", "/api/v1/catalog/resources/{}/return", hidden, "res_" + FORGED, {"reasons": ["x"]}),
        ("POST", "/api/v1/catalog/resources/{}/withdraw", hidden, "res_" + FORGED, {"reason": "x"}),
    ]
    entry, steps = "/api/v1/catalog/resources/{}", ("endorse", "submit", "approve", "publish", "take-columns")
    looks = ("", "/missing", "/versions", "/steps", "/promise")
    questions += [("GET", entry + look, hidden, "res_" + FORGED, None) for look in looks]
    questions += [("POST", f"{entry}/{step}", hidden, "res_" + FORGED, None) for step in steps]
    for method, path, real, made_up, body in questions:
        one, other = (region[who].ask(method, path.format(name), json=body) for name in (real, made_up))
        assert one.status_code in {401, 403, 404}, f"{method} {path}: {one.status_code}"
        assert _shape(one, real, real[:12]) == _shape(other, made_up, made_up[:12]), f"{method} {path}"


@pytest.mark.threat("TM-07")
@pytest.mark.parametrize("how", [{"mode": "append"}, {"mode": "merge"}, {"mode": "replace"}, {"key": ["企业名称"]}])
def test_handing_in_under_a_foreign_name_tells_nothing_of_the_table(region: Region, how: dict[str, Any]) -> None:
    file = region.land("neighbour", "health", "a.csv", as_csv(("企业名称", "甲"), [["一", "二"]]))
    for table in (OPEN_TABLE, HIDDEN_TABLE):
        body = {"org_id": "health", "files": [file], "into": table, **how}
        answer = region["neighbour"].ask("POST", "/api/v1/ingest/runs", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "other_organisation")
        assert answer.json()["error"]["detail"] == {}
        assert HEAD[0] not in answer.text
        body["org_id"] = "market"
        assert region["neighbour"].ask("POST", "/api/v1/ingest/runs", json=body).status_code == 403


@pytest.mark.threat("TM-07")
def test_landing_a_file_does_not_tell_that_others_have_it(region: Region) -> None:
    content = as_csv(("名称", "数量"), [["只有市场局交过", "1"]])
    kind = {"content-type": "application/octet-stream"}
    told: dict[str, list[bool]] = {}
    for who, org in (("steward", "market"), ("neighbour", "health"), ("neighbour", "health")):
        path = f"/api/v1/ingest/files?name=a.csv&org={org}"
        told.setdefault(who, []).append(region[who].ok("POST", path, content=content, headers=kind)["again"])
    assert told == {"steward": [False], "neighbour": [False, True]}


@pytest.mark.threat("TM-12")
@pytest.mark.parametrize("revision", ["", "x", "٣", "1.5", "9" * 5000, "-1", "0"])
def test_a_form_without_the_newest_revision_changes_nothing(region: Region, revision: str) -> None:
    entry = region.entry_of(HIDDEN_TABLE)
    before = region["steward"].ok("GET", f"/api/v1/catalog/resources/{entry}")
    form = {"revision": revision, "name": "改名"}
    answer = region["steward"].ask("POST", f"/console/catalog/{entry}", data=form)
    assert answer.status_code == 303
    assert region["steward"].ok("GET", f"/api/v1/catalog/resources/{entry}") == before


@pytest.mark.threat("TM-11")
def test_a_key_carries_its_limits_into_the_jobs_that_it_starts(region: Region) -> None:
    scopes = ["ingest:file:land", "ingest:run:submit", "ingest:run:read", "jobs:job:submit"]
    key = Caller(region.address, "key", region.inside)
    made = region["steward"].ok("POST", "/api/v1/keys", json={"name": "交文件", "scopes": scopes, "days": 1})
    key.client.headers["authorization"] = f"Bearer {made['secret']}"
    region.callers["key"] = key
    try:
        file = region.land("key", "market", "k.csv", as_csv(("甲", "乙"), [["一", "二"]]))
        run = region.run("key", "market", [file], "密钥写的表")
        assert run["state"] == "failed", run
        assert run["error"]["code"] == "denied"
        assert run["error"]["detail"]["permission"] not in scopes
        assert region["steward"].get("/api/v1/tables/密钥写的表").status_code == 404
        assert key.get(f"/api/v1/tables/{OPEN_TABLE}").status_code == 404
        assert key.ask("POST", "/api/v1/sql", json={"sql": f'SELECT * FROM "{OPEN_TABLE}"'}).status_code == 403
        assert key.ask("POST", "/api/v1/keys", json={"name": "二", "scopes": scopes}).status_code == 403
    finally:
        region.callers.pop("key").client.close()


def lower(region: Region, grade: str, order: dict[str, str]) -> str:
    """Lower a grade by two persons; return the one in force then."""
    before = region["steward"].ok("PATCH", grade, json=order)
    waits = f"/api/v1/protection/lowerings/{before['waits']['id']}"
    assert region["steward"].ask("POST", f"{waits}/decision", json={"agree": True}).status_code == 403
    seen = region["reviewer"].ok("GET", waits)["seen"]
    region["reviewer"].ok("POST", f"{waits}/decision", json={"agree": True, "seen": seen})
    table = grade.partition("/grades/")[0]
    found = region["steward"].ok("GET", f"{table}/grades")["columns"]
    return str(next(one["level"] for one in found if grade.endswith(f"/{one['column']}")))


@pytest.mark.threat("TM-15")
@pytest.mark.threat("TM-31")
def test_lowering_a_grade_alone_opens_nothing_until_it_was_reviewed(region: Region) -> None:
    rows = f"/api/v1/datasets/{region.ids['open']}/rows?_size=max"
    grade = f"/api/v1/tables/{OPEN_TABLE}/grades/法定代表人"
    before = region["visitor"].ok("GET", rows)
    assert all(row["法定代表人"].endswith("**") for row in before["rows"])
    lowered = {"level": "L1", "kind": "plain", "reason": "不是个人信息"}
    assert lower(region, grade, lowered) == "L1"
    try:
        after = region["visitor"].ok("GET", rows)
        assert [row["法定代表人"] for row in after["rows"]] == [row["法定代表人"] for row in before["rows"]]
        for form in ("csv", "json"):
            told = region["visitor"].get(f"/api/v1/datasets/{region.ids['open']}/download?format={form}").text
            assert not [name for name in PERSONS if name in told]
        for filtered in (f"{rows}&法定代表人__exact={PERSONS[3]}", f"{rows}&法定代表人__startswith={PERSONS[3][:2]}"):
            assert region["visitor"].ok("GET", filtered)["rows"] == []
    finally:
        raised = {"kind": "legal_representative", "level": "L2", "reason": "确为姓名"}
        region["steward"].ok("PATCH", grade, json=raised)


@pytest.mark.threat("TM-02")
def test_raising_a_grade_closes_a_column_at_once(region: Region) -> None:
    rows = f"/api/v1/datasets/{region.ids['open']}/rows"
    grade = f"/api/v1/tables/{OPEN_TABLE}/grades/盟市"
    first = region["visitor"].ok("GET", f"{rows}?_size=5&盟市__exact=包头市")
    onward = first["next_url"].partition("?")[2]
    region["steward"].ok("PATCH", grade, json={"level": "L3", "reason": "谨慎"})
    try:
        assert "盟市" not in region["visitor"].ok("GET", rows)["rows"][0]
        for question in (f"{rows}?盟市__exact=包头市", f"{rows}?_sort=盟市", f"{rows}?_col=盟市", f"{rows}?{onward}"):
            answer = region["visitor"].get(question)
            assert answer.status_code == 422, question
            assert "包头市" not in answer.text
    finally:
        lower(region, grade, {"level": "L1", "reason": "公开事项"})
    assert "盟市" in region["visitor"].ok("GET", rows)["rows"][0]


@pytest.mark.threat("TM-06")
@pytest.mark.parametrize("column", ["联系手机", "子虚乌有"])
def test_a_withheld_column_answers_like_one_that_is_not_there(region: Region, column: str) -> None:
    base = f"/api/v1/datasets/{region.ids['open']}"
    questions = [
        f"{base}/rows?{column}__{op}={MOBILES[0]}" for op in ("exact", "ne", "gt", "startswith", "in", "isnull")
    ]
    questions += [f"{base}/rows?_sort={column}", f"{base}/rows?_sort_desc={column}", f"{base}/rows?_col={column}"]
    questions += [f"{base}/chart?_x={column}", f"{base}/map?{column}__exact=1", f"{base}/download?{column}__exact=1"]
    for question in questions:
        answer = region["visitor"].get(question)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unknown_column"), question
        near = answer.json()["error"]["detail"].get("near", [])
        assert "联系手机" not in near


@pytest.mark.threat("TM-06")
def test_a_masked_column_gives_no_sign_of_the_value_below(region: Region) -> None:
    rows = f"/api/v1/datasets/{region.ids['open']}/rows?_size=max"
    whole = region["visitor"].ok("GET", rows)["rows"]
    for value in PERSONS[:3]:
        for op in ("exact", "contains", "startswith", "in"):
            assert region["visitor"].ok("GET", f"{rows}&法定代表人__{op}={value}")["rows"] == []
        assert len(region["visitor"].ok("GET", f"{rows}&法定代表人__ne={value}")["rows"]) == len(whole)
    ordered = region["visitor"].ok("GET", f"{rows}&_sort=法定代表人")["rows"]
    place = {row[HEAD[0]]: i for i, row in enumerate(whole)}
    assert ordered == sorted(whole, key=lambda row: (row["法定代表人"], place[row[HEAD[0]]]))


@pytest.mark.threat("TM-07")
def test_rows_that_a_rule_hides_are_not_counted(region: Region) -> None:
    data = f"/api/v1/datasets/{region.ids['open']}"
    rows = f"{data}/rows"
    first = region["visitor"].get(rows)
    everything = first.json()["count"]
    assert _listed(region) == everything
    total = _total(region)
    assert region["visitor"].ok("GET", data)["data"]["rows"] == everything
    rule = region.platform.protection.restrict(
        SYSTEM, OPEN_TABLE, [Filter("盟市", FilterOp.EQ, "包头市")], audience=Audience.OPEN, reason="只开放包头"
    )
    try:
        seen = region["visitor"].ok("GET", rows)
        assert {row["盟市"] for row in seen["rows"]} == {"包头市"}
        assert 0 < seen["count"] == len(seen["rows"]) < everything
        told = region["visitor"].ok("GET", data)["data"]
        assert (told["rows"], told["rows_held"], told["versions"]) == (seen["count"], True, [])
        assert _listed(region) is None, "a result does not count what the rule changes"
        assert _total(region) == total - everything
        page = region["visitor"].get(f"/datasets/{region.ids['open']}").text
        assert "按规则，部分行不对外提供" in page
        assert "只开放包头" not in page
        results = region["visitor"].get("/datasets?q=企业").text
        assert f"{everything} 行" not in results
        again = region["visitor"].get(rows, headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 200, "a copy from before the rule is not confirmed"
        for page in ("", "/versions", "/chart", "/fields"):
            answer = region["visitor"].get(f"/datasets/{region.ids['open']}{page}")
            assert answer.status_code == 200, page
    finally:
        region.platform.protection.lift(SYSTEM, rule.id, "试完")
    assert (_listed(region), _total(region)) == (everything, total)


def _listed(region: Region) -> int | None:
    """Return what the search tells of the open table's rows, the same at both of its doors."""
    hits = region["visitor"].ok("GET", "/api/v1/datasets?size=100")["hits"]
    inner = region["visitor"].ok("GET", "/api/v1/catalog/search?size=100")["hits"]
    (rows,) = {hit["rows"] for hit in [*hits, *inner] if hit["id"] == region.ids["open"]}
    found: int | None = rows
    return found


def _total(region: Region) -> int:
    """Return how many rows the home page counts."""
    return region.platform.opendata.home(ANONYMOUS).numbers.rows


@pytest.mark.threat("TM-02")
def test_a_page_mark_opens_only_the_walk_that_gave_it(region: Region) -> None:
    rows = f"/api/v1/datasets/{region.ids['open']}/rows"
    mark = httpx.URL(region["visitor"].ok("GET", f"{rows}?_size=5&_sort=企业名称")["next_url"]).params["_next"]
    flipped = mark[:20] + ("A" if mark[20] != "A" else "B") + mark[21:]
    for question in (
        f"?_size=5&_sort=企业名称&_next={flipped}",
        f"?_size=5&_sort_desc=企业名称&_next={mark}",
        f"?_size=5&_next={mark}",
        f"?_size=5&_sort=企业名称&盟市__exact=包头市&_next={mark}",
        f"?_size=5&_sort=企业名称&_next={'A' * 5000}",
    ):
        answer = region["visitor"].get(rows + question)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "page_token"), question
    own = f"/console/tables/{OPEN_TABLE}"
    assert "商贸有限公司" in region["steward"].get(own).text
    assert "商贸有限公司" not in region["steward"].get(own, params={"after": mark}).text


@pytest.mark.threat("TM-13")
def test_administrators_neither_help_themselves_nor_each_other(region: Region) -> None:
    people = {p["login"]: p["id"] for p in region["sysadmin"].ok("GET", "/api/v1/people")["people"]}
    for who, method, path, body in (
        ("sysadmin", "PUT", f"/api/v1/people/{people['sysadmin']}/roles", {"roles": ["steward"]}),
        ("sysadmin", "PUT", f"/api/v1/people/{people['member']}/roles", {"roles": ["analyst"]}),
        ("secadmin", "PUT", f"/api/v1/people/{people['secadmin']}/roles", {"roles": ["bureau_reviewer"]}),
        ("secadmin", "PUT", f"/api/v1/people/{people['auditor']}/roles", {"roles": ["sys_admin"]}),
        ("secadmin", "PUT", f"/api/v1/people/{people['member']}/roles", {"roles": ["audit_admin"]}),
        ("secadmin", "PUT", f"/api/v1/people/{people['steward']}/roles", {"roles": ["steward", "sec_admin"]}),
        ("sysadmin", "POST", f"/api/v1/people/{people['auditor']}/reset", None),
        ("sysadmin", "POST", f"/api/v1/people/{people['secadmin']}/disable", {"reason": "x"}),
        ("sysadmin", "POST", "/api/v1/people", {"login": "spare", "name": "备", "roles": ["sys_admin"]}),
        ("secadmin", "POST", "/api/v1/people", {"login": "spare", "name": "备"}),
        ("auditor", "POST", "/api/v1/people", {"login": "spare", "name": "备"}),
        ("steward", "PUT", f"/api/v1/people/{people['steward']}/roles", {"roles": ["bureau_reviewer"]}),
    ):
        answer = region[who].ask(method, path, json=body)
        assert answer.status_code in {403, 404, 409, 422}, f"{who} {method} {path}: {answer.status_code}"
    after = {p["login"]: p["roles"] for p in region["sysadmin"].ok("GET", "/api/v1/people")["people"]}
    assert (after["member"], after["secadmin"], "spare" in after) == (["member"], ["sec_admin"], False)
    for who in ("sysadmin", "secadmin", "auditor"):
        sql = region[who].ask("POST", "/api/v1/sql", json={"sql": f'SELECT * FROM "{OPEN_TABLE}"'})
        assert sql.status_code == 403
        assert region[who].get(f"/api/v1/ingest/quarantine?run={region.ids['bad_run']}").status_code == 403
