"""Columns change by plan: added freely, widened by replace, narrowed only when somebody has accepted the plan."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from beijiang.kit import SYSTEM, BeijiangError
from beijiang.tables import StepKind, WriteMode

if TYPE_CHECKING:
    from conftest import Bench

TABLE = "企业名录"
OLD = pa.schema([("编号", pa.string()), ("数量", pa.int64()), ("备注", pa.string())])
ROWS = [{"编号": "1", "数量": 5, "备注": "甲"}, {"编号": "2", "数量": 6, "备注": None}]


def test_a_new_column_is_added_and_old_rows_have_none(bench: Bench) -> None:
    bench.commit(ROWS, schema=OLD)
    wider = OLD.append(pa.field("日期", pa.date32()))
    version = bench.commit([{"编号": "3", "日期": None}], schema=wider)
    assert version.schema_change is not None
    [step] = version.schema_change.steps
    assert (step.kind, step.column, step.stops) == (StepKind.ADD, "日期", False)
    assert [c.name for c in bench.tables.get(SYSTEM, TABLE).columns] == ["编号", "数量", "备注", "日期"]
    assert [row["日期"] for row in bench.rows()] == [None] * 3
    assert list(bench.rows(1)[0]) == ["编号", "数量", "备注"], "the older version keeps its own columns"
    assert [e.columns_changed for e in bench.events] == [True, True]
    assert [v.version for v in bench.tables.history(SYSTEM, TABLE)] == [2, 1], "no version of ours is skipped"


def test_a_merge_may_add_a_column(bench: Bench) -> None:
    bench.commit(ROWS, schema=OLD, key=("编号",))
    wider = OLD.append(pa.field("新", pa.string()))
    rows = [{"编号": "1", "数量": 5, "备注": "甲", "新": "有"}, {"编号": "9", "数量": 1, "备注": None, "新": "也有"}]
    version = bench.commit(rows, schema=wider, mode=WriteMode.MERGE)
    assert (version.rows_added, version.rows_changed) == (1, 1)
    assert [row["新"] for row in bench.rows()] == ["有", None, "也有"]


def test_values_of_a_narrower_type_are_stored_in_the_type_of_the_table(one: Bench) -> None:
    money = pa.schema([("编号", pa.string()), ("金额", pa.decimal128(24, 2)), ("说明", pa.string())])
    one.commit([{"编号": "1", "金额": Decimal("1.50"), "说明": "a"}], schema=money)
    whole = pa.schema([("编号", pa.int64()), ("金额", pa.int64()), ("说明", pa.int64())])
    version = one.commit([{"编号": 2, "金额": 7, "说明": 8}], schema=whole)
    assert version.schema_change is not None
    assert {s.kind for s in version.schema_change.steps} == {StepKind.CAST}
    assert one.rows() == [
        {"编号": "1", "金额": Decimal("1.50"), "说明": "a"},
        {"编号": "2", "金额": Decimal("7.00"), "说明": "8"},
    ]


@pytest.mark.parametrize("mode", [WriteMode.APPEND, WriteMode.MERGE])
@pytest.mark.parametrize("kind", [pa.string(), pa.float64(), pa.decimal128(8, 2), pa.date32()])
def test_a_type_that_does_not_fit_stops_with_a_plan(one: Bench, mode: WriteMode, kind: pa.DataType) -> None:
    one.commit(ROWS, schema=OLD, key=("编号",))
    changed = OLD.set(1, pa.field("数量", kind))
    with pytest.raises(BeijiangError) as caught:
        one.commit([{"编号": "7", "备注": "x"}], schema=changed, mode=mode)
    assert caught.value.reason == "schema_change_stops"
    assert "数量" in caught.value.text.zh
    assert "replace" in caught.value.text.zh
    assert len(one.tables.history(SYSTEM, TABLE)) == 1


def test_a_plan_can_be_asked_for_without_writing(one: Bench) -> None:
    one.commit(ROWS, schema=OLD)
    new = pa.schema([("编号", pa.string()), ("数量", pa.string()), ("日期", pa.date32())])
    plan = one.tables.plan(SYSTEM, one.request([], schema=new, mode=WriteMode.REPLACE))
    assert [(s.kind, s.column, s.stops) for s in plan.steps] == [
        (StepKind.WIDEN, "数量", False),
        (StepKind.ADD, "日期", False),
        (StepKind.DROP, "备注", True),
    ]
    assert [line.zh[0] for line in plan.lines()] == ["+", "+", "✗"]
    assert len(one.tables.history(SYSTEM, TABLE)) == 1


def test_an_accepted_plan_is_carried_out_and_no_other(one: Bench) -> None:
    one.commit(ROWS, schema=OLD)
    narrow = pa.schema([("编号", pa.string()), ("数量", pa.int32())])
    request = one.request([{"编号": "1", "数量": 5}], schema=narrow, mode=WriteMode.REPLACE)
    token = one.tables.plan(SYSTEM, request).token
    with pytest.raises(BeijiangError):
        one.commit([{"编号": "1", "数量": 5}], schema=narrow, mode=WriteMode.REPLACE, accept_plan="0" * 16)
    version = one.commit([{"编号": "1", "数量": 5}], schema=narrow, mode=WriteMode.REPLACE, accept_plan=token)
    assert version.schema_change is not None
    assert version.schema_change.stops
    assert one.rows() == [{"编号": "1", "数量": 5}]
    assert len(one.rows(1)[0]) == 3


def test_replace_widens_without_asking(one: Bench) -> None:
    one.commit(ROWS, schema=OLD)
    wide = OLD.set(1, pa.field("数量", pa.string()))
    version = one.commit([{"编号": "1", "数量": "约五", "备注": ""}], schema=wide, mode=WriteMode.REPLACE)
    assert version.version == 2
    assert one.rows()[0]["数量"] == "约五"
    assert one.tables.rollback(SYSTEM, TABLE, 1, "误操作").rows == 2
    assert [row["数量"] for row in one.rows()] == [5, 6], "the columns come back with the rows"


def test_the_pinned_schema_is_what_new_rows_must_fit(one: Bench) -> None:
    assert one.tables.schema(SYSTEM, TABLE) is None
    one.commit(ROWS, schema=OLD)
    assert one.tables.schema(SYSTEM, TABLE) == OLD
    mark = pa.field("边界", pa.string(), metadata={"beijiang.type": "geometry"})
    one.commit([{"编号": "3"}], schema=OLD.append(mark))
    assert one.tables.get(SYSTEM, TABLE).columns[-1].type == "geometry"
