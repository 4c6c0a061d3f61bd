from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beijiang.ingest.readers import BadReason, RawBatch
from beijiang.ingest.typing import (
    ColumnSpec,
    ColumnType,
    TypedSchema,
    TypeInference,
    apply_types,
    canonical_text,
    read_typed,
)

Column = list[str | None]


def batch_of(**columns: Column) -> RawBatch:
    rows = pa.RecordBatch.from_pydict({k: pa.array(v, pa.string()) for k, v in columns.items()})
    return RawBatch(rows, pa.array(range(2, 2 + rows.num_rows), pa.int64()))


def infer(name: str, values: Column) -> ColumnSpec:
    inference = TypeInference((name,))
    middle = len(values) // 2
    for part in (values[:middle], values[middle:]):
        inference.observe(batch_of(**{name: part}))
    return inference.decide().columns[0]


def typed(
    name: str, values: Column, spec: ColumnSpec | None = None
) -> tuple[ColumnSpec, list[Any], list[tuple[int, str]], list[int]]:
    """Return the column's spec, its typed values, the changes (row, raw) and the lines of bad rows."""
    spec = spec or infer(name, values)
    out = apply_types(batch_of(**{name: values}), TypedSchema((spec,)))
    changes = [(c["row"], c["raw"]) for c in out.changes.to_pylist()]
    return spec, out.rows.column(0).to_pylist(), changes, [b.line for b in out.bad]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("统一社会信用代码", ["911501001141546658", "9115020711458098XL"]),
        ("身份证号", ["150102199001011234", "150102199001011235"]),
        ("区划代码", ["150102", "150203"]),
        ("联系电话", ["13900001111", "13900002222"]),
        ("账号", ["1", "2"]),
        ("编号", ["1", "2"]),
        ("code", ["150102001", "150102002"]),
        ("许可证", ["12", "13"]),
        # Without a telling name, the digits tell.
        ("甲", ["007", "120"]),
        ("甲", ["150102", "150203", "110105"]),
        ("甲", ["13900001111", "15800002222"]),
        ("甲", ["911501001141546", "911501001141547"]),
        ("甲", ["6222020200012345678", "6222020200012345679"]),
        ("注册资金", ["50(万)", "660(万人民币元)", "1,066(万)"]),
        ("甲", ["是", "否"]),
        ("甲", ["-;", "—", "N/A"]),
        ("甲", [None, None]),
        ("年月", ["2003年1月", "2003年2月"]),
        ("甲", ["5号楼", "6号楼"]),
    ],
)
def test_identifiers_and_words_stay_text_as_they_are(name: str, values: Column) -> None:
    spec, out, changes, bad = typed(name, values)
    assert spec.type is ColumnType.TEXT
    assert (out, changes, bad) == (values, [], [])


@pytest.mark.parametrize(
    ("name", "values", "days", "changed"),
    [
        ("注册日期", ["2003-01-02", "1999-12-31"], [date(2003, 1, 2), date(1999, 12, 31)], []),
        ("甲", ["2003年1月2日", "2003年01月02日"], [date(2003, 1, 2)] * 2, [2, 3]),
        ("甲", ["2003.1.2", "2003/1/2", "2003-1-2"], [date(2003, 1, 2)] * 3, [2, 3, 4]),
        ("日期", ["20030102", "20040229"], [date(2003, 1, 2), date(2004, 2, 29)], [2, 3]),
        (
            "甲",
            ["20030102", "20040229", "19991231"],
            [date(2003, 1, 2), date(2004, 2, 29), date(1999, 12, 31)],
            [2, 3, 4],
        ),
        ("出生日期", ["37623", "2003-01-02"], [date(2003, 1, 2)] * 2, [2]),
        ("日期", ["２００３年１月２日", " 2003-01-02 "], [date(2003, 1, 2)] * 2, [2, 3]),
        ("日期", ["2003-01-02", "-;", "无", None], [date(2003, 1, 2), None, None, None], [3, 4]),
        ("发证日期", ["2003-01-02 00:00:00", "2003-01-03T00:00:00"], [date(2003, 1, 2), date(2003, 1, 3)], [2, 3]),
    ],
)
def test_dates_of_every_spelling(name: str, values: Column, days: list[Any], changed: list[int]) -> None:
    spec, out, changes, bad = typed(name, values)
    assert spec.type is ColumnType.DATE
    assert (out, [row for row, _ in changes], bad) == (days, changed, [])
    assert all(values[row - 2] == raw for row, raw in changes)


