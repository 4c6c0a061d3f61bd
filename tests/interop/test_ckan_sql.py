"""SQL over open tables by the ids of their resources, and whole tables as files: what R's client and browsers ask for."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from opendata.conftest import Portal


def rows_of(portal: Portal, name: str = "firms") -> str:
    return f"{portal.ids[name]}-csv"


def sql(portal: Portal, text: str) -> Any:
    answer = portal.client.get("/api/3/action/datastore_search_sql", params={"sql": text})
    assert answer.status_code == 200, answer.text[:600]
    return answer.json()["result"]


def refused(portal: Portal, text: str) -> tuple[int, dict[str, Any]]:
    answer = portal.client.post("/api/3/action/datastore_search_sql", json={"sql": text})
    error = answer.json()["error"]
    error.pop("request_id")
    return answer.status_code, error


def test_one_select_over_a_resource(portal: Portal) -> None:
    found = sql(portal, f'SELECT "盟市", count(*) AS n FROM "{rows_of(portal)}" GROUP BY "盟市" ORDER BY "盟市"')
    assert found["records"] == [{"盟市": city, "n": 60} for city in sorted({f.city for f in portal.firms})]
    assert found["fields"] == [{"id": "盟市", "type": "text"}, {"id": "n", "type": "int"}]
    assert "records_truncated" not in found


def test_the_habits_of_rs_client(portal: Portal) -> None:
    table = rows_of(portal)
    whole = sql(portal, f'SELECT * FROM "{table}"')
    assert len(whole["records"]) == 300
    assert not [one for one in portal.secrets() if one in json.dumps(whole, ensure_ascii=False)]
    none = sql(portal, f'SELECT * FROM (SELECT * FROM "{table}") "q01" WHERE (0 = 1)')
    assert none["records"] == []
    assert [one["id"] for one in none["fields"]] == [one["id"] for one in whole["fields"]]
    counted = sql(portal, f'SELECT count(*) FROM (SELECT * FROM "{table}" WHERE "盟市" = \'包头市\')')
    assert [*counted["records"][0].values()] == [60]
    for text in ("EXPLAIN ", "EXPLAIN (FORMAT text) "):
        plan = sql(portal, f'{text}SELECT "盟市" FROM "{table}"')
        assert len(plan["records"]) == 1
    listed = sql(portal, 'SELECT "name", "alias_of" FROM "_table_metadata" WHERE alias_of IS NULL')
    assert {"name": table, "alias_of": None} in listed["records"]
    answer = portal.client.post("/api/3/action/site_read")
    assert answer.json()["result"] is True


def test_two_tables_meet_and_masks_hold(portal: Portal) -> None:
    text = f'SELECT a."盟市", count(*) n FROM "{rows_of(portal)}" a JOIN "{rows_of(portal, "libraries")}" b ON a."盟市" = b."盟市" GROUP BY 1 ORDER BY 1'
    assert [one["n"] for one in sql(portal, text)["records"]] == [240, 240, 240]
    true_name = portal.firms[0].representative
    found = sql(portal, f'SELECT count(*) AS n FROM "{rows_of(portal)}" WHERE "法定代表人" = \'{true_name}\'')
    assert found["records"] == [{"n": 0}]


@pytest.mark.threat("TM-04")
@pytest.mark.threat("TM-07")
def test_what_is_hidden_is_like_what_is_made_up(portal: Portal) -> None:
    told = [
        refused(portal, f'SELECT * FROM "{name}"')
        for name in (rows_of(portal, "closed"), portal.ids["closed"], "made_up", "企业登记信息", "内部评审台账", f"{portal.ids['firms']}-xlsx")
    ]  # fmt: skip
    assert told[0][0] == 409
    assert told[0][1]["__type"] == "Validation Error"
    assert all(one == told[0] for one in told)
    explained = refused(portal, f'EXPLAIN SELECT * FROM "{rows_of(portal, "closed")}"')
    assert (explained[0], explained[1]["reason"]) == (told[0][0], told[0][1]["reason"])


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_csv('/etc/passwd')", "COPY x TO 'y'", "ATTACH 'x'", "PRAGMA database_list", "SELECT 1; SELECT 2",
        "SELECT * FROM duckdb_settings()", "SELECT * FROM information_schema.tables", "DROP TABLE x", "SELECT getenv('HOME')",
        'INSERT INTO "_table_metadata" VALUES (1)', "EXPLAIN ANALYZE SELECT 1", "BEGIN TRANSACTION", "", "SELECT",
    ],
)  # fmt: skip
def test_nothing_but_a_select_over_tables(portal: Portal, text: str) -> None:
    status, error = refused(portal, text)
    assert status == 409
    assert error["__type"] == "Validation Error"
    assert error.get("query") or error.get("sql")


def test_a_dump_is_the_table_in_four_forms(portal: Portal) -> None:
    rows = sorted(f.name for f in portal.firms)
    address = f"/datastore/dump/{rows_of(portal)}"
    answer = portal.client.get(address)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{rows_of(portal)}.csv"'
    assert answer.headers["X-Beijiang-Receipt"]
    read = list(csv.DictReader(io.StringIO(answer.text)))
    assert sorted(one["企业名称"] for one in read) == rows
    assert [one["_id"] for one in read] == [str(number) for number in range(1, 301)]
    assert portal.client.get(address, params={"bom": "true"}).content.startswith("\ufeff".encode())
    tabs = portal.client.get(address, params={"format": "tsv", "encoding": "gb18030"})
    assert (
        sorted(one["企业名称"] for one in csv.DictReader(io.StringIO(tabs.content.decode("gb18030")), delimiter="\t"))
        == rows
    )
    listed = portal.client.get(address, params={"format": "json"}).json()
    place = [one["id"] for one in listed["fields"]].index("企业名称")
    assert sorted(one[place] for one in listed["records"]) == rows
    tree = ET.fromstring(portal.client.get(address, params={"format": "xml"}).content)  # noqa: S314 - our own words
    assert sorted(one.findtext("企业名称") or "" for one in tree) == rows
    assert tree[0].get("_id") == "1"
    nil = "{http://www.w3.org/2001/XMLSchema-instance}nil"
    assert sum(one.find("备注").get(nil) == "true" for one in tree) == sum(f.remark is None for f in portal.firms)  # type: ignore[union-attr]


def test_a_dump_takes_questions_and_disarms_formulas(portal: Portal) -> None:
    address = f"/datastore/dump/{rows_of(portal)}"
    asked = {
        "filters": '{"盟市": "包头市"}',
        "fields": "_id,企业名称",
        "offset": "10",
        "limit": "7",
        "sort": "企业名称 desc",
    }
    read = list(csv.DictReader(io.StringIO(portal.client.get(address, params=asked).text)))
    names = sorted((f.name for f in portal.firms if f.city == "包头市"), reverse=True)
    assert [one["企业名称"] for one in read] == names[10:17]
    guarded = portal.client.get(address, params={"guard_formulas": "true", "fields": "备注"}).text
    assert not re.search(r"^[=@]", guarded, re.MULTILINE)
    assert "'=1+1" in guarded
    for words in ({"bom": "true"}, {"encoding": "gb18030"}):
        assert "'=1+1" in portal.client.get(address, params={"fields": "备注", **words}).content.decode(
            "gb18030", "replace"
        )
        bare = {"fields": "备注", "guard_formulas": "false", **words}
        assert "'=1+1" not in portal.client.get(address, params=bare).content.decode("gb18030", "replace")
    head = portal.client.head(address)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-disposition"].endswith('.csv"')


def test_dumps_that_are_not_to_be_had(portal: Portal) -> None:
    for name in (rows_of(portal, "closed"), "made-up", f"{portal.ids['firms']}-xlsx"):
        assert portal.client.get(f"/datastore/dump/{name}").status_code == 404
        assert portal.client.head(f"/datastore/dump/{name}").status_code == 404
    for wrong in ({"format": "yaml"}, {"encoding": "latin-1"}, {"fields": "没有"}, {"filters": "x"}, {"made_up": "1"}):
        answer = portal.client.get(f"/datastore/dump/{rows_of(portal)}", params=wrong)
        assert answer.status_code == 400, wrong
        assert answer.headers["content-type"].startswith("text/plain")
    assert portal.client.get(f"/datastore/dump/{rows_of(portal)}", headers={"authorization": "bad"}).status_code == 403
