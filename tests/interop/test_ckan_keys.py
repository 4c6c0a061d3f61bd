"""What CKAN's clients may do with a key: compile drafts, and read rows that one's own rights or a grant give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from beijiang.access import KeyDraft, Permission

if TYPE_CHECKING:
    from collections.abc import Callable

    from interop_region import Region

LINES = """
import json, sys
from ckanapi import RemoteCKAN, NotAuthorized, NotFound, ValidationError
site, other = (RemoteCKAN(sys.argv[1], apikey=key) for key in sys.argv[2:4])
made = site.action.package_create(title="公共停车场", name="parking", notes="位置", tags=[{"name": "停车"}, {"name": "车位"}])
patched = site.action.package_patch(id=made["id"], notes="位置与车位")
updated = site.action.package_update(**{**patched, "title": "公共停车场名录", "extras": []})
said = []
for call in (
    lambda: RemoteCKAN(sys.argv[1]).action.package_show(id=made["id"]),
    lambda: RemoteCKAN(sys.argv[1]).action.package_create(title="x"),
    lambda: other.action.package_patch(id=made["id"], notes="x"),
    lambda: other.action.package_create(title="x", owner_org=made["owner_org"]),
    lambda: site.action.package_create(title="x", id="mine"),
    lambda: site.action.package_create(title="x", made_up=1),
    lambda: site.action.package_create(title="x", resources=[{"url": "http://a.example"}]),
    lambda: site.action.package_create(notes="x"),
    lambda: site.action.package_delete(id=made["id"]),
    lambda: site.action.resource_create(package_id=made["id"], url="http://a.example"),
    lambda: site.action.datastore_delete(resource_id=made["id"], filters={}),
):
    try:
        call()
        said.append("done")
    except (NotAuthorized, NotFound, ValidationError) as error:
        said.append(type(error).__name__)