@pytest.mark.parametrize(
    ("values", "numbers", "kind"),
    [
        (["1", "-25", "0"], [1, -25, 0], ColumnType.INTEGER),
        (["1,066", "12"], [1066, 12], ColumnType.INTEGER),
        (["１２３", "＋4", " 5 "], [123, 4, 5], ColumnType.INTEGER),
        (["1.50", "2.25"], [Decimal("1.50"), Decimal("2.25")], ColumnType.DECIMAL),
        (["1.5", "2.25", "3"], [Decimal("1.50"), Decimal("2.25"), Decimal("3.00")], ColumnType.DECIMAL),
        (["1,234.5", "-12,434.6537"], [Decimal("1234.5"), Decimal("-12434.6537")], ColumnType.DECIMAL),
        (["12.5%", "３％"], [Decimal("12.5"), Decimal("3.0")], ColumnType.DECIMAL),
        (["1.5E+05", "2"], [150_000.0, 2.0], ColumnType.DOUBLE),
        (["12", "/", "—", "N/A", "缺测", None, "7"], [12, None, None, None, None, None, 7], ColumnType.INTEGER),
    ],
)
def test_numbers_of_every_spelling(values: Column, numbers: list[Any], kind: ColumnType) -> None:
    spec, out, changes, bad = typed("数量", values)
    assert (spec.type, out, bad) == (kind, numbers, [])
    again = dict(changes)
    for line, (raw, value) in enumerate(zip(values, out, strict=True), 2):
        assert raw == again.get(line, canonical_text(value, spec))


def test_a_measure_with_region_like_numbers_stays_a_number() -> None:
    assert infer("常住人口", ["150102", "350203"]).type is ColumnType.INTEGER


def test_times_are_beijing_time_and_held_in_utc() -> None:
    spec, out, changes, bad = typed("监测时间", ["2018-02-20 07:00:00", "2018-02-20T08:30:00", "2018年2月20日 9时5分"])
    assert spec.type is ColumnType.TIMESTAMP
    assert out[0] == datetime(2018, 2, 19, 23, 0, tzinfo=UTC)
    assert out[1] == datetime(2018, 2, 20, 0, 30, tzinfo=UTC)
    assert out[2] == datetime(2018, 2, 20, 1, 5, tzinfo=UTC)
    assert ([row for row, _ in changes], bad) == ([3, 4], [])


def test_hours_without_seconds_are_times_too() -> None:
    spec, out, changes, bad = typed("监测时间", ["2026-09-01 00:00", "2026-09-01 01:00", "2026/9/1 2:30"])
    assert (spec.type, bad, len(changes)) == (ColumnType.TIMESTAMP, [], 3)
    assert out == [datetime(2026, 8, 31, hour, minute, tzinfo=UTC) for hour, minute in ((16, 0), (17, 0), (18, 30))]


def test_true_and_false_are_booleans() -> None:
    spec, out, changes, _ = typed("甲", ["true", "FALSE", None])
    assert (spec.type, out, changes) == (ColumnType.BOOLEAN, [True, False, None], [(3, "FALSE")])


def test_two_percent_of_misfits_become_bad_rows_and_three_make_text() -> None:
    good: Column = [str(i) for i in range(98)]
    spec, out, _, bad = typed("数量", [*good, "很多", "若干"])
    assert (spec.type, len(out), bad) == (ColumnType.INTEGER, 98, [100, 101])
    assert infer("数量", [*good[:97], "很多", "若干", "几个"]).type is ColumnType.TEXT


