"""The life of an application: checks, review by others, release, rollback, off; and each step in evidence."""

from __future__ import annotations

import pytest
from asking import FIRMS, OTHER, SECRET, Office
from fastapi.testclient import TestClient
from hosting import HEAD, bundle, released, renamed, zipped

from beijiang.apps import AudienceKind, VersionState
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ANONYMOUS, SYSTEM, BeijiangError, Conflict, Denied, Invalid, NotFound, Refused


def test_a_bundle_passes_its_checks_and_says_whether_the_public_may_have_it(office: Office) -> None:
    found = office.platform.apps.check(office["steward"], bundle())
    assert found.good, found.faults
    told = {check.name: check.found.en for check in found.checks}
    assert told["tests"] == "2 passed"
    assert told["public"].startswith("no: firms") or told["public"].startswith("yes")


@pytest.mark.parametrize(
    ("changes", "file", "words"),
    [
        ({"app_toml": HEAD.replace(FIRMS, "没有这张表")}, "app.toml", "there is no table"),
        ({"queries__total_sql": f'SELECT count(*) AS "户数" FROM "{SECRET}"'}, "queries/total.sql", "does not name"),
        ({"queries__total_sql": f'SELECT count(*) AS "户数"\nFROM "{FIRMS}", secret_table'}, "queries/total.sql", "not allowed"),
        ({"queries__total_sql": "SELECT * FROM read_csv('/etc/passwd')"}, "queries/total.sql", "not allowed"),
        ({"queries__total_sql": "DROP TABLE x"}, "queries/total.sql", "not allowed"),
        ({"queries__by_league_sql": f'SELECT "盟市", 1 AS "户口" FROM "{FIRMS}"'}, "pages/overview.md", "gives no column 户数"),
        ({"tests__shape_toml": '[[test]]\nquery = "total"\nfirst = { "户数" = 7 }\n'}, "tests/shape.toml", "户数 of the first row is 60"),
        ({"tests__shape_toml": '[[test]]\nquery = "total"\nrows_at_least = 9\n'}, "tests/shape.toml", "should be at least 9"),
        ({"tests__shape_toml": '[[test]]\nquery = "firms"\nparameters = { least = "x" }\n'}, "tests/shape.toml", "least cannot be used"),
    ],
)  # fmt: skip
def test_what_a_check_finds_stops_a_submission(office: Office, changes: dict[str, str], file: str, words: str) -> None:
    apps = office.platform.apps
    found = apps.check(office["steward"], bundle(**changes))
    assert not found.good
    assert any(fault.file == file and words in fault.what.en for fault in found.faults), found.faults
    with pytest.raises(Invalid) as caught:
        apps.submit(office["steward"], bundle(**changes))
    assert caught.value.reason == "app_faulty"


def test_only_the_department_builds_and_nobody_decides_on_his_own(office: Office) -> None:
    apps, files = office.platform.apps, renamed(bundle(), "own-work")
    for stranger in ("first", "reviewer", "publisher", "chief", "member"):
        with pytest.raises(Denied):
            apps.submit(office[stranger], files)
    app, version = apps.submit(office["steward"], files)
    for stranger in ("steward", "publisher", "colleague"):
        with pytest.raises(Denied):
            apps.review(office[stranger], app.id, version.number, approve=True, note="x")
    with pytest.raises(NotFound):
        apps.review(office["first"], app.id, version.number, approve=True, note="x")
    with pytest.raises(Conflict):
        apps.release(office["publisher"], app.id, version.number, AudienceKind.DEPARTMENTS, [OTHER])
    apps.review(office["reviewer"], app.id, version.number, approve=True, note="可以")
    with pytest.raises(Denied):
        apps.release(office["reviewer"], app.id, version.number, AudienceKind.DEPARTMENTS, [OTHER])
    with pytest.raises(Invalid):
        apps.release(office["publisher"], app.id, version.number, AudienceKind.DEPARTMENTS, [])
    with pytest.raises(NotFound):
        apps.release(office["publisher"], app.id, version.number, AudienceKind.DEPARTMENTS, ["no-such-office"])


def test_the_platform_itself_does_not_approve_what_it_submitted(office: Office) -> None:
    apps, files = office.platform.apps, renamed(bundle(), "self-made")
    app, version = apps.submit(SYSTEM, files)
    with pytest.raises(Denied) as caught:
        apps.review(SYSTEM, app.id, version.number, approve=True, note="x")
    assert caught.value.reason == "app_self_approval"
    apps.review(office["reviewer"], app.id, version.number, approve=True, note="x")
    with pytest.raises(Denied):
        apps.release(SYSTEM, app.id, version.number, AudienceKind.DEPARTMENTS, [OTHER])


