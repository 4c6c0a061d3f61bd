"""Files to take along: four forms that say the same, three encodings, no formula that runs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import openpyxl
import pyarrow.parquet as pq
import pytest

from beijiang.evidence.verifier import Key, Trust, examine
from waiting import until

if TYPE_CHECKING:
    from conftest import Portal

Rows = list[dict[str, Any]]


def fetch(portal: Portal, **asked: str) -> bytes:
    answer = portal.get(portal.api("firms", "/download"), params=asked)
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def from_csv(content: bytes, encoding: str) -> Rows:
    rows = list(csv.DictReader(io.StringIO(content.decode(encoding), newline="")))
    return [{k: _typed(k, v) for k, v in row.items()} for row in rows]


def _typed(name: str, value: str) -> Any:
    if value == "":
        return None
    return {"注册资本": float, "从业人数": int}.get(name, str)(value)


def from_json(content: bytes) -> Rows:
    found: Rows = json.loads(content)
    return found


def from_xlsx(content: bytes) -> Rows:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    head, *rows = sheet.iter_rows(values_only=True)
    found = [dict(zip(head, row, strict=True)) for row in rows]
    return [{**row, "成立日期": row["成立日期"].strftime("%Y-%m-%d")} for row in found]


def from_parquet(content: bytes) -> Rows:
    rows: Rows = pq.read_table(io.BytesIO(content)).to_pylist()
    return [
        {
            **row,
            "成立日期": row["成立日期"].isoformat(),
            "注册资本": None if row["注册资本"] is None else float(row["注册资本"]),
        }
        for row in rows
    ]


def in_order(rows: Rows) -> Rows:
    plain = [{k: v for k, v in row.items() if k != "法定代表人"} for row in rows]
    return sorted(plain, key=lambda row: str(row["统一社会信用代码"]))


def test_the_four_forms_hold_the_same_rows(portal: Portal) -> None:
    expected = in_order(portal.expected())
    assert in_order(from_csv(fetch(portal, format="csv"), "utf-8")) == expected
    assert in_order(from_json(fetch(portal, format="json"))) == expected
    assert in_order(from_xlsx(fetch(portal, format="xlsx"))) == expected
    assert in_order(from_parquet(fetch(portal, format="parquet"))) == expected
    assert in_order(portal.walk("firms", _size="max")) == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_spreadsheet_csv_round_trips_with_formulas_disarmed(portal: Portal, encoding: str) -> None:
    rows = in_order(from_csv(fetch(portal, format="csv", encoding=encoding), encoding))
    for row, expected in zip(rows, in_order(portal.expected()), strict=True):
        remark = expected["备注"]
        armed = remark is not None and remark[0] in "=+-@＝" and remark != "-3.5"
        assert row == {**expected, "备注": f"'{remark}" if armed else remark}


def test_gb18030_carries_characters_outside_the_basic_plane(portal: Portal) -> None:
    content = fetch(portal, format="csv", encoding="gb18030")
    assert "𠮷祥".encode("gb18030") in content
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")


@pytest.mark.threat("TM-24")
def test_no_cell_of_a_workbook_is_a_formula(portal: Portal) -> None:
    book = openpyxl.load_workbook(io.BytesIO(fetch(portal, format="xlsx")))
    kinds = {cell.data_type for row in book.active.iter_rows() for cell in row}
    assert "f" not in kinds
    remarks = {row["备注"] for row in from_xlsx(fetch(portal, format="xlsx"))}
    assert {"=1+1", "+SUM(A1)", "@cmd"} <= remarks


@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "parquet"])
def test_a_filtered_file_holds_the_filtered_rows(portal: Portal, form: str) -> None:
    read = {"csv": lambda c: from_csv(c, "utf-8"), "xlsx": from_xlsx, "json": from_json, "parquet": from_parquet}[form]
    rows = read(fetch(portal, format=form, 盟市__exact="包头市", 从业人数__lte="3"))
    expected = [
        r for r in portal.expected() if r["盟市"] == "包头市" and r["从业人数"] is not None and r["从业人数"] <= 3
    ]
    assert in_order(rows) == in_order(expected)


@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "parquet"])
def test_a_file_without_a_row_is_still_a_whole_file(portal: Portal, form: str) -> None:
    content = fetch(portal, format=form, 盟市__exact="没有这个市")
    if form == "csv":
        assert content.decode().split("\n") == [
            "企业名称,统一社会信用代码,成立日期,注册资本,法定代表人,盟市,备注,从业人数",
            "",
        ]
    elif form == "json":
        assert json.loads(content) == []
    elif form == "parquet":
        assert pq.read_table(io.BytesIO(content)).num_rows == 0
    else:
        rows = list(openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True))
        assert len(rows) == 1


def test_a_file_has_a_chinese_name_and_its_kind(portal: Portal) -> None:
    answer = portal.get(portal.api("firms", "/download?format=xlsx"))
    disposition = answer.headers["content-disposition"]
    assert unquote(disposition.split("filename*=UTF-8''")[1]) == "企业登记信息_v2.xlsx"
    assert disposition.isascii()
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    plain = portal.get(portal.api("firms", "/download?format=csv&encoding=gb18030"))
    assert "charset=gb18030" in plain.headers["content-type"]


def test_a_file_is_recorded_with_its_rows(portal: Portal) -> None:
    from beijiang.evidence import EvidenceQuery
    from beijiang.kit import SYSTEM

    fetch(portal, format="json", 盟市__exact="赤峰市")
    query = EvidenceQuery(target="企业登记信息", limit=20)
    # How many rows there were is noted once the last is out.
    until(lambda: [r for r in portal.platform.evidence_reader.search(SYSTEM, query).records if r.rows == 60])
    assert portal.platform.evidence_reader.check(SYSTEM).ok


def test_a_file_is_proved_by_its_receipt(portal: Portal) -> None:
    address = portal.api("firms", "/download?format=csv")
    answer = portal.get(address)
    rows = portal.get(portal.api("firms", "/rows?_size=2"))
    assert rows.headers["x-beijiang-receipt"] != answer.headers["x-beijiang-receipt"]
    receipt = portal.receipt(answer.headers["x-beijiang-receipt"])
    keys = [Key.parse(key) for key in portal.json("/api/v1/evidence/keys")["keys"]]
    whole = Trust(keys=tuple(keys), request=f"GET {address}", response=answer.content)
    found = examine(receipt, whole)
    assert found.ok, found.findings
    assert found.record is not None
    assert (found.record["target"], found.record["exit"]) == ("企业登记信息", "download")
    assert not examine(receipt, replace(whole, response=answer.content + b"\n")).ok
    assert not examine(receipt, replace(whole, request="GET /elsewhere")).ok
