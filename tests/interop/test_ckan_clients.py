"""The calls of programs that others wrote, one after the other over several pages; our own harvester; and what is hidden."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from interop_region import HIDDEN, firms

from beijiang.access import OrganisationDraft
from beijiang.build import build
from beijiang.ingest import SourceDraft
from beijiang.kit import SYSTEM
from beijiang.opendata.ckan import ACTIONS
from beijiang.outbound import Target
from beijiang.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from interop_region import Region

    from opendata.conftest import Portal

STRICT = {
    "id": str, "name": str, "title": str, "notes": str, "type": str, "state": str, "private": bool, "metadata_created": str,
    "metadata_modified": str, "organization": dict, "groups": list, "tags": list, "extras": list, "resources": list,
}  # fmt: skip
"""What udata's harvester demands of a package, and of which kind."""
KINDS = {None, "", "api", "code.dataset", "documentation", "file", "file.upload", "image", "metadata", "visualization"}


def get(portal: Portal, path: str, **asked: Any) -> Any:
    answer = portal.client.get(path, params=asked, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.status_code == 200, answer.text[:400]
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    assert answer.json()["success"] is True
    return answer.json()["result"]


def test_ckanext_harvest_pages_to_an_empty_page_then_asks_for_bodies(portal: Portal) -> None:
    seen: list[str] = []
    bodies: list[bytes] = []
    for start in range(0, 40, 2):
        asked = {"rows": 2, "start": start, "sort": "id asc", "fq": "metadata_modified:[2020-01-01T00:00:00Z TO *]"}
        answer = portal.client.get("/api/3/action/package_search", params=asked)
        assert answer.content not in bodies, "it stops where two pages are alike"
        bodies.append(answer.content)
        page = answer.json()["result"]
        if not page["results"]:
            break
        seen += [one["id"] for one in page["results"]]
    assert len(bodies) >= 3
    assert seen == sorted(portal.ids.values())
    either = get(portal, "/api/3/action/package_search", fq="organization:forest OR organization:nobody", rows=100)
    without = get(portal, "/api/3/action/package_search", fq="-organization:forest", rows=100)
    assert either["count"] + without["count"] == len(seen)
    for one in either["results"]:
        assert get(portal, "/api/3/action/organization_show", id=one["owner_org"])["name"] == "forest"
        for group in one["groups"]:
            assert get(portal, "/api/3/action/group_show", id=group["id"])["id"] == group["id"]


def test_udata_reads_strict_dictionaries(portal: Portal) -> None:
    assert get(portal, "/api/util/status") == get(portal, "/api/3/action/status_show")
    listed = get(portal, "/api/3/action/package_search", q="organization:market AND -tags:没有", rows=1000)
    assert listed["count"] == len(listed["results"]) > 0
    assert {one["name"] for one in listed["results"]} <= set(get(portal, "/api/3/action/package_list"))
    for one in listed["results"]:
        shown = get(portal, "/api/3/action/package_show", id=one["name"])
        assert {key: type(shown[key]) for key in STRICT} == STRICT
        assert not [one for one in shown["extras"] if one["key"] == "spatial"]
        assert all(isinstance(extra["value"], str) for extra in shown["extras"])
        assert re.fullmatch(r"[a-z0-9_-]{2,100}", shown["name"])
        for resource in shown["resources"]:
            assert resource["resource_type"] in KINDS
            assert resource["url"].startswith("http")
            assert isinstance(resource["created"], str)


def test_qgis_lists_groups_searches_and_asks_for_the_size_of_files(portal: Portal) -> None:
    groups = [one["name"] for one in get(portal, "/api/3/action/group_list", all_fields="true")]
    wanted = f"(groups:{' OR groups:'.join(groups)})"
    found = [
        one
        for start in (0, 2, 4)
        for one in get(portal, "/api/3/action/package_search", q="", fq=wanted, sort="name asc", rows=2, start=start)[
            "results"
        ]
    ]
    assert [one["name"] for one in found] == sorted(portal.ids.values())[:6]
    for one in found:
        assert {"title", "notes", "author", "author_email", "license_id", "num_resources"} <= set(one)
        for resource in one["resources"]:
            head = portal.client.head(resource["url"])
            assert head.status_code == 200, resource["url"]
            if resource["resource_type"] == "file":
                assert head.headers["content-disposition"].startswith("attachment; filename=")


def test_agent_bridges_ask_for_facets_as_a_list(portal: Portal) -> None:
    asked = {
        "q": "*:*",
        "rows": 0,
        "facet.field": json.dumps(["organization", "tags", "res_format"]),
        "facet.limit": -1,
    }
    found = get(portal, "/api/3/action/package_search", **asked)
    assert sum(found["facets"]["organization"].values()) == found["count"] == len(portal.ids)
    assert get(portal, "/api/3/action/tag_list")


def test_our_own_harvester_reads_our_own_catalog(portal: Portal, tmp_path: Path) -> None:
    """Another installation takes over every entry, its name, licence, words and files, and the next time nothing is new."""
    url = str(portal.client.base_url)
    other = build(Settings.for_tests(tmp_path, public_url="https://testserver"))
    other.first_start()
    other.access.add_organisation(SYSTEM, OrganisationDraft(id="league", name_zh="盟级目录", name_en="League"))
    port = urlsplit(url).port
    assert port
    other.sources.allow(SYSTEM, Target(host="127.0.0.1", port=port, network="127.0.0.0/8"), "测试目录")
    options = {"url": url.rstrip("/"), "retries": 0, "page": 2}
    other.sources.add(SYSTEM, SourceDraft(name="自治区目录", kind="ckan", org_id="league", options=options))

    def counts() -> dict[str, int]:
        run = other.harvests.wait(SYSTEM, other.harvests.run(SYSTEM, "自治区目录"))
        assert run.error is None, run.error
        return {name: count for name, count in run.counts.items() if count}

    try:
        assert counts() == {"seen": len(portal.ids), "added": len(portal.ids)}
        for guid in portal.ids.values():
            record = other.harvests.record(SYSTEM, "自治区目录", guid)
            assert record.resource_id
            taken = other.catalog.get(SYSTEM, record.resource_id).entry
            shown = get(portal, "/api/3/action/package_show", id=guid)
            assert (taken.name, taken.licence) == (shown["title"], shown["license_id"] or "")
            bare = {re.sub(r"<[^>]*>", "", one["name"]) for one in shown["tags"]}
            assert set(taken.keywords) == bare, "a harvest takes markup out of words"
            assert {one.url for one in taken.links} >= {one["url"] for one in shown["resources"]}
        assert counts() == {"seen": len(portal.ids), "unchanged": len(portal.ids)}
    finally:
        other.close()


ASKED: dict[str, list[dict[str, Any]]] = {
    "package_search": [{"q": "雪豹"}, {"rows": 100, "facet.field": ["tags", "organization", "groups", "res_format"]}, {"fq": "-tags:x"}],
    "datastore_search": [{"resource_id": "{open}-csv", "limit": 3}, {"resource_id": "_table_metadata"}, {"resource_id": HIDDEN}],
    "datastore_search_sql": [
        {"sql": 'SELECT count(*) FROM "{open}-csv"'}, {"sql": 'SELECT * FROM "_table_metadata"'}, {"sql": f'SELECT * FROM "{HIDDEN}"'},
        {"sql": f'EXPLAIN SELECT * FROM "{HIDDEN}"'},
    ],
    "datastore_info": [{"id": "{open}-csv"}, {"id": HIDDEN}],
    "resource_search": [{"query": "name:雪豹"}, {"query": "name:公开"}],
    "package_autocomplete": [{"q": "雪豹"}, {"q": "公开"}],
    "tag_search": [{"query": "雪"}],
    "organization_show": [{"id": "market", "include_datasets": True}],
    "help_show": [{"name": "package_show"}],
}  # fmt: skip
OLD = ("dataset", "organization", "tag", "resource/format")


def _told(region: Region, more: list[str]) -> dict[str, str]:
    """Return every answer that a visitor gets from CKAN's addresses, without what differs between any two calls."""
    found: dict[str, str] = {}
    with region.client() as client:
        for name, action in ACTIONS.items():
            usual: list[dict[str, Any]] = [
                {},
                {"id": region.open_id},
                {"all_fields": True},
                *({"id": one} for one in more),
            ]
            for asked in [*usual, *ASKED.get(name, [])]:
                body = json.loads(json.dumps(asked).replace("{open}", region.open_id))
                answer = client.post(f"/api/3/action/{name}", json=body)
                found[f"{name} {asked}"] = f"{answer.status_code} {answer.text}"
                assert answer.status_code < 500, (name, asked, answer.text[:300])
                assert action.changes is False or not answer.json()["success"]
        for what in OLD:
            found[what] = client.get(f"/api/2/util/{what}/autocomplete", params={"incomplete": "雪"}).text
        for resource in (f"{region.open_id}-csv", HIDDEN, *more):
            answer = client.get(f"/datastore/dump/{resource}")
            found[f"dump {resource}"] = f"{answer.status_code} {answer.text}"
    changing = re.compile(r'"request_id":"[0-9a-f]+"|\b[0-9a-f]{16}\n')
    return {key: changing.sub("", text) for key, text in found.items()}


@pytest.mark.threat("TM-07")
def test_a_private_object_changes_no_byte_of_any_answer(region: Region) -> None:
    before = _told(region, ["made-up", "made-up-2"])
    platform = region.bureau.platform
    region.bureau.write("雪豹新台账", firms(12))
    platform.db.deliver_waiting()
    hidden = platform.catalog.resource_for_table("雪豹新台账")
    assert hidden is not None
    assert hidden.entry.keywords is not None
    after = _told(region, ["made-up", "made-up-2"])
    assert after == before
    assert len(before) > 150
    aimed = _told(region, [hidden.id, f"{hidden.id}-csv"])
    put = {
        f"'{hidden.id}-csv'": "'made-up-2'",
        f"'{hidden.id}'": "'made-up'",
        f"dump {hidden.id}-csv": "dump made-up-2",
        f"dump {hidden.id}": "dump made-up",
    }
    for key, text in aimed.items():
        same = key
        for own, other in put.items():
            same = same.replace(own, other)
        assert text.replace(f"{hidden.id}-csv", "made-up-2").replace(hidden.id, "made-up") == before[same], key