def test_versions_stay_and_readers_get_what_was_released_and_go_back(office: Office) -> None:
    apps = office.platform.apps
    one = renamed(bundle(), "versions")
    first = released(office, one, AudienceKind.DEPARTMENTS, OTHER)
    with pytest.raises(Conflict):
        apps.submit(office["steward"], one)
    two = {**one, "i18n/en.toml": one["i18n/en.toml"].replace("Overview", "At a glance")}
    second = released(office, two, AudienceKind.DEPARTMENTS, OTHER)
    title = lambda: apps.page(office["first"], "versions", "overview", {}).page.title.en  # noqa: E731
    assert title() == "At a glance"
    with pytest.raises(Denied):
        apps.rollback(office["steward"], "versions", first, "x")
    apps.rollback(office["publisher"], "versions", first, "第二版有误")
    assert title() == "Overview"
    with pytest.raises(Conflict):
        apps.rollback(office["publisher"], "versions", first, "again")
    _, versions = apps.app(office["steward"], "versions")
    assert [(v.number, v.state) for v in versions] == [(second, VersionState.RELEASED), (first, VersionState.RELEASED)]
    assert apps.files(office["steward"], "versions", first) == one
    log = office.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target="versions")).records
    steps = [record.action for record in log]
    assert steps.count("apps.app_submit") == 2
    assert steps.count("apps.app_release") == 2
    assert "apps.app_rollback" in steps


def test_a_returned_version_is_mended_and_comes_again(office: Office) -> None:
    apps, files = office.platform.apps, renamed(bundle(), "returned")
    app, version = apps.submit(office["steward"], files)
    back = apps.review(office["reviewer"], app.id, version.number, approve=False, note="名称太短")
    assert back.state is VersionState.RETURNED
    with pytest.raises(Conflict):
        apps.review(office["reviewer"], app.id, version.number, approve=True, note="x")
    _, again = apps.submit(office["steward"], files)
    assert again.number == version.number + 1


def test_what_reads_closed_data_is_not_for_the_public(office: Office) -> None:
    files = renamed(bundle(), "closed-data")
    files["app.toml"] = files["app.toml"].replace(f'["{FIRMS}"]', f'["{FIRMS}", "{SECRET}"]')
    files["queries/total.sql"] = f'SELECT count(*) AS "户数" FROM "{SECRET}" WHERE $league IS NULL'
    files["tests/shape.toml"] = ""
    with pytest.raises(Refused) as caught:
        released(office, files, AudienceKind.PUBLIC)
    assert caught.value.reason == "app_not_public"
    assert "total" in caught.value.text.zh


def test_a_column_that_is_withheld_from_the_public_is_found_before_release(office: Office) -> None:
    files = renamed(bundle(), "withheld")
    files["queries/firms.sql"] = (
        f'SELECT "企业名称", "法定代表人手机" AS "法定代表人", "盟市" FROM "{FIRMS}" ORDER BY 1'
    )
    with pytest.raises(Refused) as caught:
        released(office, files, AudienceKind.PUBLIC)
    assert "firms" in caught.value.text.en


def test_an_application_is_seen_by_whom_it_is_released_to_and_nobody_else(office: Office) -> None:
    apps = office.platform.apps
    released(office, renamed(bundle(), "for-one"), AudienceKind.PEOPLE, "first")
    released(office, renamed(bundle(), "for-dept"), AudienceKind.DEPARTMENTS, OTHER)
    assert {app.id for app, _ in apps.store(office["first"])} >= {"for-one", "for-dept"}
    seen = {app.id for app, _ in apps.store(office["second"])}
    assert "for-dept" in seen
    assert "for-one" not in seen
    assert not {app.id for app, _ in apps.store(ANONYMOUS)} & {"for-one", "for-dept"}
    hidden = []
    for app_id in ("for-one", "no-such-app"):
        with pytest.raises(NotFound) as caught:
            apps.page(office["second"], app_id, "overview", {})
        hidden.append((caught.value.text, caught.value.reason, caught.value.detail))
    assert hidden[0] == hidden[1]


def test_switched_off_means_the_next_request(office: Office) -> None:
    apps = office.platform.apps
    released(office, renamed(bundle(), "switched"), AudienceKind.DEPARTMENTS, OTHER)
    apps.page(office["first"], "switched", "overview", {})
    with pytest.raises(NotFound):
        apps.switch(office["first"], "switched", off=True, reason="x")
    apps.switch(office["steward"], "switched", off=True, reason="数据有误")
    for ask in (
        lambda: apps.page(office["first"], "switched", "overview", {}),
        lambda: apps.card(office["first"], "switched", "overview", 0, {}),
        lambda: apps.data(office["first"], "switched", "leagues", {}),
    ):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(Denied):
        apps.switch(office["steward"], "switched", off=False, reason="x")
    apps.switch(office["publisher"], "switched", off=False, reason="已更正")
    assert apps.page(office["first"], "switched", "overview", {}).cards


