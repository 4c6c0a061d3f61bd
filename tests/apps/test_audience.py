"""An application in use is given to other readers: more of them, fewer, or the public, and nobody keeps what he lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asking import OTHER, OWNER, SECRET, Office
from hosting import FIRMS, bundle, released, renamed
from test_commands import ask

from beijiang.apps import AudienceKind, CanaryKind, CanaryTo
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound, Refused

__all__ = ["ask"]


def opens(office: Office, login: str, app_id: str) -> bool:
    try:
        office.platform.apps.page(office[login], app_id, "overview", {})
    except NotFound:
        return False
    return True


def test_readers_come_and_go_without_a_new_version(office: Office) -> None:
    apps, publisher = office.platform.apps, office["publisher"]
    number = released(office, renamed(bundle(), "readers"), AudienceKind.PEOPLE, "first")
    assert [opens(office, login, "readers") for login in ("first", "second", "colleague")] == [True, False, False]
    app = next(one for one in apps.apps(publisher) if one.id == "readers")
    assert app.name.zh in apps.reading(FIRMS, app.org_id), "plans of grants name who reads a table"
    assert app.name.zh not in apps.reading(FIRMS, OTHER) + apps.reading("别的表", app.org_id)
    apps.audience(publisher, "readers", number, AudienceKind.DEPARTMENTS, [OTHER], reason="全厅使用")
    assert [opens(office, login, "readers") for login in ("first", "second", "colleague")] == [True, True, False]
    changed = apps.audience(publisher, "readers", number, AudienceKind.DEPARTMENTS, [OWNER], reason="收回")
    assert changed.current == number
    assert [opens(office, login, "readers") for login in ("first", "second", "colleague")] == [False, False, True]
    log = office.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target="readers")).records
    told = [record.detail for record in log if record.action == "apps.app_audience"]
    assert {one["reason"] for one in told} == {"全厅使用", "收回"}
    last = next(one for one in told if one["reason"] == "收回")
    assert (last["from"]["names"], last["to"]["names"]) == ([OTHER], [OWNER])  # type: ignore[index,call-overload]


def test_who_may_change_them_and_what_is_no_change(office: Office) -> None:
    apps, publisher = office.platform.apps, office["publisher"]
    first = released(office, renamed(bundle(), "kept"), AudienceKind.DEPARTMENTS, OTHER)
    for login in ("steward", "reviewer", "chief"):
        with pytest.raises((Denied, NotFound)):
            apps.audience(office[login], "kept", first, AudienceKind.DEPARTMENTS, [OWNER], reason="x")
    for names, reason, fault in (([], "x", Invalid), (["no-such-office"], "x", NotFound), ([OWNER], "  ", Invalid)):
        with pytest.raises(fault):
            apps.audience(publisher, "kept", first, AudienceKind.DEPARTMENTS, names, reason=reason)
    with pytest.raises(Conflict):
        apps.audience(publisher, "kept", first, AudienceKind.DEPARTMENTS, [OTHER], reason="the same")
    files = renamed(bundle(), "kept")
    files["i18n/en.toml"] = files["i18n/en.toml"].replace("Overview", "At a glance")
    _, second = apps.submit(office["steward"], files)
    apps.review(office["reviewer"], "kept", second.number, approve=True, note="可以")
    with pytest.raises(Conflict):
        apps.audience(publisher, "kept", second.number, AudienceKind.DEPARTMENTS, [OWNER], reason="not in use")
    office.platform.app_canaries.begin(publisher, "kept", second.number, CanaryTo(kind=CanaryKind.SHARE, percent=50))
    with pytest.raises(Conflict):
        apps.audience(publisher, "kept", first, AudienceKind.DEPARTMENTS, [OWNER], reason="on trial")
    assert apps.app(office["steward"], "kept")[0].release == apps.open(office["first"], "kept")[0].release


def test_what_reads_closed_data_does_not_become_public_in_this_way(office: Office) -> None:
    files = renamed(bundle(), "still-closed")
    files["app.toml"] = files["app.toml"].replace(f'["{FIRMS}"]', f'["{FIRMS}", "{SECRET}"]')
    files["queries/total.sql"] = f'SELECT count(*) AS "户数" FROM "{SECRET}" WHERE $league IS NULL'
    files["tests/shape.toml"] = ""
    number = released(office, files, AudienceKind.DEPARTMENTS, OWNER)
    with pytest.raises(Refused) as caught:
        office.platform.apps.audience(office["publisher"], "still-closed", number, AudienceKind.PUBLIC, reason="公开")
    assert caught.value.reason == "app_not_public"
    assert not opens(office, "first", "still-closed")


def test_a_token_of_its_server_ends_with_the_readers_it_was_for(office: Office) -> None:
    apps, viewers = office.platform.apps, office.platform.app_servers.viewers
    number = released(office, renamed(bundle(), "by-token"), AudienceKind.DEPARTMENTS, OTHER)
    token = viewers.issue(apps.open(office["first"], "by-token")[0], office["first"])
    assert viewers.proof(token) is not None
    apps.audience(office["publisher"], "by-token", number, AudienceKind.DEPARTMENTS, [OWNER], reason="收回")
    assert viewers.proof(token) is None


def test_the_same_by_the_console_the_api_and_the_terminal(office: Office, ask: Callable[..., Any]) -> None:
    number = released(office, renamed(bundle(), "by-all-doors"), AudienceKind.PEOPLE, "first")
    publisher, at = office.browser("publisher"), "/console/apps/by-all-doors"
    page = publisher.get(at).text
    assert "改发布范围" in page
    assert "改发布范围" not in office.browser("steward").get(at).text
    form = {"to": "departments", "names": f"{OTHER}、{OWNER}", "reason": "都要用"}
    assert publisher.post(f"{at}/versions/{number}/audience", data=form).headers["location"] == at
    assert opens(office, "second", "by-all-doors")
    assert f'value="{OTHER}, {OWNER}"' in publisher.get(at).text, "the form begins with those who have it"
    order = {"to": "people", "names": ["second"], "reason": "一人"}
    address = f"/api/v1/apps/by-all-doors/versions/{number}/audience"
    answer = office.browser_json("publisher").post(address, json=order)
    assert answer.json()["release"] == {"to": "people", "names": ["second"]}, answer.text
    assert office.browser_json("publisher").post(address, json={**order, "reason": ""}).status_code == 422
    assert office.browser_json("steward").post(address, json=order).status_code == 403
    words = ("audience", "by-all-doors", str(number), "--to", "departments", "--name", OTHER, "--reason", "whole")
    ask("publisher", *words)
    assert opens(office, "first", "by-all-doors")
