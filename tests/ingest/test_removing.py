"""Rows that leave by their keys: a run of its own, a version of its own, and the version before still has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beijiang.ingest import CheckSpec, RunMode, RunState
from beijiang.kit import SYSTEM, Conflict

if TYPE_CHECKING:
    from conftest import Desk

HEAD = "编号,名称,金额\n"
ROWS = "".join(f"A{i:03d},甲{i},{i}.50\n" for i in range(20))


@pytest.mark.parametrize("mode", [RunMode.MERGE, RunMode.HISTORY])
def test_the_rows_that_a_file_names_leave_and_the_others_stay(any_desk: Desk, mode: RunMode) -> None:
    desk = any_desk
    desk.take(desk.file("一.csv", HEAD + ROWS), key=("编号",), mode=mode)
    gone = desk.file("删.csv", "编号,理由,名称\nA003,重复,不看\nA007,注销,不看\nA999,没有,不看\n")
    run = desk.take(gone, mode=RunMode.REMOVE)
    assert (run.state, run.version, run.mode, run.key) == (RunState.COMMITTED, 2, RunMode.REMOVE, ("编号",))
    assert (run.report["rows_added"], run.report["rows_changed"], run.report["rows_removed"]) == (0, 0, 2)
    held = desk.rows()
    if mode is RunMode.HISTORY:
        assert held.height == 20
        assert sorted(held.filter(held["valid_to"].is_not_null())["编号"]) == ["A003", "A007"]
        return
    assert sorted(held["编号"]) == sorted({f"A{i:03d}" for i in range(20)} - {"A003", "A007"})
    assert "理由" not in held.columns
    assert "不看" not in held["名称"].to_list()
    desk.tables.rollback(SYSTEM, "表", 1, "误删")
    assert desk.rows().height == 20
    assert desk.evidence.check().ok


def test_the_next_delivery_is_read_as_before(desk: Desk) -> None:
    desk.take(desk.file("一.csv", HEAD + ROWS), key=("编号",))
    desk.take(desk.file("删.csv", "标题行\n\n编号\nA003\n"), mode=RunMode.REMOVE)
    desk.take(desk.file("二.csv", HEAD + "A003,回来,1.00\n"), key=("编号",))
    assert desk.rows().filter(desk.rows()["编号"] == "A003")["名称"].to_list() == ["回来"]


def test_a_key_that_cannot_be_read_is_set_aside_and_mends_nothing(desk: Desk) -> None:
    bad = HEAD.replace("编号", "序号") + "1,甲,1\n2,乙,钱\n3,丙,3\n" + "".join(f"{n},丁,1\n" for n in range(4, 40))
    first = desk.take(desk.file("一.csv", bad.replace("钱", "2")), key=("序号",))
    assert first.state is RunState.COMMITTED
    second = desk.take(desk.file("二.csv", "序号,名称,金额\n2,乙,钱\n" + "".join(f"{n},丁,2\n" for n in range(4, 40))))
    open_before = desk.aside(second)
    assert len(open_before) == 1
    run = desk.take(
        desk.file("删.csv", "序号\n" + "2\n" + "".join(f"{n}\n" for n in range(4, 30)) + "甲\n"), mode=RunMode.REMOVE
    )
    assert (run.report["bad"], run.report["rows_removed"]) == (1, 27)
    assert desk.aside(second) == open_before


def test_without_a_table_or_its_key_nothing_is_taken_out(desk: Desk) -> None:
    keys = desk.file("删.csv", "编号\nA001\n")
    with pytest.raises(Conflict) as none:
        desk.take(keys, mode=RunMode.REMOVE)
    assert none.value.reason == "remove_needs_key"
    desk.take(desk.file("一.csv", HEAD + ROWS))
    with pytest.raises(Conflict) as keyless:
        desk.take(keys, mode=RunMode.REMOVE)
    assert keyless.value.reason == "remove_needs_key"
    desk.take(desk.file("三.csv", HEAD + ROWS), into="有键", key=("编号",))
    lacking = desk.take(desk.file("错.csv", "名称\n甲1\n"), into="有键", mode=RunMode.REMOVE)
    assert (lacking.state, lacking.version) == (RunState.FAILED, None)
    assert desk.rows("有键").height == 20


def test_of_a_removal_s_file_the_key_alone_is_looked_at(any_desk: Desk) -> None:
    desk = any_desk
    desk.take(desk.file("一.csv", HEAD + ROWS), key=("编号",))
    rows = "".join(f"A001,{word},不是数\n" for word in "甲乙丙丁") + "A002,戊,\n"
    checks = (CheckSpec.parse("金额=not_null"),)
    run = desk.take(desk.file("删.csv", "编号,名称,金额\n" + rows), mode=RunMode.REMOVE, checks=checks)
    assert (run.state, run.error) == (RunState.COMMITTED, None)
    report = run.report
    assert (report["bad"], report["duplicates"], report["good"], report["rows_removed"]) == (0, 3, 2, 2)
    assert [column["name"] for column in report["columns"]] == ["编号"]
    assert desk.rows().height == 18
