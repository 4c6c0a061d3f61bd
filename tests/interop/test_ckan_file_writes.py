"""Files and deletions that a CKAN client sends: landed as they came, a version of their own, published by nobody but the bureau."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from ckan_writer import Writer

from beijiang.catalog import OpenType
from beijiang.ingest import IngestRequest, RunMode
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interop_region import Region

HEAD = "编号,位置,车位,启用\n"
FIRST = HEAD + "P1,新城区,30,2024-01-05\nP2,回民区,12,2024-02-06\nP3,玉泉区,8,2024-03-07\n"
SECOND = HEAD + "P1,新城区,31,2024-01-05\nP4,赛罕区,50,2024-04-08\n"


@pytest.fixture(scope="module")
def writer(region: Region) -> Iterator[Writer]:
    made = Writer(region)
    made.platform.ckan.hand_ins.rows.intake.patience = 120.0
    made.platform.jobs.start_worker()
    yield made
    made.platform.jobs.stop()


def upload(writer: Writer, name: str, content: bytes, **asked: Any) -> httpx.Response:
    return httpx.post(
        f"{writer.region.base}/api/3/action/{name}",
        data=asked,
        files={"upload": ("停车.csv", content)},
        headers={"Authorization": writer.key},
        timeout=300,
        trust_env=False,
    )


LINES = """
import json, sys
from ckanapi import RemoteCKAN, NotAuthorized, NotFound, ValidationError
base, key, stranger, one, two = sys.argv[1:6]
site, other, nobody = RemoteCKAN(base, apikey=key), RemoteCKAN(base, apikey=stranger), RemoteCKAN(base)
made = site.action.package_create(title="停车场文件", notes="每个车位一行")["id"]
created = site.action.resource_create(package_id=made, primary_key="编号", name="停车", upload=open(one, "rb"))
where = created["id"]
changed = site.action.resource_update(id=where, upload=open(two, "rb"))
same = site.action.resource_patch(id=where, name=changed["name"], format="CSV")
gone = site.action.datastore_delete(resource_id=where, filters={"车位": {"gt": 40}})
none = site.action.datastore_delete(resource_id=where, filters={"编号": "P9"})
said = []
for call in (
    lambda: nobody.action.resource_create(package_id=made),
    lambda: other.action.resource_create(package_id=made, upload=open(one, "rb")),
    lambda: other.action.resource_update(id=where, upload=open(one, "rb")),
    lambda: other.action.datastore_delete(resource_id=where, filters={"编号": "P1"}),
    lambda: site.action.resource_create(package_id=made, upload=open(one, "rb")),
    lambda: site.action.resource_create(package_id="res_none", upload=open(one, "rb")),
    lambda: site.action.resource_update(id=where),
    lambda: site.action.resource_patch(id=where, name="别的名称"),
    lambda: site.action.resource_patch(id=where, made_up="x"),
    lambda: site.action.resource_delete(id=where),
    lambda: site.action.datastore_delete(resource_id=where),
    lambda: site.action.datastore_delete(resource_id=where, filters={"没有": 1}),
):
    try:
        call()
        said.append("done")
    except (NotAuthorized, NotFound, ValidationError) as error:
        said.append(type(error).__name__)
