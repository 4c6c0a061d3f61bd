"""A profile tells how full columns are, what stands in them and how it is spread, and no value past the gate."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from beijiang.kit import Denied, NotFound
from beijiang.quality.models.profiles import ColumnProfile, Profile
from beijiang.quality.service import profiling
from beijiang.tables import Filter, FilterOp

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import Bureau

SCHEMA = pa.schema(
    [
        ("编号", pa.string()),
        ("盟市", pa.string()),
        ("人数", pa.int64()),
        ("成立日期", pa.date32()),
        ("身份证号", pa.string()),
        ("备注", pa.string()),
    ]
)


def rows() -> list[dict[str, object]]:
    made: list[dict[str, object]] = [
        {
            "编号": f"NM{n:05d}",
            "盟市": ("呼和浩特市", "包头市", "包头市", None)[n % 4],
            "人数": n % 50,
            "成立日期": date(2000 + n % 20, 1 + n % 12, 1),
            "身份证号": "150102199001011230",
            "备注": ("", "12", "甲乙", "a1-甲")[n % 4],
        }
        for n in range(400)
    ]
    made[0]["人数"] = 100_000
    return made


def identity_of(found: Profile) -> ColumnProfile:
    return next(one for one in found.columns if one.name == "身份证号")


def test_columns_are_told_by_counts_and_by_what_the_gate_shows(bureau: Bureau) -> None:
    bureau.write(rows(), "登记", SCHEMA)
    found = bureau.platform.profiles.profile(bureau.steward, "登记")
    assert (found.rows, found.version, found.filtered) == (400, 1, False)
    columns = {one.name: one for one in found.columns}
    key = columns["编号"]
    assert (key.filled, key.is_key, key.lengths, key.top) == (400, True, (7, 7), ())
    city = columns["盟市"]
    assert (city.filled, city.distinct, city.is_key) == (300, 2, False)
    assert [(s.value, s.count) for s in city.top] == [("包头市", 200), ("呼和浩特市", 100)]
    people = columns["人数"]
    assert (people.least, people.greatest, people.outliers) == (0, 100_000, 1)
    assert len(people.bins) == 20
    assert [b.count for b in people.bins if b.count] == [399, 1]
    assert people.quantiles == [2, 12, 25, 37, 47]
    assert people.box == [0.0, 10 / 45, 23 / 45, 35 / 45, 1.0]
    days = columns["成立日期"]
    assert days.quantiles[2] in {row["成立日期"] for row in rows()}
    assert days.quantiles == sorted(days.quantiles)
    assert days.box[0] == 0.0
    assert days.box[-1] == 1.0
    assert city.quantiles == identity_of(found).quantiles == ()
    assert (days.least, days.greatest) == (date(2000, 1, 1), date(2019, 12, 1))
    assert sum(b.count for b in days.bins) == 400
    assert len(days.bins) == 20
    note = columns["备注"]
    assert (note.filled, note.lengths) == (300, (2, 4))
    assert {s.value.en: s.count for s in note.makeup} == {
        "digits": 100,
        "Chinese characters": 100,
        "mixed": 100,
    }
    identity = columns["身份证号"]
    assert identity.masked
    assert identity.filled == 400
    assert "150102199001011230" not in repr(found)


def test_a_wide_table_is_profiled_whole_page_by_page(bureau: Bureau) -> None:
    names = [f"指标{n:03d}" for n in range(130)]
    schema = pa.schema([(name, pa.int64()) for name in names])
    bureau.write([{name: row + n for n, name in enumerate(names)} for row in range(5)], "宽表", schema)
    pages = list(bureau.platform.profiles.pages(bureau.steward, "宽表"))
    assert [(one.page, one.pages, one.width, len(one.columns)) for one in pages] == [
        (1, 3, 130, 60),
        (2, 3, 130, 60),
        (3, 3, 130, 10),
    ]
    assert [column.name for one in pages for column in one.columns] == names
    assert pages[2].columns[-1].quantiles == [129, 130, 131, 132, 133]
    assert bureau.platform.profiles.profile(bureau.steward, "宽表", 2).columns == pages[1].columns
    assert bureau.platform.profiles.profile(bureau.steward, "宽表", 9).page == 3


def test_quantiles_are_values_of_the_column_or_there_are_none(bureau: Bureau) -> None:
    schema = pa.schema([("次数", pa.int64()), ("金额", pa.decimal128(12, 2)), ("流水", pa.int64())])
    counted = [{"次数": n, "金额": Decimal(n) / 100, "流水": 2**53 + 2 * n + 1} for n in range(101)]
    bureau.write(counted, "支付", schema)
    columns = {one.name: one for one in bureau.platform.profiles.profile(bureau.steward, "支付").columns}
    assert [repr(one) for one in columns["次数"].quantiles] == ["5", "25", "50", "75", "95"]
    assert [str(one) for one in columns["金额"].quantiles] == ["0.05", "0.25", "0.50", "0.75", "0.95"]
    assert columns["流水"].quantiles == ()


def test_a_large_table_is_profiled_without_quantiles(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    bureau.write([{"次数": n} for n in range(50)], "大表", pa.schema([("次数", pa.int64())]))
    monkeypatch.setattr(profiling, "CELLS_MOST", 49)
    (column,) = bureau.platform.profiles.profile(bureau.steward, "大表").columns
    assert (column.least, column.greatest, column.quantiles, column.box) == (0, 49, (), ())
    monkeypatch.setattr(profiling, "CELLS_MOST", 50)
    (column,) = bureau.platform.profiles.profile(bureau.steward, "大表").columns
    assert len(column.quantiles) == 5


def test_masked_numbers_have_no_quantiles(bureau: Bureau) -> None:
    schema = pa.schema([("姓名", pa.string()), ("出生日期", pa.date32()), ("收入", pa.int64())])
    people = [{"姓名": "张伟", "出生日期": date(1960 + n % 40, 1, 1), "收入": 5_000 + n} for n in range(60)]
    bureau.write(people, "居民收入", schema)
    columns = {one.name: one for one in bureau.platform.profiles.profile(bureau.steward, "居民收入").columns}
    assert [name for name, one in columns.items() if one.masked] == ["收入"]
    income = columns["收入"]
    assert (income.quantiles, income.bins, income.least, income.box) == ((), [], None, ())
    assert len(columns["出生日期"].quantiles) == 5


def test_rows_that_a_rule_keeps_back_are_not_counted_past_the_gate(bureau: Bureau) -> None:
    bureau.write(rows(), "登记", SCHEMA)
    only = Filter("盟市", FilterOp.EQ, "包头市")
    bureau.platform.protection.restrict(bureau.steward, "登记", (only,), reason="只看包头")
    found = bureau.platform.profiles.profile(bureau.steward, "登记")
    assert (found.filtered, found.rows) == (True, 200)
    assert all(one.filled is None and one.outliers is None for one in found.columns)
    assert [s.value for s in {one.name: one for one in found.columns}["盟市"].top] == ["包头市"]


def test_an_empty_table_and_strangers(bureau: Bureau) -> None:
    bureau.write([], "空表", SCHEMA)
    found = bureau.platform.profiles.profile(bureau.steward, "空表")
    assert (found.rows, [one.filled for one in found.columns]) == (0, [0] * 6)
    bureau.write(rows(), "登记", SCHEMA)
    for name in ("登记", "没有"):
        with pytest.raises((NotFound, Denied)):
            bureau.platform.profiles.profile(bureau.stranger, name)