def test_a_bad_row_names_column_value_and_keeps_the_whole_row() -> None:
    schema = TypedSchema((ColumnSpec("名称", ColumnType.TEXT), ColumnSpec("日期", ColumnType.DATE)))
    out = apply_types(batch_of(名称=["甲", None], 日期=["2003-02-30", "2003-01-02"]), schema)
    (bad,) = out.bad
    assert (bad.line, bad.column, bad.reason, bad.raw) == (2, "日期", BadReason.UNTYPABLE, ("甲", "2003-02-30"))
    assert "2003-02-30" in bad.text.zh
    assert "2003-02-30" in bad.text.en
    assert out.row_numbers.to_pylist() == [3]
    assert out.changes.num_rows == 0


def test_a_pinned_schema_is_kept_whatever_the_file_says() -> None:
    schema = TypedSchema(
        (
            ColumnSpec("金额", ColumnType.DECIMAL, precision=18, scale=2),
            ColumnSpec("代码", ColumnType.TEXT, nullable=False),
            ColumnSpec("新列", ColumnType.INTEGER),
        )
    )
    out = apply_types(batch_of(代码=["01", None, "03"], 金额=["1.5", "2", "3.123"], 别的=["x", "y", "z"]), schema)
    assert out.rows.schema == schema.to_arrow()
    assert out.rows.to_pylist() == [{"金额": Decimal("1.50"), "代码": "01", "新列": None}]
    assert [(b.line, b.column, b.reason) for b in out.bad] == [
        (3, "代码", BadReason.MISSING_KEY),
        (4, "金额", BadReason.UNTYPABLE),
    ]
    assert TypedSchema.from_json(schema.to_json()) == schema


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "1",
                "-2.50",
                "1,234",
                "３",
                " 4 ",
                "5%",
                "007",
                "-",
                "",
                "abc",
                "2003-01-02",
                "20030102",
                "1e5",
                "-0",
                "0.10",
                "true",
                "37623",
                "2003.1.2",
                "2018-02-20 07:00:00",
                "99999999999999999999",
                "-0.0",
            ]
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(list(ColumnType)),
)
def test_every_raw_text_is_recoverable(values: list[str], kind: ColumnType) -> None:
    """Canonical text, change, or bad row: nothing that was written is lost under any type."""
    spec = ColumnSpec("甲", kind, precision=18, scale=2) if kind is ColumnType.DECIMAL else ColumnSpec("甲", kind)
    raw: Column = [v or None for v in values]
    out = apply_types(batch_of(甲=raw), TypedSchema((spec,)))
    changes = {c["row"]: c["raw"] for c in out.changes.to_pylist()}
    bad = {b.line: b.raw[0] for b in out.bad}
    kept = dict(zip(out.row_numbers.to_pylist(), out.rows.column(0).to_pylist(), strict=True))
    assert sorted([*bad, *kept]) == list(range(2, 2 + len(raw)))
    for line, text in enumerate(raw, 2):
        if line in bad:
            assert bad[line] == text
        else:
            assert changes.get(line, canonical_text(kept[line], spec)) == text


def test_read_typed_spools_once_and_cleans_up(land: Callable[..., Any], tmp_path: Path) -> None:
    text = (
        "名称,数量,日期\n"
        + "".join(f"甲{i},{i},2003-01-{i % 28 + 1:02d}\n" for i in range(3000))
        + "乙,多,2003-01-01\n丙,1\n"
    )
    (table,) = land(text)
    spool = tmp_path / "spool"
    spool.mkdir()
    read = read_typed(table, spool)
    assert [c.type.value for c in read.schema.columns] == ["text", "integer", "date"]
    for _ in range(2):
        batches = list(read.batches())
        assert sum(b.rows.num_rows for b in batches) == 3000
        assert [(b.line, b.reason.value) for x in batches for b in x.bad] == [
            (3002, "untypable"),
            (3003, "wrong_width"),
        ]
    assert len(list(spool.iterdir())) == 1
    read.close()
    assert not list(spool.iterdir())
    pinned = read_typed(table, spool, pinned=read.schema)
    assert sum(b.rows.num_rows for b in pinned.batches()) == 3000
