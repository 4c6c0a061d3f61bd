"""A version on trial: who gets it, how both are held side by side, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asking import OTHER, OWNER, Office
from hosting import bundle, released, renamed

from beijiang.apps import AudienceKind, Canary, CanaryKind, CanaryTo, VersionState
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, ActorKind, Conflict, Denied, Invalid, NotFound

BOTH = (OWNER, OTHER)
EVERYBODY = [Actor(f"p{n}", "", ActorKind.PERSON) for n in range(2000)]
SHARE = CanaryTo(kind=CanaryKind.SHARE, percent=50)


def two(office: Office, name: str, **changes: str) -> int:
    """Release one version, have a second one approved, and return its number."""
    files = renamed(bundle(), name)
    released(office, files, AudienceKind.DEPARTMENTS, *BOTH)
    files["i18n/en.toml"] = files["i18n/en.toml"].replace("Overview", "At a glance")
    _, second = office.platform.apps.submit(office["steward"], {**files, **changes})
    office.platform.apps.review(office["reviewer"], name, second.number, approve=True, note="可以")
    return second.number


def title(office: Office, name: str, login: str) -> str:
    return office.platform.apps.page(office[login], name, "overview", {}).page.title.en


def trial(percent: int = 0, salt: str = "salt") -> Canary:
    from datetime import UTC, datetime

    return Canary(
        app_id="a", version=2, kind=CanaryKind.SHARE, names=(), people=(), percent=percent, salt=salt,
        by_id="x", by="x", at=datetime(2026, 11, 27, tzinfo=UTC),
    )  # fmt: skip


def test_a_share_is_about_as_large_as_said_and_stable_and_another_one_each_time() -> None:
    for percent in (1, 10, 50, 99):
        admitted = [one for one in EVERYBODY if trial(percent).admits(one)]
        assert abs(len(admitted) - 20 * percent) < 100
        assert admitted == [one for one in EVERYBODY if trial(percent).admits(one)]
    small, large = ({one.id for one in EVERYBODY if trial(p).admits(one)} for p in (10, 30))
    assert small < large, "who had it keeps it when the share grows"
    assert small != {one.id for one in EVERYBODY if trial(10, "another").admits(one)}


def test_visitors_are_shared_out_by_where_they_come_from() -> None:
    places = [f"10.0.{n // 250}.{n % 250}" for n in range(2000)]
    admitted = [one for one in places if trial(50).admits(ANONYMOUS, one)]
    assert 900 < len(admitted) < 1100
    assert not trial(99).admits(ANONYMOUS, ""), "a visitor of whom nothing is known gets what all get"


def test_no_version_is_tried_out_beside_a_server(office: Office) -> None:
    """The servers of two versions would end each other with every request."""
    server = {"server/main.py": "async def app(scope, receive, send):\n    pass\n"}
    number = two(office, "trial-server", **server)
    with pytest.raises(Conflict) as refused:
        office.platform.app_canaries.begin(office["publisher"], "trial-server", number, SHARE)
    assert refused.value.reason == "app_trial_server"
    office.platform.apps.release(office["publisher"], "trial-server", number, AudienceKind.DEPARTMENTS, BOTH)
    _, third = office.platform.apps.submit(office["steward"], renamed(bundle(), "trial-server"))
    office.platform.apps.review(office["reviewer"], "trial-server", third.number, approve=True, note="可以")
    with pytest.raises(Conflict) as refused:
        office.platform.app_canaries.begin(office["publisher"], "trial-server", third.number, SHARE)
    assert refused.value.reason == "app_trial_server"
    assert office.platform.app_canaries.comparison(office["steward"], "trial-server") is None


def test_named_people_get_it_first_and_all_when_it_is_promoted(office: Office) -> None:
    trials = office.platform.app_canaries
    number = two(office, "trial-people")
    begun = trials.begin(office["publisher"], "trial-people", number, CanaryTo(kind=CanaryKind.PEOPLE, names=["first"]))
    assert begun.names == ("first",)
    assert [title(office, "trial-people", who) for who in ("first", "second", "first")] == [
        "At a glance", "Overview", "At a glance",
    ]  # fmt: skip
    found = trials.comparison(office["steward"], "trial-people")
    assert found is not None
    assert (found.before.version, found.before.answers, found.before.errors) == (1, 1, 0)
    assert (found.trial.version, found.trial.answers, found.trial.errors) == (number, 2, 0)
    assert found.trial.median is not None
    changed = trials.promote(office["publisher"], "trial-people", "没有错误")
    assert changed.current == number
    assert title(office, "trial-people", "second") == "At a glance"
    assert trials.comparison(office["steward"], "trial-people") is None
    _, versions = office.platform.apps.app(office["steward"], "trial-people")
    assert versions[0].state is VersionState.RELEASED
    office.platform.apps.rollback(office["publisher"], "trial-people", 1, "仍可回退")
    log = office.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target="trial-people")).records
    told = {record.action: record for record in log}
    assert {"apps.canary_begin", "apps.canary_promote", "apps.app_rollback"} <= set(told)
    assert "p95_within" in str(told["apps.canary_promote"])


def test_a_trial_that_fails_is_seen_and_withdrawn_by_its_department(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials, apps = office.platform.app_canaries, office.platform.apps
    broken = 'SELECT count(*) // (count(*) - 60) AS "户数", CAST(max("盟市") AS INTEGER) AS n FROM "企业登记信息" WHERE ($league IS NULL OR "盟市" = $league)'
    number = two(office, "trial-broken")
    with office.platform.db.begin() as tx:  # as if the data had changed since the checks: the query fails while it runs
        import json

        from sqlalchemy import text

        from beijiang.apps.models import digest_of
        from beijiang.apps.store import AppStore

        version = AppStore(tx.connection).version("trial-broken", number)
        assert version is not None
        files = {**version.files, "queries/total.sql": broken}
        tx.connection.execute(
            text("UPDATE hosted_version SET files = :f, digest = :d WHERE app_id = 'trial-broken' AND number = :n"),
            {"f": json.dumps(files), "d": digest_of(files), "n": number},
        )
    trials.begin(office["publisher"], "trial-broken", number, CanaryTo(kind=CanaryKind.DEPARTMENTS, names=[OTHER]))
    for who in ("first", "second", "colleague"):
        apps.page(office[who], "trial-broken", "overview", {})
    found = trials.comparison(office["reviewer"], "trial-broken")
    assert found is not None
    assert (found.before.answers, found.before.errors, found.trial.answers, found.trial.errors) == (1, 0, 2, 2)
    assert found.trial.error_share == 1.0
    with pytest.raises(Denied):
        trials.promote(office["steward"], "trial-broken", "x")
    with pytest.raises(NotFound):
        trials.withdraw(office["first"], "trial-broken", "x")
    assert trials.withdraw(office["steward"], "trial-broken", "出错").current == 1
    assert title(office, "trial-broken", "first") == "Overview"


def test_a_trial_widens_nothing_and_stands_in_the_way_of_other_steps(office: Office) -> None:
    trials, apps = office.platform.app_canaries, office.platform.apps
    files = renamed(bundle(), "trial-closed")
    released(office, files, AudienceKind.PEOPLE, "first")
    files["i18n/en.toml"] = files["i18n/en.toml"].replace("Overview", "At a glance")
    _, second = apps.submit(office["steward"], files)
    with pytest.raises(Conflict):
        trials.begin(office["publisher"], "trial-closed", second.number, SHARE)
    apps.review(office["reviewer"], "trial-closed", second.number, approve=True, note="x")
    for stranger in ("steward", "reviewer"):
        with pytest.raises(Denied):
            trials.begin(office[stranger], "trial-closed", second.number, SHARE)
    for wrong in (replace(SHARE, percent=0), replace(SHARE, percent=100), CanaryTo(kind=CanaryKind.PEOPLE)):
        with pytest.raises(Invalid):
            trials.begin(office["publisher"], "trial-closed", second.number, wrong)
    trials.begin(
        office["publisher"], "trial-closed", second.number, CanaryTo(kind=CanaryKind.PEOPLE, names=["first", "second"])
    )
    with pytest.raises(NotFound):
        title(office, "trial-closed", "second")
    with pytest.raises(NotFound):
        trials.comparison(office["first"], "trial-closed")
    with pytest.raises(Conflict):
        trials.begin(office["publisher"], "trial-closed", second.number, SHARE)
    with pytest.raises(Conflict):
        apps.release(office["publisher"], "trial-closed", second.number, AudienceKind.DEPARTMENTS, [OTHER])
    apps.switch(office["publisher"], "trial-closed", off=True, reason="x")
    with pytest.raises(NotFound):
        title(office, "trial-closed", "first")
    apps.switch(office["publisher"], "trial-closed", off=False, reason="x")
    trials.withdraw(office["publisher"], "trial-closed", "x")
    with pytest.raises(Conflict):
        trials.withdraw(office["publisher"], "trial-closed", "x")


def test_who_submitted_a_version_neither_begins_nor_promotes_its_trial(office: Office) -> None:
    apps, files = office.platform.apps, renamed(bundle(), "trial-own")
    released(office, files, AudienceKind.DEPARTMENTS, OTHER)
    files["i18n/en.toml"] = files["i18n/en.toml"].replace("Overview", "At a glance")
    _, second = apps.submit(SYSTEM, files)
    apps.review(office["reviewer"], "trial-own", second.number, approve=True, note="x")
    with pytest.raises(Denied) as caught:
        office.platform.app_canaries.begin(SYSTEM, "trial-own", second.number, SHARE)
    assert caught.value.reason == "app_self_approval"
    office.platform.app_canaries.begin(office["publisher"], "trial-own", second.number, SHARE)
    with pytest.raises(Denied) as caught:
        office.platform.app_canaries.promote(SYSTEM, "trial-own", "x")
    assert caught.value.reason == "app_self_approval"


def test_what_is_promoted_is_the_trial_that_was_shown(office: Office) -> None:
    trials, publisher = office.platform.app_canaries, office["publisher"]
    number = two(office, "trial-shown")
    few = CanaryTo(kind=CanaryKind.PEOPLE, names=["first"])
    trials.begin(publisher, "trial-shown", number, few)
    shown = trials.comparison(publisher, "trial-shown")
    assert shown is not None
    title(office, "trial-shown", "first")
    now = trials.comparison(publisher, "trial-shown")
    assert now is not None
    assert now.trial.answers == 1
    assert now.shown.token == shown.shown.token, "one more good answer is nothing to look at again"
    assert replace(now, trial=replace(now.trial, errors=1)).shown.token != now.shown.token
    trials.withdraw(office["steward"], "trial-shown", "再试")
    trials.begin(publisher, "trial-shown", number, CanaryTo(kind=CanaryKind.DEPARTMENTS, names=[OTHER]))
    for seen in (shown.shown.token, ""):
        with pytest.raises(Conflict) as refused:
            trials.promote(publisher, "trial-shown", "好", seen=seen)
        assert refused.value.reason == "changed_since_seen"
    again = trials.comparison(publisher, "trial-shown")
    assert again is not None
    assert trials.promote(publisher, "trial-shown", "好", seen=again.shown.token).current == number


def test_by_the_api_the_console_and_the_terminal(office: Office) -> None:
    number = two(office, "trial-ways")
    client = office.browser_json("publisher")
    assert client.get("/api/v1/apps/trial-ways/canary").json() == {"canary": None}
    assert 'value="share"' in office.browser("publisher").get("/console/apps/trial-ways").text
    at = f"/api/v1/apps/trial-ways/versions/{number}/canary"
    assert client.post(at, json={"to": "share", "percent": 100}).status_code == 422
    told = client.post(at, json={"to": "share", "percent": 40})
    assert told.status_code == 200, told.text
    assert told.json()["percent"] == 40
    assert "salt" not in told.json()
    title(office, "trial-ways", "second")
    compared = client.get("/api/v1/apps/trial-ways/canary").json()["canary"]
    assert compared["before"]["answers"] + compared["trial"]["answers"] == 1
    assert "试发中" in office.browser("steward").get("/console/apps/trial-ways").text
    assert office.browser_json("first").get("/api/v1/apps/trial-ways/canary").status_code == 404
    page = office.browser("steward").post(
        "/console/apps/trial-ways/canary", data={"do": "withdraw", "reason": "再改改"}
    )
    assert page.status_code == 303
    assert client.get("/api/v1/apps/trial-ways/canary").json() == {"canary": None}
    office.browser("publisher").post(
        f"/console/apps/trial-ways/versions/{number}/canary", data={"to": "departments", "names": f"{OTHER}，"}
    )
    assert client.get("/api/v1/apps/trial-ways/canary").json()["canary"]["names"] == [OTHER]
    at = "/api/v1/apps/trial-ways/canary"
    assert client.post(f"{at}/promote", json={"reason": "好"}).status_code == 409
    page = office.browser("publisher").get("/console/apps/trial-ways").text
    seen = client.get(at).json()["canary"]["seen"]
    assert f'name="seen" value="{seen}"' in page
    promoted = client.post(f"{at}/promote", json={"reason": "好", "seen": seen})
    assert promoted.json() == {"app": "trial-ways", "version": number}
