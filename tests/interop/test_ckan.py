"""CKAN's Action API: the public client against a running server, the query language, and that hidden things change nothing."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as some

import clients
from beijiang.access import KeyDraft, OrganisationDraft, PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import Platform, build
from beijiang.catalog import (
    AllOf,
    AnyOf,
    Between,
    Entry,
    Everything,
    Item,
    Moment,
    OpenType,
    ShareMethod,
    ShareType,
    Spoken,
    Unlike,
)
from beijiang.kit import SYSTEM, Actor, ActorKind, FixedClock, Invalid
from beijiang.opendata.ckan.lucene import read
from beijiang.settings import Settings
from beijiang.worker import address_of, listen

NOW = datetime(2026, 11, 27, 8, 30, tzinfo=UTC)
COUNT = 7


def person(name: str, org: str, role: Role) -> Actor:
    return Actor(f"person_{name}", name, ActorKind.PERSON, org, frozenset({str(role)}))


def entry(name: str, org: str = "market", **more: Any) -> Entry:
    return Entry(
        name=name, summary="摘要", provider_id=org, categories=("102001",), formats=("csv",), contact="数据科",
        share_type=ShareType.UNCONDITIONAL, share_method=ShareMethod.SERVICE, open_type=OpenType.UNCONDITIONAL,
        licence="CC-BY-4.0", update_cycle="2", items=(Item(column="名称", name="名称", length=50),), **more,
    )  # fmt: skip


def publish(platform: Platform, one: Entry) -> str:
    catalog = platform.catalog
    found = catalog.register(person("steward", one.provider_id, Role.STEWARD), one)
    catalog.submit(person("steward", one.provider_id, Role.STEWARD), found.id)
    catalog.approve(person("reviewer", "bureau", Role.BUREAU_REVIEWER), found.id)
    catalog.publish(person("publisher", "bureau", Role.BUREAU_PUBLISHER), found.id)
    return found.id


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, str, list[str]]]:
    listener = listen("127.0.0.1", 0)
    address = address_of(listener)
    platform = build(Settings.for_tests(tmp_path_factory.mktemp("ckan"), public_url=address))
    for org in ("market", "forest", "bureau"):
        platform.access.add_organisation(SYSTEM, OrganisationDraft(id=org, name_zh=f"{org}局", name_en=org))
    ids = [publish(platform, entry(f"企业登记第{i}批", keywords=("企业", f"批{i % 2}"))) for i in range(COUNT - 1)]
    ids.append(publish(platform, entry("森林防火瞭望塔", "forest", keywords=("森林",))))
    server = uvicorn.Server(uvicorn.Config(create_app(platform), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield platform, address, ids
    server.should_exit = True
    thread.join(90)
    platform.close()


def call(address: str, name: str, **asked: Any) -> Any:
    answer = httpx.get(f"{address}/api/3/action/{name}", params=asked, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    return answer.json()["result"]


def by_client(address: str, *words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    program = clients.python().with_name("ckanapi")
    environment["PATH"] = f"{program.parent}:{environment['PATH']}"  # its workers are the same program, found by name
    done = subprocess.run(
        [str(program), *words, "-r", address],
        capture_output=True, text=True, check=False, timeout=500, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_public_client_reads_and_dumps(site: tuple[Platform, str, list[str]], tmp_path: Any) -> None:
    _, address, ids = site
    found = json.loads(by_client(address, "action", "package_search", "rows=2"))
    assert found["count"] == COUNT
    assert len(found["results"]) == 2
    assert json.loads(by_client(address, "action", "package_list")) == sorted(ids)
    by_client(address, "dump", "datasets", "--all", "-O", str(tmp_path / "o.jsonl"))
    dumped = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted(one["id"] for one in dumped) == sorted(ids)


def test_a_harvester_pages_to_the_end_and_narrows(site: tuple[Platform, str, list[str]]) -> None:
    _, address, ids = site
    pages = [
        call(
            address,
            "package_search",
            rows=3,
            start=s,
            sort="id asc",
            fq="metadata_modified:[2020-01-01T00:00:00Z TO *]",
        )
        for s in (0, 3, 6, 9)
    ]
    assert [one["id"] for page in pages for one in page["results"]] == sorted(ids)
    assert pages[3]["results"] == []
    assert call(address, "package_search", q="organization:market AND -tags:批1", rows=0)["count"] == 3
    assert call(address, "package_search", fq="organization:a OR organization:forest")["results"][0]["name"] == ids[-1]
    assert (
        call(
            address,
            "package_search",
            fq=f"metadata_modified:[{(datetime.now(UTC) + timedelta(days=1)):%Y-%m-%dT%H:%M:%SZ} TO *]",
        )["count"]
        == 0
    )
    assert call(address, "package_search", q="企业登记")["count"] == COUNT - 1


def test_facets_departments_themes_and_tags(site: tuple[Platform, str, list[str]]) -> None:
    _, address, ids = site
    found = call(address, "package_search", rows=0, **{"facet.field": '["tags","organization"]'})
    assert found["facets"] == {
        "tags": {"企业": 6, "批0": 3, "批1": 3, "森林": 1},
        "organization": {"market": 6, "forest": 1},
    }
    assert call(address, "organization_list") == ["forest", "market"]
    assert call(address, "group_list", all_fields="true")[0]["package_count"] == COUNT
    assert call(address, "tag_list") == ["企业", "批0", "批1", "森林"]
    assert call(address, "organization_show", id="forest", include_datasets="true")["packages"][0]["id"] == ids[-1]
    shown = call(address, "package_show", id=ids[0])
    assert shown["license_id"] == "CC-BY-4.0"
    assert shown["metadata_created"][-1] != "Z"


@pytest.mark.parametrize(
    ("name", "asked", "status", "kind"),
    [
        ("package_show", {"id": "nothing"}, 404, "Not Found Error"),
        ("package_show", {}, 409, "Validation Error"),
        ("package_search", {"q": "a AND ("}, 400, "Search Query Error"),
        ("package_search", {"made_up": "1"}, 400, "Search Query Error"),
        ("datastore_search", {"resource_id": "x"}, 404, "Not Found Error"),
        ("package_create", {}, 403, "Authorization Error"),
        ("resource_create", {}, 403, "Authorization Error"),
        ("organization_create", {}, 409, "Validation Error"),
        ("datastore_delete", {}, 403, "Authorization Error"),
        ("datastore_upsert", {}, 403, "Authorization Error"),
    ],
)
def test_errors_have_the_shape_that_clients_tell_apart(
    site: tuple[Platform, str, list[str]], name: str, asked: dict[str, str], status: int, kind: str
) -> None:
    answer = httpx.post(f"{site[1]}/api/action/{name}", json=asked, timeout=60)
    assert answer.status_code == status
    assert answer.json()["success"] is False
    assert answer.json()["error"]["__type"] == kind


def test_unknown_actions_and_bad_keys(site: tuple[Platform, str, list[str]]) -> None:
    answer = httpx.get(f"{site[1]}/api/3/action/made_up", timeout=60)
    assert (answer.status_code, answer.json()) == (400, "Bad request: Action name not known: made_up")
    refused = httpx.get(f"{site[1]}/api/3/action/site_read", headers={"authorization": "no-such-key"}, timeout=60)
    assert refused.status_code == 403
    assert refused.json()["error"]["__type"] == "Authorization Error"


def test_a_hidden_entry_changes_no_byte(site: tuple[Platform, str, list[str]]) -> None:
    platform, address, ids = site
    asked = [
        "package_search?q=*:*&rows=100&facet.field=tags&facet.field=organization", "package_search?q=密档", "package_list",
        "package_search?q=-tags:企业", "package_search?q=tags:密*", "tag_list", "tag_show?id=密标", "organization_list",
        "organization_list?all_fields=true", "group_list?all_fields=true", "package_autocomplete?q=密档",
        "resource_search?query=name:密", "current_package_list_with_resources", f"package_show?id={ids[0]}", "organization_show?id=bureau",
    ]  # fmt: skip

    def told() -> list[str]:
        answers = [httpx.get(f"{address}/api/3/action/{one}", timeout=60).json() for one in asked]
        for answer in answers:
            (answer.get("error") or {}).pop("request_id", None)
        return [json.dumps(answer) for answer in answers]

    before = told()
    hidden = platform.catalog.register(
        person("steward", "bureau", Role.STEWARD), entry("密档台账", "bureau", keywords=("密标", "企业"))
    )
    assert told() == before
    unknown, known = (
        httpx.get(f"{address}/api/3/action/package_show?id={id_}", timeout=60) for id_ in ("made-up", hidden.id)
    )
    assert (unknown.status_code, unknown.json()["error"]["message"]) == (
        known.status_code,
        known.json()["error"]["message"],
    )


def test_the_query_language() -> None:
    assert read("", NOW) == read("*:*", NOW) == Everything()
    assert read("a b", NOW) == read("a AND b", NOW) == read("+a && b", NOW) == AllOf((Spoken("a"), Spoken("b")))
    assert read("a OR b -c", NOW) == AnyOf((Spoken("a"), AllOf((Spoken("b"), Unlike(Spoken("c"))))))
    assert read("metadata_modified:[NOW-7DAYS/DAY TO *]", NOW) == Between(
        Moment.MODIFIED, datetime(2026, 11, 20, tzinfo=UTC)
    )
    assert read('title:"a b"^2', NOW) == Spoken("a b", in_name=True, together=True)
    assert read("made_up:x", NOW) == AnyOf(())


@pytest.mark.parametrize(
    "text", ["{!frange}a", "/a.*/", "ab~1", "(" * 21 + "a" + ")" * 21, "a " * 201, "a" * 4097, "(a", "a)", '"a']
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(text, NOW)
    assert refusal.value.reason == "bad_query"


@settings(max_examples=300, deadline=None)
@given(some.text(alphabet='ab*?:()[]{}"\\^~+-!&| /ORANDNTW71', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read(text, NOW)
    except Invalid as refusal:
        assert refusal.reason == "bad_query"  # noqa: PT017 - either outcome is right


def test_visitors_have_a_number_of_calls_a_minute_and_keys_have_not(tmp_path: Any) -> None:
    clock = FixedClock(NOW)
    platform = build(Settings.for_tests(tmp_path, ckan_calls=3), clock)
    with TestClient(create_app(platform)) as client:
        answers = [client.get("/api/3/action/site_read") for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert answers[-1].json()["error"]["__type"] == "Throttled"
        assert answers[-1].json()["error"]["reason"] == "throttled"
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        assert client.get("/datastore/dump/x").status_code == 429
        assert client.get("/api/2/util/tag/autocomplete?incomplete=a").status_code == 429
        clock.advance(timedelta(seconds=61))
        assert client.get("/api/3/action/site_read").status_code == 200
    platform.close()


def test_the_other_faces_count_visitors_too_and_no_key(tmp_path: Any) -> None:
    clock = FixedClock(NOW)
    platform = build(Settings.for_tests(tmp_path, visitor_calls=3), clock)
    platform.first_start()
    draft = PersonDraft(login="a.member", name="某人", org_id=None, roles=frozenset({Role.MEMBER}))
    _, code = platform.access.add_person(SYSTEM, draft)
    first = platform.access.sign_in("a.member", code, "tests")
    actor = platform.access.change_password(first.actor, code, "Steppe-under-a-wide-sky-26").actor
    _, secret = platform.access.issue_key(
        actor, KeyDraft(name="程序", scopes=frozenset({"opendata:dataset:read"}), days=1)
    )
    with TestClient(create_app(platform)) as client:
        faces = ["/api/v1/datasets", "/ogc/conformance", "/sdmx/v1/dataflow"]
        left = [client.get(one) for one in faces]
        assert [one.status_code for one in left] == [200, 200, 404], "no indicator is public yet"
        assert [one.headers["RateLimit"] for one in left] == [f'"visitor";r={n}' for n in (2, 1, 0)]
        assert left[0].headers["RateLimit-Policy"] == '"visitor";q=3;w=60'
        over = [client.get(one) for one in faces] + [client.post("/mcp", json={})]
        assert [one.status_code for one in over] == [429] * 4
        assert all(0 < int(one.headers["Retry-After"]) <= 60 for one in over)
        assert "每分钟最多调用 3 次" in client.get("/developers").text
        assert "Retry-After" in over[0].headers["Access-Control-Expose-Headers"]
        assert over[0].headers["Access-Control-Allow-Origin"] == "*"
        for face in faces:
            known = client.get(face, headers={"Authorization": f"Bearer {secret}"})
            assert known.status_code in {200, 404}
            assert "RateLimit" not in known.headers
        assert client.get("/ogc/conformance", headers={"Authorization": "Bearer bj_no_key"}).status_code == 429
        assert client.get("/").status_code == 200, "pages are not counted"
        clock.advance(timedelta(seconds=61))
        assert client.get("/ogc/conformance").status_code == 200
    platform.close()