print("RESULT" + json.dumps([made, patched, updated, said]))
"""


def test_packages_are_written_as_drafts_that_wait_for_review(region: Region, client: Callable[..., Any]) -> None:
    made, patched, updated, said = client(LINES, region.base, region.key("steward"), region.key("consumer"))
    assert (made["title"], made["state"], made["private"]) == ("公共停车场", "draft", True)
    assert [one["name"] for one in made["tags"]] == ["停车", "车位"]
    assert (patched["notes"], patched["title"], len(patched["tags"])) == ("位置与车位", "公共停车场", 2)
    assert (updated["id"], updated["title"], updated["notes"]) == (made["id"], "公共停车场名录", "位置与车位")
    kept = region.bureau.platform.catalog.get(region.bureau["steward"], made["id"])
    assert (kept.entry.name, kept.entry.keywords, kept.is_serving) == ("公共停车场名录", ("停车", "车位"), False)
    assert said == [
        "NotFound", "NotAuthorized", "NotFound", "NotAuthorized", "ValidationError", "ValidationError", "ValidationError",
        "ValidationError", "ValidationError", "ValidationError", "NotFound",
    ]  # fmt: skip


def test_a_published_package_is_served_until_the_next_version_and_can_be_taken_offline(region: Region) -> None:
    found = region.bureau.publish("待撤名录", 5)
    steward, visitor = region.client("steward"), region.client()

    def act(client: Any, name: str, **asked: Any) -> Any:
        return client.post(f"/api/3/action/{name}", json=asked).json()

    assert act(steward, "package_patch", id=found.id, notes="新的摘要")["result"]["notes"] == "新的摘要"
    assert act(visitor, "package_show", id=found.id)["result"]["notes"] != "新的摘要"
    assert act(steward, "package_delete", id=found.id) | {"help": ""} == {"help": "", "success": True, "result": None}
    assert act(visitor, "package_show", id=found.id)["error"]["__type"] == "Not Found Error"
    steward.close()
    visitor.close()


@pytest.mark.threat("TM-01")
def test_rows_with_a_key_are_those_of_ones_own_rights_and_grants(region: Region) -> None:
    resource = f"{region.bureau.resource.id}-csv"

    def rows(login: str) -> Any:
        with region.client(login) as client:
            return client.post("/api/3/action/datastore_search", json={"resource_id": resource, "limit": 1000}).json()

    assert rows("")["error"]["__type"] == "Not Found Error"
    before = rows("consumer")["result"]
    assert [one["id"] for one in before["fields"]] == ["_id", "企业名称"]
    region.bureau.granted("企业名称", "注册资本")
    granted = rows("consumer")["result"]
    assert {one["id"] for one in granted["fields"]} >= {"_id", "企业名称", "注册资本"}
    assert "法定代表人电话" not in {one["id"] for one in granted["fields"]}
    own = rows("steward")["result"]
    assert "法定代表人电话" in {one["id"] for one in own["fields"]}
    assert own["total"] == granted["total"] == 30
    with region.client("steward") as client:
        asked = {"sql": f'SELECT count(*) AS n FROM "{resource}"'}
        assert client.post("/api/3/action/datastore_search_sql", json=asked).json()["result"]["records"] == [{"n": 30}]


ROWS = """
import json, sys
from ckanapi import RemoteCKAN, NotAuthorized, NotFound, ValidationError
site, other = (RemoteCKAN(sys.argv[1], apikey=key) for key in sys.argv[2:4])
made = site.action.package_create(title="停车位登记", notes="每个车位一行")
rows = [{"编号": "P1", "位置": "新城区", "车位": 30}, {"编号": "P2", "位置": "回民区", "车位": 12}]
asked = {"resource": {"package_id": made["id"]}, "fields": [{"id": "编号"}], "primary_key": ["编号"]}
created = site.action.datastore_create(records=rows, **asked)
where = created["resource_id"]
changed = site.action.datastore_upsert(resource_id=where, records=[{"编号": "P2", "位置": "回民区", "车位": 15}, {"编号": "P3", "位置": "玉泉区", "车位": 8}])
said = []
for call in (
    lambda: RemoteCKAN(sys.argv[1]).action.datastore_upsert(resource_id=where, records=rows),
    lambda: RemoteCKAN(sys.argv[1]).action.datastore_search(resource_id=where),
    lambda: other.action.datastore_upsert(resource_id=where, records=rows),
    lambda: site.action.datastore_create(records=rows, **asked),
    lambda: site.action.datastore_upsert(resource_id=where, records=rows, method="update"),
    lambda: site.action.datastore_upsert(resource_id=where, records=[]),
    lambda: site.action.datastore_upsert(resource_id=where, records=["x"]),
    lambda: site.action.datastore_upsert(resource_id="res_none-csv", records=rows),
    lambda: site.action.datastore_delete(resource_id=where, filters={}),
    lambda: other.action.datastore_delete(resource_id=where, filters={"编号": "P1"}),
    lambda: site.action.datastore_delete(resource_id=where, filters={"编号": "P1"}),
    lambda: site.action.resource_create(package_id=made["id"], url="http://a.example"),
):
    try:
        call()
        said.append("done")
    except (NotAuthorized, NotFound, ValidationError) as error:
        said.append(type(error).__name__)
print("RESULT" + json.dumps([made, created, changed, said]))
"""


def test_rows_are_taken_in_by_a_key_and_published_by_nobody_but_the_bureau(
    region: Region, client: Callable[..., Any]
) -> None:
    platform, steward = region.bureau.platform, region.bureau["steward"]
    scopes = frozenset(
        str(p)
        for p in Permission
        if p.startswith(("catalog:", "ingest:", "jobs:", "opendata:", "protection:", "tables:"))
    )
    _, key = platform.access.issue_key(steward, KeyDraft(name="rows", scopes=scopes, days=1))
    platform.jobs.start_worker()
    made, created, changed, said = client(ROWS, region.base, key, region.key("consumer"))
    platform.jobs.stop()
    assert (created["method"], created["package_id"], created["primary_key"]) == ("insert", made["id"], ["编号"])
    assert [one["id"] for one in created["fields"]] == ["编号", "位置", "车位"]
    assert (created["run"]["state"], changed["run"]["state"]) == ("committed", "committed")
    found = platform.catalog.get(steward, made["id"])
    assert (found.entry.name, found.state.value, found.is_serving) == ("停车位登记", "draft", False)
    assert platform.tables.get(steward, found.table or "").rows == 2
    assert platform.ingest.run(steward, changed["run"]["id"]).table == found.table
    assert said == [
        "NotAuthorized", "NotFound", "NotFound", "ValidationError", "ValidationError", "ValidationError", "ValidationError",
        "NotFound", "ValidationError", "NotFound", "done", "ValidationError",
    ]  # fmt: skip
