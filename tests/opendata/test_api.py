"""The JSON API: search, metadata, rows page by page, caching, and refusals in one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from conftest import Portal

OPEN = ["企业名称", "统一社会信用代码", "成立日期", "注册资本", "法定代表人", "盟市", "备注", "从业人数"]


def key(row: dict[str, Any]) -> str:
    return str(row["统一社会信用代码"])


def test_search_finds_published_entries_by_name_pinyin_and_field(portal: Portal) -> None:
    for text in ("企业登记", "qydj", "注册资本"):
        found = portal.json("/api/v1/datasets", q=text)
        assert [hit["id"] for hit in found["hits"]] == [portal.ids["firms"]], text
        assert found["total"] == 1
    assert portal.json("/api/v1/datasets")["total"] == 3


def test_facets_count_and_narrow(portal: Portal) -> None:
    whole = portal.json("/api/v1/datasets")
    departments = {f["value"]: f["count"] for f in whole["facets"]["department"]}
    assert departments == {"market": 2, "forest": 1}
    narrowed = portal.json("/api/v1/datasets", department="forest")
    assert [hit["id"] for hit in narrowed["hits"]] == [portal.ids["towers"]]
    both = portal.get("/api/v1/datasets?department=forest&department=market").json()
    assert both["total"] == 3
    assert portal.json("/api/v1/datasets", open_type="not_open")["total"] == 1


def test_pages_of_results_join_up(portal: Portal) -> None:
    first = portal.json("/api/v1/datasets", sort="name", size=2)
    assert first["pages"] == 2
    assert first["links"]["next"].startswith("http://data.example.test/api/v1/datasets?")
    second = portal.json("/api/v1/datasets", sort="name", size=2, page=2)
    ids = [hit["id"] for hit in first["hits"] + second["hits"]]
    assert sorted(ids) == sorted(portal.ids.values())
    assert second["links"]["next"] is None


def test_metadata_has_the_thirteen_items_dictionary_and_promise(portal: Portal) -> None:
    found = portal.json(portal.api("firms"))
    items = "category name code provider provider_code summary formats items sharing opening update_cycle publish_date related"
    assert list(found["metadata"]) == items.split()
    assert found["metadata"]["code"][0].count("/") == 1
    states = {field["column"]: field["state"] for field in found["fields"]}
    assert states == dict.fromkeys(OPEN, "open") | {
        "法定代表人": "masked",
        "联系手机": "withheld",
        "公民身份号码": "withheld",
    }
    assert found["promise"]["state"] == "on_time"
    assert found["licence"]["id"] == "CC-BY-4.0"
    assert found["data"]["rows"] == 300
    assert found["links"]["downloads"]["csv"].startswith("http://data.example.test/")


def test_versions_tell_rows_and_changes_and_no_names(portal: Portal) -> None:
    found = portal.json(portal.api("firms"))
    versions = [(v["version"], v["rows"], v["rows_added"], v["current"]) for v in found["data"]["versions"]]
    assert versions == [(2, 300, 50, True), (1, 250, 250, False)]
    assert "企业2.csv" not in str(found)
    assert "person_steward" not in str(found)


def test_a_walk_gives_every_row_once_and_right(portal: Portal) -> None:
    rows = portal.walk("firms", _size=37)
    assert len(rows) == 300
    shown = [{name: value for name, value in row.items() if name != "法定代表人"} for row in rows]
    assert sorted(shown, key=key) == sorted(portal.expected(), key=key)


@pytest.mark.parametrize("column", ["注册资本", "从业人数", "成立日期", "备注", "法定代表人"])
@pytest.mark.parametrize("word", ["_sort", "_sort_desc"])
def test_a_sorted_walk_is_the_whole_sorted_table_with_nulls_last(portal: Portal, column: str, word: str) -> None:
    rows = portal.walk("firms", **{word: column, "_size": "23"})
    values = [row[column] for row in rows]
    present = [v for v in values if v is not None]
    assert len(rows) == 300
    assert values[len(present) :] == [None] * (300 - len(present))
    ordered = sorted(present, key=lambda v: v.encode() if isinstance(v, str) else v, reverse=word == "_sort_desc")
    assert present == ordered
    assert sorted(key(row) for row in rows) == sorted(f.code for f in portal.firms)


FILTERS: list[tuple[dict[str, str], Any]] = [
    ({"盟市": "包头市"}, lambda r: r["盟市"] == "包头市"),
    ({"盟市__exact": "包头市", "从业人数__gte": "6"}, lambda r: r["盟市"] == "包头市" and (r["从业人数"] or -1) >= 6),
    ({"盟市__ne": "包头市"}, lambda r: r["盟市"] != "包头市"),
    ({"盟市__in": "包头市,赤峰市"}, lambda r: r["盟市"] in {"包头市", "赤峰市"}),
    ({"备注__in": '["甲,乙"]'}, lambda r: r["备注"] == "甲,乙"),
    ({"盟市__notin": "包头市,赤峰市"}, lambda r: r["盟市"] not in {"包头市", "赤峰市"}),
    ({"企业名称__startswith": "通辽"}, lambda r: r["企业名称"].startswith("通辽")),
    ({"企业名称__contains": "第001"}, lambda r: "第001" in r["企业名称"]),
    ({"备注__isnull": "1"}, lambda r: r["备注"] is None),
    ({"备注__notnull": "1"}, lambda r: r["备注"] is not None),
    ({"成立日期__lt": "2005-01-01"}, lambda r: r["成立日期"] < "2005-01-01"),
    ({"注册资本__gt": "8000.5"}, lambda r: r["注册资本"] is not None and r["注册资本"] > 8000.5),
    ({"备注": "𠮷祥"}, lambda r: r["备注"] == "𠮷祥"),
    ({"备注__exact": '引"号'}, lambda r: r["备注"] == '引"号'),
]


@pytest.mark.parametrize(("asked", "fits"), FILTERS, ids=[str(f[0]) for f in FILTERS])
def test_filters_give_exactly_the_rows_that_fit(portal: Portal, asked: dict[str, str], fits: Any) -> None:
    expected = sorted(r["统一社会信用代码"] for r in portal.expected() if fits(r))
    assert expected
    rows = portal.walk("firms", **asked)
    assert sorted(map(key, rows)) == expected
    counted = portal.json(portal.api("firms", "/rows"), **asked, _count="on", _size="1")
    assert counted["count"] == len(expected)


def test_only_the_columns_asked_for(portal: Portal) -> None:
    page = portal.get(portal.api("firms", "/rows?_col=盟市&_col=企业名称&_size=2")).json()
    assert [c["name"] for c in page["columns"]] == ["盟市", "企业名称"]
    assert [list(row) for row in page["rows"]] == [["盟市", "企业名称"]] * 2


def test_the_next_page_is_linked(portal: Portal) -> None:
    answer = portal.get(portal.api("firms", "/rows?盟市=包头市&_size=10&_sort=注册资本"))
    link = answer.json()["next_url"]
    assert answer.headers["link"] == f'<{link}>; rel="next"'
    local = link.removeprefix("http://data.example.test")
    again = portal.get(local).json()
    assert again["rows"]
    assert {row["盟市"] for row in again["rows"]} == {"包头市"}


def test_a_page_mark_is_bound_to_its_walk(portal: Portal) -> None:
    mark = portal.json(portal.api("firms", "/rows"), _size=5)["next"]
    for other in ({"盟市": "包头市"}, {"_sort": "盟市"}):
        answer = portal.get(portal.api("firms", "/rows"), params={**other, "_next": mark})
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "page_token"


@pytest.mark.parametrize("rest", ["/rows?_size=5", ""])
def test_an_unchanged_answer_is_not_sent_again(portal: Portal, rest: str) -> None:
    first = portal.get(portal.api("firms", rest))
    tag = first.headers["etag"]
    again = portal.get(portal.api("firms", rest), headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    other = portal.get(portal.api("towers", rest), headers={"if-none-match": tag})
    assert other.status_code == 200
    assert other.headers["etag"] != tag


def test_pages_of_other_sites_may_read_open_data_without_a_cookie(portal: Portal) -> None:
    answer = portal.get(portal.api("firms", "/rows?_size=1"), headers={"origin": "https://elsewhere.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "Link" in answer.headers["access-control-expose-headers"]


REFUSALS = [
    ("/rows?_size=0", 422, "bad_size"),
    ("/rows?_size=1001", 422, "bad_size"),
    ("/rows?_size=１０", 422, "bad_size"),
    ("/rows?_where=1", 422, "unknown_parameter"),
    ("/rows?_sort=盟市&_sort_desc=盟市", 422, "two_sorts"),
    ("/rows?_size=1&_size=2", 422, "repeated_parameter"),
    ("/rows?没有的列=1", 422, "unknown_column"),
    ("/rows?_sort=联系手机", 422, "unknown_column"),
    ("/rows?_bj_file__exact=1", 422, "unknown_column"),
    ("/rows?_col=公民身份号码", 422, "unknown_column"),
    ("/rows?从业人数__gt=很多", 422, "filter_value"),
    ("/rows?盟市__in=[1,", 422, "bad_list"),
    ("/rows?_next=abc", 422, "page_token"),
    ("/rows?盟市=" + "长" * 2001, 422, "value_too_long"),
    ("/rows?" + "&".join(["盟市=1"] * 31), 422, "too_many_filters"),
    ("/download?format=exe", 422, "unknown_format"),
    ("/download?format=csv&encoding=latin-1", 422, "unknown_encoding"),
    ("/download?format=csv&联系手机__startswith=139", 422, "unknown_column"),
    ("/chart?_x=联系手机", 422, "unknown_column"),
    ("/chart?_fn=sum", 422, "bad_chart"),
    ("/chart?_x=盟市&_unit=year", 422, "bad_chart"),
    ("/chart?_type=radar", 422, "bad_chart"),
    ("/nothing", 404, "not_found"),
]


@pytest.mark.parametrize(("rest", "status", "code"), REFUSALS, ids=[r[0][:40] for r in REFUSALS])
def test_refusals_have_one_shape(portal: Portal, rest: str, status: int, code: str) -> None:
    answer = portal.get(portal.api("firms", rest))
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "detail", "request_id"}
    assert error["code"] == code
    assert error["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    assert "SELECT" not in answer.text


@pytest.mark.parametrize(
    "path", ["/api/v1/datasets?colour=red", "/api/v1/datasets?page=0", "/api/v1/datasets?size=1000"]
)
def test_a_search_that_cannot_be_read_is_refused(portal: Portal, path: str) -> None:
    answer = portal.get(path)
    assert answer.status_code == 422
    assert set(answer.json()["error"]) == {"code", "message", "detail", "request_id"}


INJECTIONS = (
    "' OR '1'='1",
    '" OR ""="',
    "1; DROP TABLE lake.t; --",
    "x') UNION SELECT 公民身份号码 FROM lake.t --",
    "%",
    "_",
    "\\",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "read_csv('/etc/passwd')",
    "\x00",
    "/*",
    "';SELECT pg_sleep(5)--",
)


@pytest.mark.threat("TM-04")
@pytest.mark.parametrize("text", INJECTIONS)
def test_hostile_words_match_literally_or_are_refused(portal: Portal, text: str) -> None:
    for op in ("exact", "contains", "in", "startswith"):
        answer = portal.get(portal.api("firms", "/rows"), params={f"备注__{op}": text})
        assert answer.status_code in {200, 422}
        if answer.status_code == 200:
            literal = [r for r in portal.expected() if r["备注"] and _holds(op, r["备注"], text)]
            assert len(answer.json()["rows"]) == len(literal)
    for place in (
        f"/rows?{quote(text)}=1",
        f"/rows?_sort={quote(text)}",
        f"/chart?_x={quote(text)}",
        f"/rows?_next={quote(text)}",
    ):
        answer = portal.get(portal.api("firms", place))
        assert answer.status_code == 422, (place, answer.text)
    assert portal.get("/api/v1/datasets", params={"q": text}).status_code in {200, 422}
    assert portal.get(f"/api/v1/datasets/{quote(text, safe='')}").status_code in {404, 422}


def _holds(op: str, value: str, text: str) -> bool:
    if op == "in":
        return value in text.split(",")
    return {"exact": value == text, "contains": text in value, "startswith": value.startswith(text)}[op]
