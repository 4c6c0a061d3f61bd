"""CKAN's datastore: rows by number, found, ordered and counted as the rows that were handed in say; by the public client too."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from opendata.conftest import Portal

TABLE = "_table_metadata"


def ask(portal: Portal, name: str, **asked: Any) -> Any:
    answer = portal.client.post(f"/api/3/action/{name}", json=asked)
    assert answer.status_code == 200, answer.text[:600]
    return answer.json()["result"]


def refused(portal: Portal, name: str, **asked: Any) -> tuple[int, dict[str, Any]]:
    answer = portal.client.post(f"/api/3/action/{name}", json=asked)
    assert answer.json()["success"] is False
    return answer.status_code, answer.json()["error"]


def rows_of(portal: Portal) -> str:
    return f"{portal.ids['firms']}-csv"


def names(found: Any) -> list[str]:
    return [one["企业名称"] for one in found["records"]]


def test_a_page_has_numbers_types_and_a_total_that_the_release_knows(portal: Portal) -> None:
    found = ask(portal, "datastore_search", resource_id=rows_of(portal), limit=5)
    assert [one["_id"] for one in found["records"]] == [1, 2, 3, 4, 5]
    assert (found["total"], found["total_was_estimated"], found["limit"], found["offset"]) == (300, False, 5, 0)
    types = {one["id"]: one["type"] for one in found["fields"]}
    assert next(iter(types)) == "_id"
    assert types == {
        "_id": "int", "企业名称": "text", "统一社会信用代码": "text", "成立日期": "date", "注册资本": "numeric",
        "法定代表人": "text", "盟市": "text", "备注": "text", "从业人数": "int",
    }  # fmt: skip
    masked = {one["id"] for one in found["fields"] if one.get("info", {}).get("masked")}
    assert masked == {"法定代表人"}
    text = json.dumps(found, ensure_ascii=False)
    assert not [secret for secret in portal.secrets() if secret in text]


def test_deep_pages_by_offset_and_by_number_are_the_same_walk(portal: Portal) -> None:
    whole = ask(portal, "datastore_search", resource_id=rows_of(portal), limit=1000)["records"]
    assert [one["_id"] for one in whole] == list(range(1, 301))
    assert sorted(one["企业名称"] for one in whole) == sorted(f.name for f in portal.firms)
    by_offset = [
        one
        for start in range(0, 300, 70)
        for one in ask(portal, "datastore_search", resource_id=rows_of(portal), limit=70, offset=start)["records"]
    ]
    assert by_offset == whole
    walked: list[Any] = []
    filters: dict[str, Any] = {}
    while True:
        page = ask(
            portal, "datastore_search", resource_id=rows_of(portal), limit=70, filters=filters, include_next_page=True
        )
        walked += page["records"]
        if "next_page" not in page:
            break
        filters = page["next_page"]
    assert walked == whole


def test_filters_words_and_orders_say_what_was_handed_in(portal: Portal) -> None:
    firms = portal.firms
    found = ask(
        portal, "datastore_search", resource_id=rows_of(portal), filters={"盟市": ["包头市", "赤峰市"]}, limit=1000
    )
    assert sorted(names(found)) == sorted(f.name for f in firms if f.city in {"包头市", "赤峰市"})
    found = ask(
        portal, "datastore_search", resource_id=rows_of(portal), filters={"从业人数": {"gte": 3, "lt": 6}}, limit=1000
    )
    assert sorted(names(found)) == sorted(f.name for f in firms if f.staff is not None and 3 <= f.staff < 6)
    found = ask(portal, "datastore_search", resource_id=rows_of(portal), filters={"备注": None}, limit=1000)
    assert sorted(names(found)) == sorted(f.name for f in firms if f.remark is None)
    found = ask(portal, "datastore_search", resource_id=rows_of(portal), q="赤峰 第0012", limit=10)
    assert names(found) == [f.name for f in firms if "赤峰" in f.name and "第0012" in f.name]
    found = ask(portal, "datastore_search", resource_id=rows_of(portal), q="drop", limit=1000)
    assert sorted(names(found)) == sorted(f.name for f in firms if f.remark and "drop" in f.remark.lower())
    found = ask(portal, "datastore_search", resource_id=rows_of(portal), q={"盟市": "通辽"}, limit=1000)
    assert sorted(names(found)) == sorted(f.name for f in firms if f.city == "通辽市")
    found = ask(portal, "datastore_search", resource_id=rows_of(portal), sort="盟市 desc, 企业名称", limit=1000)
    cities = sorted(firms, key=lambda f: f.name)
    assert names(found) == [f.name for f in sorted(cities, key=lambda f: f.city, reverse=True)]
    found = ask(portal, "datastore_search", resource_id=rows_of(portal), fields="盟市", distinct=True, sort="盟市")
    assert [one["盟市"] for one in found["records"]] == sorted({f.city for f in firms})
    assert found["total"] == 5


def test_masks_hold_in_filters_words_and_orders(portal: Portal) -> None:
    true_name = portal.firms[0].representative
    for asked in ({"filters": {"法定代表人": true_name}}, {"q": true_name}, {"q": {"法定代表人": true_name}}):
        assert ask(portal, "datastore_search", resource_id=rows_of(portal), **asked)["records"] == []
    hidden, absent = (
        refused(portal, "datastore_search", resource_id=rows_of(portal), filters={name: "1"})
        for name in ("联系手机", "没有的列")
    )
    assert hidden[0] == absent[0] == 409
    assert hidden[1]["__type"] == absent[1]["__type"] == "Validation Error"


def test_counts_are_estimated_beyond_a_limit_and_said_to_be(portal: Portal) -> None:
    asked = {"resource_id": rows_of(portal), "filters": {"从业人数": {"gte": 0}}, "limit": 10}
    exact = sum(f.staff is not None for f in portal.firms)
    found = ask(portal, "datastore_search", **asked)
    assert (found["total"], found["total_was_estimated"]) == (exact, False)
    found = ask(portal, "datastore_search", **asked, total_estimation_threshold=50)
    assert found["total_was_estimated"] is True
    assert abs(found["total"] - exact) < exact * 0.2
    assert "total" not in ask(portal, "datastore_search", **asked, include_total=False)


def test_forms_of_records(portal: Portal) -> None:
    asked = {"resource_id": rows_of(portal), "fields": ["企业名称", "注册资本", "备注"], "limit": 40}
    objects = ask(portal, "datastore_search", **asked)["records"]
    assert ask(portal, "datastore_search", **asked, records_format="lists")["records"] == [
        [*one.values()] for one in objects
    ]
    for form, mark in (("csv", ","), ("tsv", "\t")):
        text = ask(portal, "datastore_search", **asked, records_format=form)["records"]
        rows = list(csv.reader(io.StringIO(text), delimiter=mark))
        assert [row[0] for row in rows] == [one["企业名称"] for one in objects]
        assert [row[2] or None for row in rows] == [one["备注"] for one in objects]
    empty = ask(portal, "datastore_search", resource_id=rows_of(portal), limit=0)
    assert (empty["records"], len(empty["fields"]), empty["total"]) == ([], 9, 300)


def test_columns_are_described(portal: Portal) -> None:
    found = ask(portal, "datastore_info", id=rows_of(portal))
    assert found["meta"]["count"] == 300
    assert {one["id"]: one["schema"]["native_type"] for one in found["fields"]}["成立日期"] == "date"
    assert "联系手机" not in json.dumps(found, ensure_ascii=False)


def test_resources_say_which_of_them_has_rows_and_tables_are_listed(portal: Portal) -> None:
    shown = ask(portal, "package_show", id=portal.ids["firms"])
    assert [one["id"] for one in shown["resources"] if one["datastore_active"]] == [rows_of(portal)]
    listed = ask(portal, "datastore_search", resource_id=TABLE, limit=1000)
    expected = [f"{portal.ids[name]}-csv" for name in ("firms", "towers", "works", "libraries")]
    assert {one["name"] for one in listed["records"]} >= set(expected)
    assert f"{portal.ids['closed']}-csv" not in json.dumps(listed)


@pytest.mark.parametrize("action", ["datastore_search", "datastore_info"])
def test_what_is_closed_is_like_what_is_made_up(portal: Portal, action: str) -> None:
    told = []
    for resource in (
        f"{portal.ids['closed']}-csv",
        portal.ids["closed"],
        "made-up-csv",
        f"{portal.ids['firms']}-xlsx",
        "企业登记信息",
    ):
        status, error = refused(portal, action, resource_id=resource, id=resource)
        error.pop("request_id")
        told.append((status, error))
    assert told[0][0] == 404
    assert all(one == told[0] for one in told)


@pytest.mark.parametrize(
    "asked",
    [
        {"filters": "x"}, {"filters": {"盟市": {"like": "x"}}}, {"filters": {"从业人数": "many"}}, {"filters": {"_id": "x"}},
        {"sort": "没有 desc"}, {"limit": -1}, {"records_format": "xml"}, {"made_up": 1}, {"q": ["x"]}, {"fields": ["没有"]},
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said(portal: Portal, asked: dict[str, Any]) -> None:
    status, error = refused(portal, "datastore_search", resource_id=rows_of(portal), **asked)
    assert status in {400, 409}
    assert error["__type"] in {"Validation Error", "Search Query Error"}


def test_the_public_client_pages_through_a_table(portal: Portal, client: Callable[..., Any]) -> None:
    lines = """
