"""Runs: good rows in, bad rows aside, nothing lost, nothing half-done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openpyxl
import pytest

from beijiang.ingest import CheckSpec, IngestRequest, RunMode, RunState
from beijiang.jobs import JobState
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from conftest import Desk

HEAD = "编号,名称,金额,日期\n"
GOOD = "".join(f"A{i:03d},甲{i},{i}.50,2024-01-{i % 28 + 1:02d}\n" for i in range(60))
DIRT = (
    "A003,甲3,3.50,2024-01-04\n"  # 62: the same as line 5
    "A004,甲四,4.50,2024-01-05\n"  # 63: contradicts line 6
    "A080,,5.50,2024-01-06\n"  # 64: fails not_null
    ",无键,1,2024-01-01\n"  # 65
    "A070,坏钱,abc,2024-01-01\n"  # 66
    "A071,多,1,2024-01-01,多\n"  # 67
    'A072,旧日期,"1,234.50",2024年1月3日\n'  # 68: good, two cells rewritten
)
CHECKS = (CheckSpec.parse("名称=not_null"),)


def test_every_row_is_good_bad_or_a_duplicate(any_desk: Desk) -> None:
    desk = any_desk
    run = desk.take(desk.file("一.csv", HEAD + GOOD + DIRT), key=("编号",), checks=CHECKS)
    assert run.state is RunState.COMMITTED
    assert run.version == 1
    report = run.report
    assert (report["read"], report["good"], report["bad"], report["duplicates"]) == (67, 61, 5, 1)
    assert report["bad_by_reason"] == {
        "check_failed": 1,
        "duplicate_key": 1,
        "missing_key": 1,
        "untypable": 1,
        "wrong_width": 1,
    }
    assert [(a, r) for a, _, r in desk.aside(run)] == [
        (62, "duplicate_same"),
        (63, "duplicate_key"),
        (64, "check_failed"),
        (65, "missing_key"),
        (66, "untypable"),
        (67, "wrong_width"),
    ]
    assert desk.rows().height == 61
    assert not list((desk.settings.home / "staging").iterdir())
    assert desk.evidence.check().ok


def test_the_return_file_speaks_the_suppliers_columns(desk: Desk) -> None:
    run = desk.take(desk.file("一.csv", HEAD + GOOD + DIRT + ",=1+1,1,2024-01-01\n"), key=("编号",), checks=CHECKS)
    path = desk.ingest.return_file(SYSTEM, run.id)
    sheet = openpyxl.load_workbook(path).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:8] == ("文件", "行号", "问题列", "原因", "编号", "名称", "金额", "日期")
    assert [r[1] for r in rows[1:]] == ["64", "65", "66", "67", "69", "63"]
    bad = next(r for r in rows if r[1] == "66")
    assert bad[0] == "一.csv"
    assert "不是数值" in bad[3]
    assert bad[4:8] == ("A070", "坏钱", "abc", "2024-01-01")
    formula = next(row for row in sheet.iter_rows() if row[1].value == "69")[5]
    assert (formula.value, formula.data_type) == ("=1+1", "s")
    path.unlink()


def test_raw_texts_come_back(desk: Desk) -> None:
    run = desk.take(desk.file("一.csv", HEAD + GOOD + DIRT), key=("编号",))
    sha256 = run.files[0][0]
    assert desk.ingest.raw_cell(SYSTEM, "表", sha256, 68, "金额").raw == "1,234.50"
    rewritten = desk.ingest.raw_cell(SYSTEM, "表", sha256, 68, "日期")
    assert (rewritten.raw, rewritten.changed) == ("2024年1月3日", True)
    as_it_was = desk.ingest.raw_cell(SYSTEM, "表", sha256, 2, "名称")
    assert (as_it_was.raw, as_it_was.changed) == ("甲0", False)
    with pytest.raises(NotFound):
        desk.ingest.raw_cell(SYSTEM, "表", sha256, 500, "名称")


def test_a_later_good_row_resolves_a_quarantined_one(desk: Desk) -> None:
    first = desk.take(desk.file("一.csv", HEAD + GOOD + DIRT), key=("编号",))
    second = desk.take(desk.file("二.csv", HEAD + "A070,好钱,7.00,2024-01-01\nA200,新,1.00,2024-01-01\n"))
    assert second.mode is RunMode.MERGE
    assert (second.report["rows_added"], second.report["rows"]) == (2, 64)
    page = desk.ingest.quarantine(SYSTEM, table="表")
    assert {row.line: row.resolved_by for row in page.rows if row.run_id == first.id and row.resolved_by} == {
        66: second.id
    }


def test_too_many_bad_rows_stop_the_commit_and_say_why(desk: Desk) -> None:
    desk.take(desk.file("一.csv", HEAD + GOOD), key=("编号",))
    before = desk.checksum()
    run = desk.take(desk.file("二.csv", HEAD + "B1,甲,x,2024-01-01\nB2,乙,1,2024-01-01\n"))
    assert run.state is RunState.STOPPED
    assert run.error is not None
    assert run.error["code"] == "bad_rows_over_limit"
    assert run.error["detail"] == {"read": 2, "bad": 1, "limit": 0.2, "by_reason": {"untypable": 1}}
    assert desk.checksum() == before
    assert desk.tables.get(SYSTEM, "表").version == 1
    assert desk.aside(run) == [(2, "金额", "untypable")]


def test_of_contradicting_rows_the_fuller_stays_in_any_order(desk: Desk) -> None:
    rows = ["K1,甲,,\n", "K1,甲,1.00,2024-01-01\n", "K1,乙,1.00,2024-01-01\n", "K2,丙,2.00,2024-01-02\n"]
    sums = set()
    for number, order in enumerate(([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1])):
        path = desk.file(f"{number}.csv", HEAD + "".join(rows[i] for i in order) + GOOD)
        run = desk.take(path, f"表{number}", key=("编号",))
        assert run.report["bad_by_reason"] == {"duplicate_key": 2}
        sums.add(desk.checksum(f"表{number}"))
    assert len(sums) == 1
    kept = desk.rows("表0").filter(编号="K1").to_dicts()[0]
    assert (kept["名称"], str(kept["金额"])) == ("乙", "1.00")


def test_unique_check_sets_aside_the_second_bearer(desk: Desk) -> None:
    path = desk.file("一.csv", HEAD + GOOD + "B1,甲3,1.00,2024-01-01\n")
    run = desk.take(path, key=("编号",), checks=(CheckSpec.parse("名称=unique"),))
    assert run.report["bad_by_reason"] == {"check_failed": 1}
    assert len(desk.aside(run)) == 1
    assert desk.rows()["名称"].n_unique() == 60


@pytest.mark.parametrize(
    ("check", "bad"),
    [
        ("证件=citizen_id", "150102199003070012"),
        ("证件=uscc", "911501001141546659"),
        ("证件=regex:[0-9A-Z]{18}", "短"),
        ("证件=luhn", "4111111111111112"),
    ],
)
def test_declared_checks(desk: Desk, check: str, bad: str) -> None:
    good = {"citizen_id": "11010519491231002X", "uscc": "911501001141546658", "luhn": "4111111111111111"}
    fine = good.get(check.partition("=")[2], "911501001141546658")
    body = "".join(f"{i},{fine}\n" for i in range(10)) + f"10,{bad}\n"
    run = desk.take(desk.file("一.csv", "序,证件\n" + body), checks=(CheckSpec.parse(check),))
    assert run.error is None
    assert run.report["bad_by_reason"] == {"check_failed": 1}
    assert desk.aside(run) == [(12, "证件", "check_failed")]


def test_a_check_that_is_none_is_refused_before_anything_is_read(desk: Desk) -> None:
    with pytest.raises(Invalid, match="COLUMN=CHECK"):
        CheckSpec.parse("证件=whatever")
    (sha256,) = desk.land(desk.file("一.csv", HEAD + GOOD))
    wrong = (CheckSpec.parse("名称=regex:("),)
    with pytest.raises(Invalid) as caught:
        desk.ingest.submit(SYSTEM, IngestRequest(files=(sha256,), into="表", org_id="org_market", checks=wrong))
    assert caught.value.reason == "bad_check"
    assert desk.ingest.runs(SYSTEM) == []


def test_a_new_column_is_added_and_types_stay_pinned(desk: Desk) -> None:
    desk.take(desk.file("一.csv", "区划,数\n" + "".join(f"15010{i},1.5\n" for i in range(5))))
    run = desk.take(desk.file("二.csv", "数,区划,备注\n7,150200,甲\n"))
    assert run.report["columns"] == [
        {"name": "区划", "type": "text"},
        {"name": "数", "type": "decimal"},
        {"name": "备注", "type": "text"},
    ]
    assert desk.rows().height == 6
    assert desk.rows().filter(区划="150200")["备注"].to_list() == ["甲"]


def test_the_same_bytes_land_once_and_append_once(desk: Desk) -> None:
    path = desk.file("一.csv", "甲,乙\n1,2\n")
    run = desk.take(path)
    landed = desk.ingest.land(SYSTEM, path, "别名.csv", "org_market")
    assert landed.again
    assert landed.sha256 == run.files[0][0]
    assert len([p for p in (desk.settings.home / "landing").rglob("*") if p.is_file()]) == 1
    with pytest.raises(Conflict) as caught:
        desk.take(path)
    assert caught.value.reason == "already_taken_in"
    assert desk.take(path, again=True).report["rows"] == 2


def test_replace_makes_the_table_anew(desk: Desk) -> None:
    desk.take(desk.file("一.csv", HEAD + GOOD), key=("编号",))
    run = desk.take(desk.file("二.csv", HEAD + "Z1,甲,1.50,2024-01-01\n"), key=("编号",), mode=RunMode.REPLACE)
    assert run.error is None
    assert desk.rows().height == 1
    assert desk.tables.get(SYSTEM, "表").version == 2


def test_a_number_finer_than_its_column_is_no_word(desk: Desk) -> None:
    """The supplier's value is right; what to do about the pinned type is said."""
    desk.take(desk.file("一月.csv", HEAD + GOOD))
    rows = "".join(f"B{i},乙,{i}.50,2024-01-01\n" for i in range(20))
    run = desk.take(desk.file("二月.csv", HEAD + rows + "B30,乙,1.125,2024-01-01\nB31,乙,无价,2024-01-01\n"))
    texts = {row.line: row.text.zh for row in desk.ingest.quarantine(SYSTEM, run_id=run.id).rows}
    assert ("超出表中该列的类型" in texts[22], "整表替换" in texts[22], "不是数值" in texts[23]) == (True, True, True)


