"""Rules in SQL: numbers held against limits, on both engines; nothing past the gateway's parser."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beijiang.kit import BeijiangError, Invalid
from beijiang.quality import Kind, Outcome, RuleDraft, Severity

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import OTHER, Bureau, firm

T = "企业登记信息"
CITIES = pa.schema([("名称", pa.string()), ("上限", pa.int64())])
QUERIES = [
    ("SELECT MAX(注册资本) FROM {table}", "<= 19", (1, 0)),
    ("SELECT MAX(注册资本) FROM {table}", "< 19", (1, 1)),
    ("SELECT AVG(注册资本) FROM ${table}", "= 14.5", (1, 0)),
    ("SELECT COUNT(*) FROM 企业登记信息 WHERE 盟市 = '包头市'", "between 3 3", (1, 0)),
    ("SELECT COUNT(*) FROM {table} AS x GROUP BY x.盟市", ">= 4", (3, 2)),
    ("SELECT MIN({column}) FROM {table}", "!= 10", (1, 1)),
    ("SELECT MAX(注册资本) FROM {table} WHERE 盟市 = '无此地'", "> 0", (0, 0)),
    ("WITH 大 AS (SELECT 盟市, SUM(注册资本) AS 合计 FROM {table} GROUP BY 盟市) SELECT MAX(合计) FROM 大", "< 60", (1, 0)),
    ("SELECT COUNT(*) FROM {table} WHERE 成立日期 > current_date", "= 0", (1, 0)),
    ("SELECT COUNT(*) FROM {table} WHERE CAST(企业名称 AS INTEGER) > 0", "= 0", (1, 0)),
    ("SELECT COUNT(*) FROM {table} AS f JOIN 盟市表 AS c ON f.盟市 = c.名称 WHERE f.注册资本 > c.上限", "not between 0 5", (1, 1)),
    ("SELECT COUNT(*) FROM {table} f WHERE f.盟市 NOT IN (SELECT 名称 FROM 盟市表)", "= 7", (1, 0)),
    ("SELECT COUNT(*) FROM {table} f JOIN 盟市表 c ON TRIM(F.盟市) = c.名称 AND f.注册资本 > 0", "= 3", (1, 0)),
    ("SELECT COUNT(*) FROM {table} JOIN (SELECT MAX(盟市) AS 名 FROM {table}) m ON m.名 = {table}.盟市", "= 3", (1, 0)),
    ("SELECT 注册资本 FROM {table} UNION ALL SELECT -1 FROM {table}", "> 0", (20, 10)),
]  # fmt: skip


def filled(bureau: Bureau) -> Bureau:
    bureau.write([firm(n) for n in range(10)])
    bureau.write([{"名称": "包头市", "上限": 12}, {"名称": "海拉尔", "上限": 1}], "盟市表", CITIES)
    bureau.platform.db.deliver_waiting()
    return bureau


def draft(query: str, must: str = "= 0", **words: Any) -> RuleDraft:
    columns = ("注册资本",) if "{column}" in query else ()
    return RuleDraft(kind=Kind.SQL, columns=columns, params={"query": query, "must": must}, **words)


@pytest.mark.parametrize("place", ["bureau", "distributed"])
def test_numbers_are_held_against_limits_on_both_engines(place: str, request: pytest.FixtureRequest) -> None:
    bureau = filled(request.getfixturevalue(place))
    runner = bureau.platform.quality.runner
    counted = runner.count(runner.version(T), [draft(query, must) for query, must, _ in QUERIES])
    assert counted == [expected for *_, expected in QUERIES]


def test_a_grave_number_keeps_a_version_back_and_stands_among_the_facts(bureau: Bureau) -> None:
    filled(bureau)
    bureau.publish()
    few = bureau.platform.quality.add(
        bureau.steward, T, draft("SELECT COUNT(*) FROM {table}", ">= 5", severity=Severity.CRITICAL)
    )
    full = bureau.add(Kind.NOT_NULL, "盟市")
    assert few.name == "SQL 指标"
    good = bureau.write([firm(n) for n in range(6)])
    bureau.platform.db.deliver_waiting()
    assert bureau.released() == good.version
    bureau.write([firm(n) for n in range(4)])
    bureau.platform.db.deliver_waiting()
    run = bureau.platform.quality.runs(bureau.steward, T)[0]
    assert {f.rule_id: (f.outcome, f.b) for f in run.facts if f.rule_id} == {
        few.id: (Outcome.FAILED, 1),
        full.id: (Outcome.PASSED, 4),
    }
    assert bureau.released() == good.version
    with pytest.raises(Invalid) as none:
        bureau.platform.quality.failing(bureau.steward, run.id, few.id)
    assert none.value.reason == "no_rows_to_blame"


def test_a_table_that_keeps_history_is_judged_by_what_holds_now(bureau: Bureau) -> None:
    from beijiang.tables import WriteMode

    schema = pa.schema([("编号", pa.string()), ("数", pa.int64()), ("日", pa.date32())])
    first = [{"编号": "a", "数": 1, "日": date(2026, 1, 1)}, {"编号": "b", "数": 2, "日": date(2026, 1, 1)}]
    bureau.write(first, "台账", schema, mode=WriteMode.HISTORY, key=("编号",))
    bureau.write([{**first[0], "数": 9}], "台账", schema, mode=WriteMode.HISTORY, key=("编号",))
    tried = bureau.platform.quality.try_out(bureau.steward, "台账", draft("SELECT SUM(数) FROM {table}", "= 11"))
    assert (tried.b, tried.failing) == (1, 0)


@pytest.mark.parametrize("place", ["bureau", "distributed"])
def test_every_table_that_a_rule_reads_is_read_as_it_is_now(place: str, request: pytest.FixtureRequest) -> None:
    from beijiang.tables import WriteMode

    bureau: Bureau = request.getfixturevalue(place)
    schema = pa.schema([("编号", pa.string()), ("数", pa.int64())])
    rows = [{"编号": "a", "数": 9}, {"编号": "b", "数": 2}, {"编号": "c", "数": 3}]
    bureau.write(rows, "主表", schema)
    bureau.write([{**row, "数": 1} for row in rows], "台账", schema, mode=WriteMode.HISTORY, key=("编号",))
    bureau.write([rows[0]], "台账", schema, mode=WriteMode.HISTORY, key=("编号",))
    bureau.platform.db.deliver_waiting()
    joined = "SELECT {what} FROM 台账 o JOIN {{table}} m ON o.编号 = m.编号"
    other = {"table": "台账", "key": "编号"}
    rules = [
        draft(joined.format(what="COUNT(*)"), "= 3"),
        draft(joined.format(what="SUM(o.数)"), "= 11"),
        draft("SELECT COUNT(*) FROM {table} WHERE 编号 IN (SELECT 编号 FROM 台账 WHERE 数 = 1)", "= 2"),
        draft("WITH 史 AS (SELECT 台账.数 FROM 台账) SELECT MIN(史.数) FROM 史 JOIN {table} m ON m.数 = 史.数", "= 9"),
        RuleDraft(kind=Kind.EQUAL, columns=("编号", "数"), params={**other, "value": "数"}),
        RuleDraft(kind=Kind.REFERENCE, columns=("编号",), params=other),
    ]
    runner = bureau.platform.quality.runner
    assert runner.count(runner.version("主表"), rules) == [(1, 0)] * 4 + [(3, 2), (3, 0)]
    gone = [{"编号": "a", "数": 9}]
    bureau.write(gone, "台账", schema, mode=WriteMode.HISTORY, key=("编号",), complete=True)
    assert runner.count(runner.version("主表"), rules[-1:]) == [(3, 2)], "what was ended is no key to refer to"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT 1", "rule_query"),
        ("SELECT COUNT(*), MAX(注册资本) FROM {table}", "rule_query"),
        ("SELECT * FROM {table}", "rule_query"),
        ("SELECT COUNT(*) FROM {table} a, {table} b", "rule_query"),
        ("SELECT COUNT(*) FROM {table} a CROSS JOIN {table} b", "rule_query"),
        ("SELECT COUNT(*) FROM {table} a JOIN {table} b ON TRUE", "rule_query"),
        ("SELECT COUNT(*) FROM {table} a JOIN {table} b ON 1 = 1", "rule_query"),
        ("SELECT COUNT(*) FROM {table} a JOIN {table} b ON a.盟市 = b.盟市 OR TRUE", "rule_query"),
        ("SELECT COUNT(*) FROM {table} a JOIN {table} b ON a.盟市 = a.企业名称", "rule_query"),
        ("SELECT COUNT(*) FROM {table} a JOIN {table} b ON a.盟市 < b.盟市", "rule_query"),
        ("SELECT COUNT(*) FROM {table} a JOIN {table} b ON a.盟市 = '包头市'", "rule_query"),
        ("SELECT (SELECT COUNT(*) FROM {table} b JOIN {table} c ON c.盟市 = a.盟市) FROM {table} a", "rule_query"),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r, {table}", "rule_query"),
        ("WITH base AS (SELECT 1 AS n) SELECT n FROM base JOIN {table} ON n = 1", "rule_query"),
        ('WITH "BASE" AS (SELECT 5 AS n) SELECT MAX(注册资本) FROM {table}', "rule_query"),
        ('SELECT MAX("_BJ_part_of:text:盟市") FROM {table}', "rule_query"),
        ("SELECT MAX({column}) FROM {table} /* two columns */", ""),
        ('SELECT MAX("_bj_part_of:text:盟市") FROM {table}', "rule_query"),
        ("SELECT COUNT(*) FROM read_csv('/etc/passwd')", "sql_not_allowed"),
        ("SELECT COUNT(*) FROM '/etc/passwd'", "rule_query"),
        ("SELECT COUNT(*) FROM {table}; SELECT 1", "sql_not_allowed"),
        ("DELETE FROM {table}", "sql_not_allowed"),
        ("SELECT getenv('HOME') FROM {table}", "sql_not_allowed"),
        ("SELECT COUNT(*) FROM lake.企业登记信息", "sql_not_allowed"),
        ("SELECT COUNT(*) FROM {table} WHERE 盟市 IN (SELECT 名 FROM 别家的表)", "table_not_found"),
        ("SELECT COUNT(*) FROM {table} WHERE 盟市 IN (SELECT 名 FROM 没有的表)", "table_not_found"),
        ("SELECT MAX(没有的列) FROM {table}", "rule_not_computable"),
    ],
)  # fmt: skip
def test_no_other_way_to_the_data(bureau: Bureau, query: str, reason: str) -> None:
    filled(bureau)
    schema = pa.schema([("名", pa.string())])
    bureau.write([{"名": "包头市"}], "别家的表", schema, org_id=OTHER)
    bureau.platform.db.deliver_waiting()
    if not reason:
        assert bureau.platform.quality.try_out(bureau.steward, T, draft(query, "= 19")).failing == 0
        return
    with pytest.raises(BeijiangError) as refused:
        bureau.platform.quality.add(bureau.steward, T, draft(query))
    assert refused.value.reason == reason


def test_a_rule_that_takes_long_is_stopped_while_somebody_waits_and_holds_up_no_other(bureau: Bureau) -> None:
    bureau.write([firm(n, 盟市="包头市") for n in range(20_000)])
    bureau.platform.db.deliver_waiting()
    endless = draft(
        "SELECT COUNT(*) FROM {table} a JOIN {table} b ON a.盟市 = b.盟市 JOIN {table} c ON c.盟市 = b.盟市 "
        "WHERE a.注册资本 * b.注册资本 <> c.注册资本 + 1"
    )
    quality = bureau.platform.quality
    for ask in (quality.try_out, quality.add):
        with pytest.raises(BeijiangError) as slow:
            ask(bureau.steward, T, endless)
        assert slow.value.reason == "rule_too_slow"
    quick = RuleDraft(kind=Kind.NOT_NULL, columns=("盟市",))
    told = quality.rehearse(T, [endless, quick])
    assert [(outcome, b) for _, outcome, b, _, _ in told] == [(Outcome.ERROR, 0), (Outcome.PASSED, 20_000)]
    text = told[0][4]
    assert text is not None
    assert "within its time" in text.en


def test_a_limit_is_a_comparison_of_numbers(bureau: Bureau) -> None:
    filled(bureau)
    for must in ("< 5 %", "about 3", ""):
        with pytest.raises(Invalid) as refused:
            bureau.platform.quality.add(bureau.steward, T, draft("SELECT COUNT(*) FROM {table}", must))
        assert refused.value.reason in {"rule_limit", "rule_parameter"}
    with pytest.raises(Invalid) as lacking:
        bureau.platform.quality.try_out(
            bureau.steward,
            T,
            RuleDraft(kind=Kind.SQL, params={"query": "SELECT MAX({column}) FROM {table}", "must": "= 1"}),
        )
    assert lacking.value.reason == "rule_query"