import json, sys
from ckanapi import RemoteCKAN, NotFound, ValidationError
site = RemoteCKAN(sys.argv[1])
pages = [site.action.datastore_search(resource_id=sys.argv[2], limit=128, offset=start) for start in (0, 128, 256)]
try:
    site.action.datastore_search(resource_id="nothing")
except NotFound as error:
    missing = str(error)
try:
    site.action.datastore_search(resource_id=sys.argv[2], filters={"none": 1})
except ValidationError as error:
    wrong = error.error_dict
got = RemoteCKAN(sys.argv[1], get_only=True).action.datastore_search(resource_id=sys.argv[2], limit=3, fields=["_id"])
print("RESULT" + json.dumps([[one["_id"] for page in pages for one in page["records"]], missing, wrong["__type"], got["records"]]))
"""
    ids, missing, kind, got = client(lines, str(portal.client.base_url), rows_of(portal))
    assert ids == list(range(1, 301))
    assert missing
    assert kind == "Validation Error"
    assert got == [{"_id": 1}, {"_id": 2}, {"_id": 3}]


def test_the_read_has_a_receipt_of_what_was_sent(portal: Portal) -> None:
    answer = portal.client.get(f"/api/3/action/datastore_search?resource_id={rows_of(portal)}&limit=3")
    receipt = answer.headers["X-Beijiang-Receipt"]
    found = portal.json(f"/api/v1/evidence/receipts/{receipt}")
    assert receipt in json.dumps(found)
