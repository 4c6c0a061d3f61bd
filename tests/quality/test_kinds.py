"""Every kind of rule counts what it says: B, what fails, and the very rows that fail."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beijiang.kit import BeijiangError, Invalid
from beijiang.quality import KINDS, Kind, Outcome

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import FIRMS, GOOD_CODES, Bureau, firm

T = "企业登记信息"


def names(bureau: Bureau, kind: Kind, *columns: str, **words: Any) -> list[str]:
    """Return the names of the firms that fail a rule, in the order of the table."""
    rule = bureau.add(kind, *columns, **words)
    run = bureau.check()
    shown = bureau.platform.quality.failing(bureau.steward, run.id, rule.id)
    return [str(name) for name in shown.rows.column("企业名称").to_pylist()]


def test_blanks_and_nulls_carry_no_value(bureau: Bureau) -> None:
    bureau.write([firm(0), firm(1, 盟市=None), firm(2, 盟市="  "), firm(3, 成立日期=None)])
    assert bureau.counted(Kind.NOT_NULL, "盟市") == (4, 2)
    assert bureau.counted(Kind.NOT_NULL, "盟市", "成立日期") == (4, 3)


def test_each_occurrence_of_a_repeated_value_fails_uniqueness(bureau: Bureau) -> None:
    code = GOOD_CODES[0]
    bureau.write(
        [firm(1), firm(2), *(firm(n, 统一社会信用代码=code) for n in (5, 6, 7)), firm(8, 统一社会信用代码=None)]
    )
    assert bureau.counted(Kind.UNIQUE, "统一社会信用代码") == (5, 3)
    assert names(bureau, Kind.UNIQUE, "统一社会信用代码") == [f"内蒙古第{n}商贸有限公司" for n in (5, 6, 7)]


def test_a_record_that_is_there_again_is_one_repeated_record(bureau: Bureau) -> None:
    bureau.write([firm(1), firm(1), firm(1), firm(2), firm(2), firm(3)])
    assert bureau.counted(Kind.DUPLICATE) == (6, 3)
    assert bureau.counted(Kind.DUPLICATE, "盟市") == (6, 3)


def test_check_characters_are_computed(bureau: Bureau) -> None:
    wrong = ["91350100M000100Y4X", "9115010ZMA0N00016G", "x", " 91350100M000100Y43 "]
    bureau.write([firm(n) for n in range(4)] + [firm(10 + n, 统一社会信用代码=code) for n, code in enumerate(wrong)])
    params = {"algorithm": "uscc"}
    assert bureau.counted(Kind.CHECK, "统一社会信用代码", params=params) == (8, 3)
    assert names(bureau, Kind.CHECK, "统一社会信用代码", params=params) == [
        f"内蒙古第{n}商贸有限公司" for n in (10, 11, 12)
    ]


def test_codes_outside_their_set_fail(bureau: Bureau) -> None:
    schema = pa.schema([("性别", pa.string()), ("区划代码", pa.int64())])
    rows = [
        {"性别": s, "区划代码": c} for s, c in (("1", 150102), ("2", 150105), ("男", 999999), ("", None), ("9", 150781))
    ]
    bureau.write(rows, "人员", schema)
    assert bureau.counted(Kind.CODE_SET, "性别", table="人员", params={"code_set": "sex"}) == (4, 1)
    assert bureau.counted(Kind.CODE_SET, "区划代码", table="人员", params={"code_set": "region"}) == (4, 1)


def test_a_code_stands_beside_its_own_name(bureau: Bureau) -> None:
    schema = pa.schema([("代码", pa.string()), ("名称", pa.string())])
    places = (
        ("150102", "新城区"),
        (" 150103", "回民区 "),
        ("150102", "回民区"),
        ("999999", "新城区"),
        (None, "新城区"),
        ("150105", None),
    )
    bureau.write([{"代码": code, "名称": name} for code, name in places], "旗县", schema)
    assert bureau.counted(Kind.CODE_SET, "代码", "名称", table="旗县", params={"code_set": "region"}) == (4, 2)
    with pytest.raises(Invalid, match="leave the day out"):
        bureau.counted(
            Kind.CODE_SET, "代码", "名称", table="旗县", params={"code_set": "region", "as_of": "2000-01-01"}
        )


def test_ranges_know_numbers_dates_and_text_that_holds_numbers(bureau: Bureau) -> None:
    schema = pa.schema([("数", pa.decimal128(12, 2)), ("文", pa.string()), ("日", pa.date32())])
    rows: list[dict[str, Any]] = [
        {"数": "1.50", "文": "12", "日": date(2020, 1, 1)},
        {"数": "-3.00", "文": "一百", "日": date(1899, 1, 1)},
        {"数": None, "文": None, "日": None},
    ]
    rows = [{**row, "数": None if row["数"] is None else Decimal(row["数"])} for row in rows]
    bureau.write(rows, "数表", schema)
    assert bureau.counted(Kind.RANGE, "数", table="数表", params={"low": "0"}) == (2, 1)
    assert bureau.counted(Kind.RANGE, "文", table="数表", params={"low": "0", "high": "100"}) == (2, 1)
    assert bureau.counted(Kind.RANGE, "日", table="数表", params={"low": "1900-01-01"}) == (2, 1)
    assert bureau.counted(Kind.RANGE, "数", table="数表", params={"above": "1.5"}) == (2, 2)
    assert bureau.counted(Kind.RANGE, "数", table="数表", params={"low": "-3", "below": "1.51"}) == (2, 0)
    assert bureau.counted(Kind.RANGE, "日", table="数表", params={"above": "1899-01-01"}) == (2, 1)


def test_format_is_the_whole_value_and_its_length(bureau: Bureau) -> None:
    bureau.write([firm(0), firm(1, 联系电话="13800000001转2"), firm(2, 联系电话="021"), firm(3, 联系电话=None)])
    assert bureau.counted(Kind.FORMAT, "联系电话", params={"pattern": "1[3-9][0-9]{9}"}) == (3, 2)
    assert bureau.counted(Kind.FORMAT, "联系电话", params={"shortest": 5, "longest": 11}) == (3, 2)


def test_a_reference_must_be_there_and_a_fact_equal_elsewhere(bureau: Bureau) -> None:
    bureau.write([firm(0), firm(1), firm(2, 盟市="包头"), firm(3, 盟市=None)])
    places = pa.schema([("名称", pa.string()), ("代码", pa.string())])
    bureau.write(
        [{"名称": n, "代码": c} for n, c in (("呼和浩特市", "1"), ("包头市", "2"), ("赤峰市", "3"))], "盟市表", places
    )
    params = {"table": "盟市表", "key": "名称"}
    assert bureau.counted(Kind.REFERENCE, "盟市", params=params) == (3, 1)
    assert names(bureau, Kind.REFERENCE, "盟市", params=params) == ["内蒙古第2商贸有限公司"]
    keyed = pa.schema([("盟市名", pa.string()), ("旗县名", pa.string()), ("邮编", pa.string())])
    pairs = (("呼和浩特市", "新城区", "010010"), ("赤峰市", "红山区", "024000"), ("包头市", None, "014000"))
    bureau.write([dict(zip(keyed.names, pair, strict=True)) for pair in pairs], "旗县表", keyed)
    lived = pa.schema([(name, pa.string()) for name in ("盟市", "旗县", "邮政编码")])
    homes = (
        ("呼和浩特市", "新城区", "010010"),
        ("赤峰市", "新城区", "024000"),  # each is there, the pair is not
        ("赤峰市", " 红山区 ", "999999"),
        ("包头市", None, "014000"),  # a key that is not whole is not assessed
    )
    bureau.write([dict(zip(lived.names, home, strict=True)) for home in homes], "住户", lived)
    params = {"table": "旗县表", "key": "盟市名；旗县名"}
    assert bureau.counted(Kind.REFERENCE, "盟市", "旗县", table="住户", params=params) == (3, 1)
    assert bureau.counted(
        Kind.REFERENCE, "盟市", "旗县", table="住户", params={**params, "key": '["盟市名", "旗县名"]'}
    ) == (3, 1)
    equal = {**params, "value": "邮编"}
    assert bureau.counted(Kind.EQUAL, "盟市", "旗县", "邮政编码", table="住户", params=equal) == (2, 1)
    of_its_key = {**params, "value": "旗县名"}
    assert bureau.counted(Kind.EQUAL, "盟市", "旗县", "旗县", table="住户", params=of_its_key) == (2, 0)
    assert bureau.add(Kind.EQUAL, "盟市", "旗县", "旗县", table="住户", params=of_its_key).columns[2] == "旗县"
    with pytest.raises(Invalid, match="one by one"):
        bureau.counted(Kind.REFERENCE, "盟市", table="住户", params=params)
    said = pa.schema([("代码", pa.string()), ("叫做", pa.string())])
    bureau.write(
        [{"代码": GOOD_CODES[0], "叫做": "内蒙古第0商贸有限公司"}, {"代码": GOOD_CODES[1], "叫做": "另一家"}],
        "税务",
        said,
    )
    params = {"table": "税务", "key": "代码", "value": "叫做"}
    assert bureau.counted(Kind.EQUAL, "统一社会信用代码", "企业名称", params=params) == (2, 1)


def test_order_in_time_leaves_open_ends_out(bureau: Bureau) -> None:
    bureau.write(
        [
            firm(0, 注销日期=date(2025, 1, 1)),
            firm(1, 成立日期=date(2020, 1, 1), 注销日期=date(2019, 12, 31)),
            firm(2),
        ]
    )
    assert bureau.counted(Kind.ORDER, "成立日期", "注销日期") == (2, 1)
    assert names(bureau, Kind.ORDER, "成立日期", "注销日期") == ["内蒙古第1商贸有限公司"]


def test_an_expression_that_comes_to_null_is_not_assessed(bureau: Bureau) -> None:
    bureau.write([firm(0), firm(1, 注册资本=None), firm(2, 注册资本=-1.0)])
    words = {"expression": "注册资本 > 0 AND 企业名称 LIKE '内蒙古%'"}
    assert bureau.counted(Kind.EXPRESSION, params=words) == (2, 1)
    assert names(bureau, Kind.EXPRESSION, params=words) == ["内蒙古第2商贸有限公司"]
    later = {"expression": "成立日期 <= current_date"}
    bureau.write([firm(0), firm(1, 成立日期=date(2026, 3, 11))])
    assert bureau.counted(Kind.EXPRESSION, params=later) == (2, 1)


def test_a_condition_says_which_rows_are_assessed(bureau: Bureau) -> None:
    bureau.write([firm(0, 注册资本=None), firm(1, 注册资本=None), firm(2)])
    assert bureau.counted(Kind.NOT_NULL, "注册资本", where="盟市 = '包头市'") == (1, 1)


def test_garbled_and_placeholder_values_are_dirty_and_their_rate_falls(bureau: Bureau) -> None:
    dirty = ["锟斤拷公司", "测试", "N/A", "---", "a\ufffdb"]
    bureau.write([firm(n) for n in range(5)] + [firm(20 + n, 企业名称=word) for n, word in enumerate(dirty)])
    assert bureau.counted(Kind.DIRTY, "企业名称") == (10, 5)
    rule = bureau.add(Kind.DIRTY, "企业名称", threshold=0.9)
    fact = next(f for f in bureau.check().facts if f.rule_id == rule.id)
    assert (fact.indicator, fact.a, fact.b, fact.x, fact.share) == ("0305", 5, 10, 0.5, 0.5)


def test_validity_takes_an_open_end_for_valid(bureau: Bureau) -> None:
    bureau.write([firm(0), firm(1, 注销日期=date(2026, 3, 10)), firm(2, 注销日期=date(2026, 3, 9))])
    assert bureau.counted(Kind.VALIDITY, "成立日期", "注销日期") == (3, 1)
    assert bureau.counted(Kind.VALIDITY, "注销日期") == (3, 1)


def test_data_elements_bring_their_length_type_and_check(bureau: Bureau) -> None:
    bureau.write([firm(0), firm(1, 统一社会信用代码="91350100M000100Y4X"), firm(2, 企业名称="长" * 201)])
    assert bureau.counted(Kind.ELEMENT, "统一社会信用代码", params={"element": "legal_entity.uscc"}) == (3, 1)
    assert bureau.counted(Kind.ELEMENT, "企业名称", params={"element": "legal_entity.entity_name"}) == (3, 1)
    days = pa.schema([("日", pa.string())])
    bureau.write([{"日": d} for d in ("20200131", "2020-01-31", "20200231", "不详")], "日表", days)
    assert bureau.counted(Kind.ELEMENT, "日", table="日表", params={"element": "legal_entity.establish_date"}) == (4, 2)


def test_rules_on_the_table_as_a_whole(bureau: Bureau) -> None:
    bureau.write([firm(n, 成立日期=date(2024, month, 1)) for n, month in enumerate((1, 1, 2, 4))])
    assert bureau.counted(Kind.VOLUME, params={"least": 5}) == (5, 1)
    assert bureau.counted(Kind.VOLUME, params={"least": 1, "most": 3}) == (3, 1)
    assert bureau.counted(Kind.SQL, params={"query": "SELECT COUNT(*) FROM {table}", "must": ">= 5"}) == (1, 1)
    assert bureau.counted(Kind.WINDOWS, "成立日期", params={"unit": "month", "least": 1}) == (4, 1)
    assert bureau.counted(Kind.WINDOWS, "成立日期", params={"unit": "month", "least": 2}) == (4, 3)
    assert bureau.counted(Kind.FRESHNESS, params={"hours": 1}) == (1, 0)
    assert bureau.counted(Kind.FRESHNESS, "成立日期", params={"hours": 24}) == (1, 1)
    bureau.clock.advance(timedelta(hours=2))
    assert bureau.counted(Kind.FRESHNESS, params={"hours": 1}) == (1, 1)
    rule = bureau.add(Kind.VOLUME, params={"least": 5})
    run = bureau.check()
    with pytest.raises(Invalid, match="as a whole"):
        bureau.platform.quality.failing(bureau.steward, run.id, rule.id)


def test_what_contracts_bring_is_counted_like_any_rule(bureau: Bureau) -> None:
    bureau.write([firm(0), firm(1, 盟市=None), firm(2, 盟市=" "), firm(3, 盟市="不详", 注册资本=None)])
    assert bureau.counted(Kind.MISSING, "盟市", params={"values": "[null]"}) == (4, 1)
    assert bureau.counted(Kind.MISSING, "盟市", params={"values": '[null, "", "不详"]'}) == (4, 3)
    assert bureau.counted(Kind.MISSING, "盟市", params={"values": "不详；未知"}) == (4, 1)
    assert bureau.counted(Kind.VALUES, "盟市", params={"values": "呼和浩特市;包头市"}) == (2, 1)
    assert bureau.counted(Kind.VALUES, "注册资本", params={"values": "[10, 11.0, 99]"}) == (3, 1)
    expected = "盟市=text; 注册资本=double|decimal; 成立日期=timestamp; 税号=text"
    assert bureau.counted(Kind.COLUMNS, params={"expected": expected}) == (4, 2)
    for params in ({"values": ";"}, {"values": '[{"a": 1}]'}):
        with pytest.raises(Invalid):
            bureau.counted(Kind.VALUES, "盟市", params=params)
    rule = bureau.add(Kind.MISSING, "盟市", params={"values": "[null]"}, limit="<= 1")
    share = bureau.add(Kind.MISSING, "盟市", params={"values": '[null, "不详"]'}, limit="< 25 %")
    outcomes = {fact.rule_id: fact.outcome.value for fact in bureau.check().facts}
    assert (outcomes[rule.id], outcomes[share.id]) == ("passed", "failed")
    with pytest.raises(Invalid, match="between 1 5"):
        bureau.add(Kind.NOT_NULL, "盟市", limit="about 3")


def test_an_empty_table_is_not_assessed_and_neither_good_nor_bad(bureau: Bureau) -> None:
    bureau.write([])
    bureau.add(Kind.NOT_NULL, "盟市")
    fact = next(f for f in bureau.check().facts if f.rule_id)
    assert (fact.a, fact.b, fact.x, fact.outcome.value) == (0, 0, None, "not_assessed")


def test_every_kind_is_counted_here_and_feeds_a_known_indicator(bureau: Bureau) -> None:
    told = {code for spec in KINDS.values() for code in spec.indicators} | {"0103", "0106", "0601"}
    assert told == set(bureau.platform.quality.codes)
    source = Path(__file__).read_text("utf-8")
    assert [kind for kind in Kind if f"Kind.{kind.name}," not in source and f"Kind.{kind.name})" not in source] == []


OUTSIDE_THE_GRAMMAR = (
    "企业名称 IN (SELECT 企业名称 FROM lake.x)",
    "getenv('HOME') = ''",
    "企业名称 = (SELECT 1)",
    "read_text('/etc/passwd') = ''",
    "企业名称 = 'a'; DROP TABLE x",
    "EXISTS (SELECT 1)",
    "count(*) > 1",
    "t.企业名称 = 'x'",
    "lake.企业登记信息.企业名称 = 'x'",
    "没有的列 = 1",
    "(" * 60 + "1" + ")" * 60 + " = 1",
    "repeat(企业名称, 1000000) = ''",
    "CAST(企业名称 AS STRUCT(a INT)) IS NULL",
    "",
)


def test_the_grammar_of_conditions_is_closed(bureau: Bureau) -> None:
    bureau.write([firm(0)])
    for text in OUTSIDE_THE_GRAMMAR:
        with pytest.raises(Invalid):
            bureau.counted(Kind.EXPRESSION, params={"expression": text})


def test_a_history_table_is_judged_by_what_holds_now(bureau: Bureau) -> None:
    from beijiang.tables import WriteMode

    words = {"mode": WriteMode.HISTORY, "key": ("企业名称",)}
    bureau.write([firm(0, 盟市=None), firm(1)], "历史", FIRMS, **words)
    bureau.clock.advance(timedelta(days=1))
    bureau.write([firm(0), firm(1)], "历史", FIRMS, **words)
    assert bureau.counted(Kind.NOT_NULL, "盟市", table="历史") == (2, 0)
    assert bureau.counted(Kind.UNIQUE, "企业名称", table="历史") == (2, 0)


def test_codes_are_judged_as_of_a_day_or_of_the_day_that_a_row_says(bureau: Bureau) -> None:
    schema = pa.schema([("区划代码", pa.string()), ("登记日期", pa.date32()), ("文本日期", pa.string())])
    rows = [
        {"区划代码": "152701", "登记日期": date(2000, 6, 30), "文本日期": "2000-06-30"},  # 东胜市 until 2001-02-26
        {"区划代码": "152701", "登记日期": date(2001, 2, 26), "文本日期": "2001-02-26"},
        {"区划代码": "150602", "登记日期": date(2005, 1, 1), "文本日期": "2005-01-01"},
        {"区划代码": "999999", "登记日期": date(2005, 1, 1), "文本日期": "2005-01-01"},
        {"区划代码": "152701", "登记日期": None, "文本日期": "不详"},
        {"区划代码": None, "登记日期": date(2005, 1, 1), "文本日期": "2005-01-01"},
    ]
    bureau.write(rows, "老登记", schema)

    def counted(**params: str) -> tuple[int, int]:
        return bureau.counted(Kind.CODE_SET, "区划代码", table="老登记", params={"code_set": "region", **params})

    assert counted() == (5, 4)
    assert counted(as_of="2000-06-30") == (5, 2)
    assert counted(as_of="登记日期") == (4, 2)
    assert counted(as_of="文本日期") == (4, 2)
    for wrong in ("很久以前", "2001-13-01", "没有这列"):
        with pytest.raises(BeijiangError) as error:
            counted(as_of=wrong)
        assert error.value.reason == "rule_parameter"
    rule = bureau.add(
        Kind.CODE_SET, "区划代码", table="老登记", params={"code_set": "region", "as_of": "登记日期"}, threshold=0.5
    )
    assert not rule.ages
    run = bureau.check("老登记")
    assert [(f.a, f.b, f.outcome) for f in run.facts if f.rule_id] == [(2, 4, Outcome.PASSED)]
