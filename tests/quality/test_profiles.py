"""A profile tells how full columns are, what stands in them and how it is spread, and no value past the gate."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from beijiang.kit import Denied, NotFound
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
    days = columns["成立日期"]
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