def test_a_header_alone_is_refused_and_leaves_the_table_as_it_is(desk: Desk) -> None:
    for mode in (RunMode.AUTO, RunMode.REPLACE):
        run = desk.take(desk.file("空.csv", "编号,名称,金额,日期\n"), again=True, mode=mode)
        assert run.state is RunState.FAILED
        assert run.error is not None
        assert (run.error["code"], "空.csv" in str(run.error["zh"])) == ("no_rows", True)
        if mode is RunMode.AUTO:
            desk.take(desk.file("一.csv", HEAD + GOOD))
    assert desk.rows().height == 60


def test_a_file_without_rows_beside_one_with_rows_is_taken(desk: Desk) -> None:
    run = desk.take([desk.file("一.csv", HEAD + GOOD), desk.file("空.csv", HEAD)])
    assert run.state is RunState.COMMITTED
    files = run.report["files"]
    assert isinstance(files, list)
    assert [[n["code"] for n in f["notes"]] for f in files] == [[], ["no_rows"]]  # type: ignore[index, union-attr, call-overload]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("空.csv", b"", "empty_file"),
        ("图.csv", bytes(range(256)) * 64, "binary_file"),
        ("坏.zip", b"PK\x03\x04 broken", "broken_file"),
        ("怪.docx2", b"hello", "unknown_format"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(desk: Desk, name: str, content: bytes, code: str) -> None:
    run = desk.take(desk.file(name, content))
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert run.error["code"] == code
    assert desk.tables.list(SYSTEM) == []


def test_tables_of_different_columns_do_not_go_together(desk: Desk) -> None:
    run = desk.take([desk.file("一.csv", "甲,乙\n1,2\n"), desk.file("二.csv", "丙,丁\n1,2\n")])
    assert run.error is not None
    assert run.error["code"] == "different_tables"
    assert "--sheet" in str(run.error["en"])


def test_unknown_key_columns_are_named(desk: Desk) -> None:
    run = desk.take(desk.file("一.csv", HEAD + GOOD), key=("证号",))
    assert run.error is not None
    assert run.error["detail"] == {"wanted": ["证号"], "columns": ["编号", "名称", "金额", "日期"]}


def test_modes_that_do_not_fit_are_refused(desk: Desk) -> None:
    path = desk.file("一.csv", HEAD + GOOD)
    with pytest.raises(Invalid) as no_key:
        desk.take(path, mode=RunMode.MERGE)
    assert no_key.value.reason == "key_required"
    desk.take(path, key=("编号",))
    with pytest.raises(Conflict) as keyed:
        desk.take(path, mode=RunMode.APPEND)
    assert keyed.value.reason == "append_to_keyed_table"


def test_a_layout_is_remembered_for_the_supplier(desk: Desk) -> None:
    confirmed = {"title_rows": 0, "header_rows": 0, "columns": ["甲", "乙"]}
    desk.take(desk.file("一.csv", "1,2\n3,4\n"), header=confirmed)
    (sha256,) = desk.land(desk.file("二.csv", "5,6\n7,8\n"))
    preview = desk.ingest.preview(SYSTEM, sha256, "org_market", into="表")
    assert preview.tables[0].columns == ("甲", "乙")
    run = desk.take(desk.file("二.csv", "5,6\n7,8\n"))
    assert run.report["read"] == 2
    assert desk.rows().sort("甲").rows() == [(1, 2), (3, 4), (5, 6), (7, 8)]


def test_a_preview_is_for_the_department_that_handed_in(desk: Desk) -> None:
    (sha256,) = desk.land(desk.file("一.csv", HEAD + GOOD))
    table = desk.ingest.preview(SYSTEM, sha256, "org_market").tables[0]
    assert table.types == ("text", "text", "decimal", "date")
    assert table.rows[0] == ("A000", "甲0", "0.50", "2024-01-01")
    assert table.row_numbers[:2] == (2, 3)
    with pytest.raises(NotFound):
        desk.ingest.preview(SYSTEM, sha256, "org_other")
    with pytest.raises(NotFound):
        desk.ingest.submit(SYSTEM, IngestRequest(files=(sha256,), into="表", org_id="org_other"))


def test_the_same_request_waits_as_one_run_and_can_be_cancelled(desk: Desk) -> None:
    (sha256,) = desk.land(desk.file("一.csv", HEAD + GOOD))
    request = IngestRequest(files=(sha256,), into="表", org_id="org_market", key=("编号",))
    run_id = desk.ingest.submit(SYSTEM, request)
    assert desk.ingest.submit(SYSTEM, request) == run_id
    assert desk.ingest.cancel(SYSTEM, run_id).state is RunState.CANCELLED
    assert desk.jobs.jobs(SYSTEM)[0].state is JobState.CANCELLED
    with pytest.raises(BeijiangError):
        desk.rows()