def test_an_application_that_is_switched_off_while_its_page_is_made_is_not_shown(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = office.platform.apps
    released(office, renamed(bundle(), "meanwhile"), AudienceKind.DEPARTMENTS, OTHER)
    real = type(apps.sql).answer_all

    def answer_all(*words: object, **more: object) -> None:
        apps.switch(office["publisher"], "meanwhile", off=True, reason="meanwhile")
        real(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(type(apps.sql), "answer_all", answer_all)
    with pytest.raises(NotFound):
        apps.page(office["first"], "meanwhile", "overview", {})


def test_files_that_were_changed_behind_the_platforms_back_do_not_run(office: Office) -> None:
    from sqlalchemy import text

    apps = office.platform.apps
    number = released(office, renamed(bundle(), "tampered"), AudienceKind.DEPARTMENTS, OTHER)
    with office.platform.db.begin() as tx:
        tx.connection.execute(
            text("UPDATE hosted_version SET files = replace(files, 'By league', 'By moon') WHERE app_id = 'tampered'")
        )
    apps._read.cache_clear()
    with pytest.raises(Conflict) as caught:
        apps.preview(office["steward"], "tampered", number, "overview", {})
    assert caught.value.reason == "app_changed"


def test_the_steps_go_over_http_too(office: Office) -> None:
    files = renamed(bundle(), "over-http")
    upload = {"file": ("bundle.zip", zipped(files), "application/zip")}
    steward, reviewer, publisher = (office.browser(one) for one in ("steward", "reviewer", "publisher"))
    checked = steward.post("/api/v1/apps/check", files=upload)
    assert checked.status_code == 200, checked.text
    assert checked.json()["good"]
    sent = steward.post("/api/v1/apps", files=upload)
    assert sent.status_code == 201, sent.text
    number = sent.json()["version"]["number"]
    base = f"/api/v1/apps/over-http/versions/{number}"
    assert reviewer.post(f"{base}/review", json={"approve": True, "note": "好"}).json()["state"] == "approved"
    assert publisher.post(f"{base}/release", json={"to": "departments", "names": [OTHER]}).status_code == 200
    shown = office.browser("first").get("/api/v1/apps/over-http/data/leagues")
    assert shown.json()["rows"][0] == {"盟市": "包头市", "户数": 20}
    assert steward.get(f"{base}/bundle").content[:2] == b"PK"
    assert publisher.post("/api/v1/apps/over-http/switch", json={"off": True, "reason": "x"}).json()["off"]
    assert office.browser("first").get("/api/v1/apps/over-http/data/leagues").status_code == 404
    bad = steward.post("/api/v1/apps", files={"file": ("bundle.zip", b"PK no", "application/zip")})
    assert bad.status_code == 422
    with TestClient(office.app) as visitor:
        assert visitor.get("/api/v1/apps/over-http").status_code in {401, 404}
        assert visitor.post("/api/v1/apps", files=upload).status_code in {401, 403}


def test_errors_are_of_the_house(office: Office) -> None:
    with pytest.raises(BeijiangError) as caught:
        office.platform.apps.page(office["first"], "no-such", "x", {})
    assert caught.value.text.zh
    assert caught.value.text.en


def test_the_console_leads_from_upload_to_readers(office: Office) -> None:
    files = renamed(bundle(), "by-console")
    steward, reviewer, publisher = (office.browser(one) for one in ("steward", "reviewer", "publisher"))
    upload = {"file": ("bundle.zip", zipped(files), "application/zip")}
    sent = steward.post("/console/apps", files=upload)
    assert (sent.status_code, sent.headers["location"]) == (303, "/console/apps/by-console")
    page = steward.get("/console/apps/by-console").text
    assert "待审核" in page
    assert "时间预算" in page
    assert 'value="approve"' not in page, "who built it does not review it"
    assert "户数" in reviewer.get("/console/apps/by-console/versions/1/-").text
    assert "名单" in reviewer.get("/console/apps/by-console/versions/1/leagues", params={"league": "包头市"}).text
    base = "/console/apps/by-console/versions/1"
    assert reviewer.post(f"{base}/review", data={"do": "approve", "note": "好"}).status_code == 303
    assert publisher.post(f"{base}/release", data={"to": "departments", "names": OTHER}).status_code == 303
    assert office.browser("first").get("/apps/by-console/overview").status_code == 200
    assert "by-console" in publisher.get("/console/apps").text
    assert office.browser("first").get("/console/apps/by-console").status_code == 404
    assert publisher.post("/console/apps/by-console/switch", data={"do": "off", "reason": "试"}).status_code == 303
    assert office.browser("first").get("/apps/by-console/overview").status_code == 404
    broken = {"file": ("bundle.zip", zipped({**files, "queries/total.sql": "DROP TABLE x"}), "application/zip")}
    back = steward.post("/console/apps", files=broken)
    assert back.headers["location"] == "/console/apps"
