"""No exit of the portal shows what is masked, withheld or hidden; nobody can tell that a hidden thing exists."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from beijiang.access import Role
from beijiang.kit import Actor, ActorKind
from beijiang.tables import Exit

if TYPE_CHECKING:
    from conftest import Portal


def readable(content: bytes, kind: str) -> str:
    """Return everything in an answer as text, packed formats unpacked."""
    if kind.startswith("application/vnd.openxml"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return "\n".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())
    if kind.startswith("application/vnd.apache.parquet"):
        table = pq.read_table(io.BytesIO(content))
        return str(table.to_pylist()) + str(pq.ParquetFile(io.BytesIO(content)).metadata.to_dict())
    return content.decode("gb18030" if "gb18030" in kind else "utf-8")


@pytest.mark.threat("TM-01")
def test_no_address_shows_a_masked_or_withheld_value(portal: Portal) -> None:
    secrets = portal.secrets()
    told = re.compile("|".join(map(re.escape, secrets)))
    checked = 0
    for address in portal.addresses():
        for accept in ("text/html", "application/json"):
            answer = portal.get(address, headers={"accept": accept})
            assert answer.status_code in {200, 404, 422}, (address, answer.text[:300])
            text = readable(answer.content, answer.headers["content-type"])
            assert not told.search(text), f"{address} shows {told.search(text)}"
            checked += answer.status_code == 200
    assert checked > 80


@pytest.mark.threat("TM-01")
def test_the_check_above_would_see_a_value(portal: Portal) -> None:
    told = re.compile("|".join(map(re.escape, [f.name for f in portal.firms])))
    for form in ("csv", "xlsx", "json", "parquet"):
        answer = portal.get(portal.api("firms", f"/download?format={form}"))
        assert told.search(readable(answer.content, answer.headers["content-type"])), form


@pytest.mark.threat("TM-04")
def test_filters_and_order_act_on_the_mask(portal: Portal) -> None:
    true_name = portal.firms[0].representative
    assert portal.json(portal.api("firms", "/rows"), 法定代表人__exact=true_name)["rows"] == []
    masked = portal.json(portal.api("firms", "/rows"), _size=1)["rows"][0]["法定代表人"]
    assert masked not in portal.secrets()
    assert "*" in masked
    found = portal.json(portal.api("firms", "/rows"), 法定代表人__exact=masked, _count="on")
    assert found["count"] >= 1
    groups = portal.json(portal.api("firms", "/chart"), _x="法定代表人")
    assert {p["x"] for p in groups["points"]} <= {row["法定代表人"] for row in portal.walk("firms", _size="max")}


def test_a_withheld_column_is_like_one_that_does_not_exist(portal: Portal) -> None:
    def refusal(column: str) -> dict[str, Any]:
        answer = portal.get(portal.api("firms", "/rows"), params={f"{column}__startswith": "1"})
        error = answer.json()["error"]
        return {
            **error,
            "request_id": "",
            "message": error["message"].replace(column, "?"),
            "status": answer.status_code,
        }

    hidden, absent = refusal("联系手机"), refusal("联系电话机")
    assert hidden["status"] == absent["status"] == 422
    assert hidden["code"] == absent["code"] == "unknown_column"
    assert "联系手机" not in str(absent)


VOLATILE = (
    (re.compile(r'"request_id":"[0-9a-f]+"'), '"request_id":""'),
    (re.compile(r"(请求编号|request id) <code>[0-9a-f]+</code>"), "request id"),
    (re.compile(r'"receipt":"[\w-]+"'), '"receipt":""'),
    (re.compile(r"<time [^>]*>[^<]*</time>"), "<time></time>"),
    (re.compile(r'"timeStamp":"[^"]+"'), '"timeStamp":""'),
    (re.compile(r"cursor=[\w-]+"), "cursor"),
    (re.compile(r'_next=[\w-]+|"next":"[\w-]+"'), "next"),
)


def settled(text: str) -> str:
    for pattern, plain in VOLATILE:
        text = pattern.sub(plain, text)
    return text


def view(portal: Portal) -> dict[tuple[str, str], tuple[int, str, str | None]]:
    """Return every answer an anonymous reader can get: status, body and entity tag."""
    seen = {}
    for address in portal.addresses():
        if "download" in address and "xlsx" in address:
            continue  # a workbook carries the second at which it was made
        for accept in ("text/html", "application/json"):
            answer = portal.get(address, headers={"accept": accept})
            body = settled(readable(answer.content, answer.headers["content-type"]))
            seen[address, accept] = (answer.status_code, body, answer.headers.get("etag"))
    return seen


@pytest.mark.threat("TM-07")
def test_a_hidden_table_changes_no_anonymous_answer(
    fresh: Callable[[str], Portal], fill: Callable[[Portal], Portal]
) -> None:
    portal = fill(fresh("one"))
    before = view(portal)
    with portal.working():
        portal.take_in("机要登记名册", "market", "名册.csv", "姓名,企业登记联系手机\n赵一,13947000001\n".encode())
    hidden = portal.platform.catalog.resource_for_table("机要登记名册")
    assert hidden is not None
    after = view(portal)
    assert before.keys() == after.keys()
    different = [key for key in before if before[key] != after[key]]
    assert different == []
    for accept in ("text/html", "application/json"):
        for tab in ("", "/explore", "/embed", "/explore/build", "/chart", "/map", "/fields", "/versions", "/api"):
            one = portal.get(f"/datasets/{hidden.id}{tab}", headers={"accept": accept})
            other = portal.get(f"/datasets/res_0000000000000000000{tab}", headers={"accept": accept})
            assert one.status_code == other.status_code == 404
            assert settled(one.text).replace(hidden.id, "") == settled(other.text).replace(
                "res_0000000000000000000", ""
            )


@pytest.mark.threat("TM-02")
def test_a_withdrawn_data_set_is_gone_at_once(fresh: Callable[[str], Portal], fill: Callable[[Portal], Portal]) -> None:
    portal = fill(fresh("two"))
    mark = portal.json(portal.api("firms", "/rows"), _size=5)
    publisher = Actor(
        "person_publisher", "publisher", ActorKind.PERSON, "bureau", frozenset({str(Role.BUREAU_PUBLISHER)})
    )
    tag = portal.get(portal.api("firms", "/rows?_size=5")).headers["etag"]
    portal.platform.catalog.withdraw(publisher, portal.ids["firms"], "数据有误，更正后重新发布。")
    for rest in ("", "/rows", f"/rows?_size=5&_next={mark['next']}", "/download", "/chart", "/map"):
        assert portal.get(portal.api("firms", rest)).status_code == 404, rest
    assert portal.get(portal.api("firms", "/rows?_size=5"), headers={"if-none-match": tag}).status_code == 404
    assert portal.ids["firms"] not in portal.get("/sitemap-1.xml").text
    assert portal.json("/api/v1/datasets")["total"] == 2
    assert "企业登记信息" not in portal.page("/")


def test_an_official_sees_what_everybody_sees(portal: Portal) -> None:
    steward = Actor("person_steward", "steward", ActorKind.PERSON, "market", frozenset({str(Role.STEWARD)}))
    reading = portal.platform.opendata.read(steward, portal.ids["firms"], Exit.ROW_API)
    assert "联系手机" not in [c.name for c in reading.columns]
    assert next(c for c in reading.columns if c.name == "法定代表人").masked


def test_a_closed_data_set_has_an_entry_and_no_rows(portal: Portal) -> None:
    found = portal.json(portal.api("closed"))
    assert found["data"] == {
        "open": False,
        "version": None,
        "rows": 0,
        "rows_held": False,
        "columns": 0,
        "versions": [],
    }
    for rest in ("/rows", "/download", "/chart", "/map"):
        assert portal.get(portal.api("closed", rest)).json()["error"]["code"] == "no_open_rows"
    page = portal.page(f"/datasets/{portal.ids['closed']}")
    assert "评审过程信息，依规不予开放。" in page
    assert "内部项目1" not in page