print("RESULT" + json.dumps([made, created, changed, same, gone, none, said]))
"""


def test_a_client_hands_files_in_replaces_them_and_takes_rows_out(
    region: Region, writer: Writer, client: Callable[..., Any], tmp_path: Path
) -> None:
    files = [tmp_path / "一.csv", tmp_path / "二.csv"]
    for path, text in zip(files, (FIRST, SECOND), strict=True):
        path.write_text(text, encoding="utf-8")
    told = client(LINES, region.base, writer.key, region.key("consumer"), *map(str, files))
    made, created, changed, same, gone, none, said = told
    assert (created["package_id"], created["datastore_active"], created["state"]) == (made, True, "draft")
    assert (created["hash"], created["primary_key"]) == (hashlib.sha256(FIRST.encode()).hexdigest(), ["编号"])
    assert (created["run"]["state"], created["run"]["version"], created["run"]["report"]["rows"]) == ("committed", 1, 3)
    assert (changed["run"]["version"], changed["run"]["report"]["rows"], changed["primary_key"]) == (2, 2, ["编号"])
    assert same["id"] == created["id"]
    assert (gone["deleted"], gone["run"]["version"], gone["filters"]) == (1, 3, {"车位": {"gt": 40}})
    assert (none["deleted"], none["run"]) == (0, None)
    assert said == [
        "NotAuthorized", "NotFound", "NotFound", "NotFound", "ValidationError", "NotFound", "ValidationError", "ValidationError",
        "ValidationError", "ValidationError", "ValidationError", "ValidationError",
    ]  # fmt: skip
    platform, steward = writer.platform, writer.steward
    assert [row["编号"] for row in writer.rows(made)] == ["P1"]
    found = platform.catalog.get(steward, made)
    assert (found.state.value, found.is_serving) == ("draft", False)
    run = platform.ingest.run(steward, gone["run"]["id"])
    assert (run.mode.value, run.key) == ("remove", ("编号",))
    platform.tables.rollback(steward, writer.table(made) or "", 2, "误删")
    assert sorted(row["编号"] for row in writer.rows(made)) == ["P1", "P4"]


def test_the_bytes_are_kept_as_they_came_and_large_files_come_by_their_digest(writer: Writer) -> None:
    entry = writer.entry("换行与字节")
    odd = (HEAD + 'P1,"新\r城\r\n区",1,2024-01-05\r\n').encode("gb18030")
    told = upload(writer, "resource_create", odd, package_id=entry).json()["result"]
    assert told["hash"] == hashlib.sha256(odd).hexdigest()
    with writer.platform.ingest.landing.path(told["hash"]).open("rb") as kept:
        assert kept.read() == odd
    landed = httpx.post(
        f"{writer.region.base}/api/v1/ingest/files",
        params={"name": "二.csv", "org": writer.platform.catalog.get(writer.steward, entry).provider_id},
        content=SECOND.encode(),
        headers={"Authorization": f"Bearer {writer.key}", "Content-Type": "application/octet-stream"},
        timeout=60,
        trust_env=False,
    ).json()
    writer.act("resource_update", id=f"{entry}-csv", hash=landed["sha256"])
    assert sorted(row["编号"] for row in writer.rows(entry)) == ["P1", "P4"]
    unknown = writer.refused("resource_update", id=f"{entry}-csv", hash="0" * 64)
    assert unknown == (404, "file_not_found")


def test_why_a_file_came_stands_beside_the_version_it_made(writer: Writer) -> None:
    entry = writer.entry("缘由")
    where = f"{entry}-csv"
    assert upload(writer, "resource_create", FIRST.encode(), package_id=entry, reason=" 首次提供 ").status_code == 200
    assert upload(writer, "resource_update", SECOND.encode(), id=where, reason="二月更正").status_code == 200
    assert upload(writer, "resource_patch", FIRST.encode(), id=where, reason="三" * 2000).status_code == 200
    assert upload(writer, "resource_update", SECOND.encode(), id=where).status_code == 200
    said = [one.reason for one in writer.platform.tables.history(writer.steward, writer.table(entry) or "")]
    assert said == ["CKAN datastore", "三" * 1000, "二月更正", "首次提供"]
    assert writer.refused("resource_update", id=where, hash="0" * 64, reason={"a": 1}) == (409, "bad_value")


def test_what_is_no_file_or_too_large_or_has_no_key_is_refused_before_anything_is_made(writer: Writer) -> None:
    entry = writer.entry("不收的文件")
    for asked, reason in (
        ({}, "missing_field"),
        ({"url": "http://a.example/x.csv"}, "address_not_taken"),
        ({"upload": "文字"}, "bad_value"),
        ({"hash": "abc"}, "missing_field"),
    ):
        assert writer.refused("resource_create", package_id=entry, **asked) == (409, reason)
    assert upload(writer, "resource_create", b"", package_id=entry).json()["error"]["reason"] == "bad_value"
    assert upload(writer, "package_patch", b"x", id=entry).json()["error"]["reason"] == "upload_elsewhere"
    large = b"x" * (9 << 20)
    assert upload(writer, "resource_create", large, package_id=entry).status_code == 413
    nobody = httpx.post(
        f"{writer.region.base}/api/3/action/resource_create",
        data={"package_id": entry},
        files={"upload": ("x.csv", b"x" * (3 << 20))},
        timeout=60,
        trust_env=False,
    )
    assert nobody.status_code == 413
    bad = upload(writer, "resource_create", b"\x00\x01\x02" * 50, package_id=entry)
    assert bad.status_code == 409
    assert writer.table(entry) is None


def test_rows_leave_by_keys_of_every_type_and_not_without_one(writer: Writer) -> None:
    entry = writer.entry("按日登记")
    rows = [{"日期": f"2024-01-{day:02d}", "序": day, "额": f"{day}.50", "名": f"甲{day}"} for day in range(1, 29)]
    key = ["日期", "序", "额"]
    writer.act("datastore_create", resource={"package_id": entry}, primary_key=key, records=rows)
    told = writer.act("datastore_delete", resource_id=entry, filters={"序": {"lte": 25}, "名": ["甲1", "甲2", "甲26"]})
    assert told["deleted"] == 2
    assert {row["名"] for row in writer.rows(entry)} == {f"甲{day}" for day in range(3, 29)}
    keyless = writer.entry("没有主键")
    writer.act("datastore_create", resource={"package_id": keyless}, records=rows)
    assert writer.refused("datastore_delete", resource_id=keyless, filters={"序": 1}) == (409, "no_key")
    assert len(writer.rows(keyless)) == 28


def test_a_heading_is_no_row_of_what_had_none(writer: Writer) -> None:
    entry = writer.entry("只有表头")
    rows = [{"编号": one, "备注": f"备{one}"} for one in "ABCD"]
    writer.act("datastore_create", resource={"package_id": entry}, primary_key=["编号"], records=rows)
    for alone in ("编号,备注\n", "备注,编号\r\n", "编号,备注\r\n,\r\n"):
        told = upload(writer, "resource_update", alone.encode(), id=f"{entry}-csv")
        assert (told.status_code, told.json()["error"]["reason"]) == (409, "run_stopped"), alone
        assert "not one row" in told.text
        assert sorted(row["编号"] for row in writer.rows(entry)) == ["A", "B", "C", "D"]
    told = upload(writer, "resource_update", "备注,编号\n别的,X\n".encode(), id=f"{entry}-csv")
    assert told.status_code == 200, told.text
    until(lambda: [(row["编号"], row["备注"]) for row in writer.rows(entry)] == [("X", "别的")])


def test_rows_are_not_taken_out_by_their_places(writer: Writer) -> None:
    entry = writer.entry("按位置删除")
    rows = [{"编号": one, "备注": one} for one in "ABCD"]
    writer.act("datastore_create", resource={"package_id": entry}, primary_key=["编号"], records=rows)
    for filters in ({"_id": 1}, {"备注": "A", "_id": {"lte": 2}}):
        told = writer.ask("datastore_delete", resource_id=entry, filters=filters)
        assert (told.status_code, told.json()["error"]["reason"]) == (409, "row_number")
        assert "(编号)" in told.text, "the way to say it is named"
    assert len(writer.rows(entry)) == 4


def test_what_others_write_between_the_look_and_the_removal_stays(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = writer.entry("边删边改")
    rows = [{"编号": "P1", "车位": 50}, {"编号": "P2", "车位": 5}]
    writer.act("datastore_create", resource={"package_id": entry}, primary_key=["编号"], records=rows)
    intake = writer.platform.ckan.hand_ins.rows.intake
    take = intake.take

    def late(*asked: Any) -> Any:
        monkeypatch.setattr(intake, "take", take)
        writer.act("datastore_upsert", resource_id=entry, records=[{"编号": "P1", "车位": 10}])
        return take(*asked)

    monkeypatch.setattr(intake, "take", late)
    asked = {"resource_id": entry, "filters": {"车位": {"gt": 40}}}
    told = writer.ask("datastore_delete", **asked)
    assert (told.status_code, told.json()["error"]["reason"]) == (409, "table_moved_on")
    until(lambda: {row["编号"]: int(row["车位"]) for row in writer.rows(entry)} == {"P1": 10, "P2": 5})
    assert writer.act("datastore_delete", **asked)["deleted"] == 0, "asked anew, it sees what was written"


def test_of_states_the_one_that_holds_is_written_and_taken_out(writer: Writer) -> None:
    platform, steward = writer.platform, writer.steward
    org = platform.catalog.get(steward, writer.entry("部门")).provider_id
    for text in ("编号,状态\nP1,停用\nP2,启用\n", "编号,状态\nP1,启用\nP2,启用\n"):
        sha256 = platform.ingest.land(steward, io.BytesIO(text.encode()), "车位.csv", org).sha256
        request = IngestRequest(files=(sha256,), into="车位状态", org_id=org, key=("编号",), mode=RunMode.HISTORY)
        platform.ingest.wait(steward, platform.ingest.submit(steward, request))
    entry = until(lambda: next((one.id for one in platform.catalog.list(steward) if one.table == "车位状态"), None))

    def held() -> dict[str, str]:
        return {row["编号"]: row["状态"] for row in writer.rows(entry) if row["valid_to"] is None}

    until(lambda: held() == {"P1": "启用", "P2": "启用"})
    assert writer.act("datastore_delete", resource_id=f"{entry}-csv", filters={"状态": "停用"})["deleted"] == 0
    told = writer.act("datastore_upsert", resource_id=entry, records=[{"编号": "P2", "状态": "停用"}])
    assert (told["primary_key"], told["run"]["report"]["rows_removed"]) == (["编号"], 0)
    until(lambda: held() == {"P1": "启用", "P2": "停用"})
    assert writer.act("datastore_delete", resource_id=entry, filters={"状态": "停用"})["deleted"] == 1
    until(lambda: held() == {"P1": "启用"})
    sent = {"编号": "P1", "状态": "启用", "valid_from": "2020-01-01T00:00:00Z"}
    assert writer.refused("datastore_upsert", resource_id=entry, records=[sent]) == (409, "unknown_column")


def test_a_published_file_is_served_until_its_withdrawal_was_reviewed(region: Region, writer: Writer) -> None:
    found = region.bureau.publish("待撤文件", 5, open_type=OpenType.UNCONDITIONAL, open_condition="", licence="CC-BY-4.0",
                                  open_items=("企业名称",))  # fmt: skip
    where = f"{found.id}-csv"
    told = writer.ask("resource_delete", id=where, reason="涉及商业秘密，依据开放清单第三条")
    assert (told.status_code, told.json()["result"]["id"]) == (202, where)
    with region.client() as visitor:
        shown = visitor.post("/api/3/action/resource_show", json={"id": where}).json()
    assert shown["success"] is True
    kept = writer.platform.catalog.get(writer.steward, found.id)
    assert (kept.entry.open_type, kept.is_serving, kept.state.value) == (OpenType.NOT_OPEN, True, "draft")
    assert kept.entry.open_condition == "涉及商业秘密，依据开放清单第三条"
    assert writer.refused("resource_delete", id=f"{found.id}-link-1") == (409, "follows_from_source")


def test_a_key_that_hands_nothing_in_takes_no_rows_out(region: Region, writer: Writer) -> None:
    lacking = Writer(region, "ingest:run:submit")
    entry = writer.entry("删行的权限")
    writer.act("datastore_create", resource={"package_id": entry}, primary_key=["编号"], records=[{"编号": "A"}])
    assert lacking.ask("datastore_delete", resource_id=entry, filters={"编号": "A"}).status_code == 403
    until(lambda: [row["编号"] for row in writer.rows(entry)] == ["A"])
