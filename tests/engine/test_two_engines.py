"""What is compiled for one engine gives the same on the other: rules of quality on DuckDB and over Spark Connect (Sail)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp

from beijiang.engine import Engine, QueryLimits, Scan, View
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.engine.spark import DIALECT, SparkEngine, _bound
from beijiang.kit import BeijiangError, Text
from beijiang.protection.models.bounding import bounded
from beijiang.protection.models.private import Domain, PrivateKind, PrivateOffer, PrivateQuestion
from beijiang.protection.models.walls import parse
from beijiang.quality import Kind, RuleDraft
from beijiang.quality.models.judging import judged
from beijiang.quality.models.measure import measure
from beijiang.quality.models.values import Facts
from beijiang.settings import Settings
from beijiang.standards import CodeSpan, DataElement
from beijiang.tables import Column, Filter, FilterOp, Measured

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
T, OTHER = "企业 登记", "盟市表"
SCHEMA = pa.schema(
    [
        ("代码", pa.string()),
        ("身份证", pa.string()),
        ("名称", pa.string()),
        ("盟市", pa.string()),
        ("性别", pa.string()),
        ("数", pa.int64()),
        ("金额", pa.decimal128(18, 2)),
        ("量", pa.float64()),
        ("开始", pa.date32()),
        ("结束", pa.date32()),
        ("时刻", pa.timestamp("us", tz="UTC")),
        ("文日", pa.string()),
    ]
)
CODES = [
    "91350100M000100Y43",
    "91110000802100433B",
    "91350100M000100Y4X",
    " 91150102MA0N00016G ",
    "x",
    "",
    None,
    "111500000115123431",
]
IDS = [
    "11010519491231002X",
    "150102199001011230",
    "11010519491231002x",
    "150102199002301234",
    "440524188001010014",
    "1",
    None,
    " ",
]
NAMES = ["内蒙古甲公司", "锟斤拷", "测试", "---", "乙", "a\ufffdb", None, "内蒙古丙公司"]
DAYS = [
    date(2024, 1, 1),
    date(2024, 2, 29),
    date(2030, 1, 1),
    None,
    date(1999, 12, 31),
    date(2024, 3, 31),
    date(2026, 3, 10),
    date(2026, 3, 11),
]
TEXT_DAYS = ["20240229", "2024-02-29", "20230229", "不详", None, "", "2024/01/01", "20240101"]


def rows() -> list[dict[str, Any]]:
    return [
        {
            "代码": CODES[i % 8],
            "身份证": IDS[(i // 2) % 8],
            "名称": NAMES[(i // 3) % 8],
            "盟市": ("呼和浩特市", "包头市", "不存在市", None, "")[i % 5],
            "性别": ("1", "2", "男", None)[i % 4],
            "数": i % 7 or None,
            "金额": Decimal(i % 11) - 3 if i % 6 else None,
            "量": float(i % 13) - 1.5 if i % 5 else None,
            "开始": DAYS[i % 8],
            "结束": DAYS[(i * 3 + 1) % 8],
            "时刻": datetime(2026, 3, 1 + i % 9, 1, 2, 3, tzinfo=UTC),
            "文日": TEXT_DAYS[i % 8],
        }
        for i in range(400)
    ]


SPANS = (
    CodeSpan(None, None, ("1",)),
    CodeSpan(None, date(2024, 2, 29), ("男",)),
    CodeSpan(date(2024, 2, 29), date(2026, 3, 10), ("2",)),
)
DRAFTS = [
    RuleDraft(kind=Kind.NOT_NULL, columns=("名称",)),
    RuleDraft(kind=Kind.NOT_NULL, columns=("盟市", "数", "时刻")),
    RuleDraft(kind=Kind.CHECK, columns=("代码",), params={"algorithm": "uscc"}),
    RuleDraft(kind=Kind.CHECK, columns=("身份证",), params={"algorithm": "citizen_id"}),
    RuleDraft(kind=Kind.CHECK, columns=("代码",), params={"algorithm": "org_code"}),
    RuleDraft(kind=Kind.CHECK, columns=("数",), params={"algorithm": "luhn"}),
    RuleDraft(kind=Kind.CODE_SET, columns=("性别",), params={"code_set": "sex"}),
    RuleDraft(kind=Kind.CODE_SET, columns=("性别",), params={"code_set": "sex", "as_of": "2024-02-29"}),
    RuleDraft(kind=Kind.CODE_SET, columns=("性别", "盟市"), params={"code_set": "sex"}),
    RuleDraft(kind=Kind.CODE_SET, columns=("性别",), params={"code_set": "sex", "as_of": "开始"}),
    RuleDraft(kind=Kind.CODE_SET, columns=("性别",), params={"code_set": "sex", "as_of": "文日"}),
    RuleDraft(kind=Kind.CODE_SET, columns=("性别",), params={"code_set": "sex", "as_of": "时刻"}),
    RuleDraft(kind=Kind.DIRTY, columns=("名称", "盟市")),
    RuleDraft(kind=Kind.SQL, columns=("数",), params={"query": "SELECT MAX({column}) FROM {table}", "must": "< 0"}),
    RuleDraft(kind=Kind.DUPLICATE),
    RuleDraft(kind=Kind.DUPLICATE, columns=("代码", "盟市")),
    RuleDraft(kind=Kind.ELEMENT, columns=("文日",), params={"element": "day"}),
    RuleDraft(kind=Kind.ELEMENT, columns=("代码",), params={"element": "uscc"}),
    RuleDraft(kind=Kind.ELEMENT, columns=("性别",), params={"element": "sex"}),
    RuleDraft(kind=Kind.EQUAL, columns=("盟市", "性别"), params={"table": OTHER, "key": "名", "value": "码"}),
    RuleDraft(kind=Kind.EXPRESSION, params={"expression": "金额 > 0 AND 数 BETWEEN 1 AND 5"}),
    RuleDraft(kind=Kind.EXPRESSION, params={"expression": "名称 LIKE '内蒙古%' OR length(名称) > 2"}),
    RuleDraft(kind=Kind.EXPRESSION, params={"expression": "CAST(文日 AS DATE) <= current_date"}),
    RuleDraft(kind=Kind.EXPRESSION, params={"expression": "year(开始) >= 2000 AND coalesce(量, 0) >= 0"}),
    RuleDraft(kind=Kind.EXPRESSION, params={"expression": "date_diff('day', 开始, 结束) < 365"}),
    RuleDraft(kind=Kind.FORMAT, columns=("代码",), params={"pattern": "[0-9A-Z]{18}", "longest": 18}),
    RuleDraft(kind=Kind.FRESHNESS, columns=("时刻",), params={"hours": 24}),
    RuleDraft(kind=Kind.FRESHNESS, params={"hours": 1}),
    RuleDraft(kind=Kind.COLUMNS, params={"expected": "代码=text; 数=text; 无=text"}),
    RuleDraft(kind=Kind.MISSING, columns=("盟市",), params={"values": '[null, "", "包头市"]'}),
    RuleDraft(kind=Kind.MISSING, columns=("数",), params={"values": "[null, 1, 3]"}),
    RuleDraft(kind=Kind.VALUES, columns=("盟市",), params={"values": "包头市;赤峰市"}),
    RuleDraft(kind=Kind.VALUES, columns=("金额",), params={"values": "[1, 2.5, -3]"}),
    RuleDraft(kind=Kind.ORDER, columns=("开始", "结束")),
    RuleDraft(kind=Kind.RANGE, columns=("金额",), params={"low": "-1", "high": "5.5"}),
    RuleDraft(kind=Kind.RANGE, columns=("代码",), params={"low": "0"}),
    RuleDraft(kind=Kind.RANGE, columns=("开始",), params={"low": "2000-01-01"}),
    RuleDraft(kind=Kind.REFERENCE, columns=("盟市",), params={"table": OTHER, "key": "名"}),
    RuleDraft(kind=Kind.REFERENCE, columns=("盟市", "性别"), params={"table": OTHER, "key": "名；码"}),
    RuleDraft(
        kind=Kind.EQUAL, columns=("盟市", "性别", "性别"), params={"table": OTHER, "key": "名;码", "value": "码"}
    ),
    RuleDraft(kind=Kind.UNIQUE, columns=("代码",)),
    RuleDraft(kind=Kind.UNIQUE, columns=("代码", "数")),
    RuleDraft(kind=Kind.VALIDITY, columns=("开始", "结束")),
    RuleDraft(kind=Kind.VOLUME, params={"least": 500, "most": 900}),
    RuleDraft(kind=Kind.WINDOWS, columns=("开始",), params={"unit": "month", "least": 60}),
    RuleDraft(kind=Kind.NOT_NULL, columns=("名称",), where="盟市 = '包头市'"),
]


@pytest.fixture(scope="module")
def spark(spark_url: str) -> Iterator[SparkEngine]:
    engine = SparkEngine(spark_url, "Asia/Shanghai")
    yield engine
    engine.close()


@pytest.fixture
def duck(tmp_path: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(Settings.for_tests(tmp_path))
    yield engine
    engine.close()


@pytest.fixture
def scans(tmp_path: Path) -> dict[str, Scan | View]:
    """The same rows in two files, and the other table in one."""
    lake = tmp_path / "home" / "lake"
    lake.mkdir(parents=True, exist_ok=True)
    made = rows()
    for number, part in enumerate((made[:150], made[150:])):
        pq.write_table(pa.Table.from_pylist(part, schema=SCHEMA), lake / f"t{number}.parquet")
    other = pa.table({"名": ["呼和浩特市", "包头市"], "码": ["1", "2"]})
    pq.write_table(other, lake / "o.parquet")
    return {
        T: Scan((str(lake / "t0.parquet"), str(lake / "t1.parquet")), SCHEMA),
        OTHER: Scan((str(lake / "o.parquet"),), other.schema),
    }


def facts() -> Facts:
    columns = tuple(Column(f.name, word) for f, word in zip(SCHEMA, WORDS, strict=True))
    table = Measured(T, 1, 400, datetime(2026, 3, 10, 8, 0, tzinfo=UTC), columns, (), history=False)
    elements = {
        "day": DataElement(id="day", name=Text("日期", "day"), type="D", length="8"),
        "uscc": DataElement(
            id="uscc", name=Text("信用代码", "code"), length="18", check="uscc", pattern="[0-9A-Z]{18}"
        ),
        "sex": DataElement(id="sex", name=Text("性别", "sex"), code_set="sex"),
    }
    return Facts(
        table=table,
        types={column.name: column.type for column in columns},
        now=NOW,
        named={"sex": [("1", "呼和浩特市"), ("2", "包头市")]}.__getitem__,
        codes={"sex": ["0", "1", "2", "9"]}.__getitem__,
        spans={"sex": SPANS}.__getitem__,
        element=elements.__getitem__,
        columns_of={OTHER: {"名": "text", "码": "text"}}.__getitem__,
        read=read,
        keeps_history={OTHER: False}.__getitem__,
    )


def read(text: str) -> tuple[exp.Query, tuple[str, ...]]:
    """Read a query by the gateway's parser; its tables are those of the lake."""
    tree = parse(text)
    tables = list(tree.find_all(exp.Table))
    for table in tables:
        table.set("db", exp.to_identifier("lake"))
    return tree, tuple(table.name for table in tables)


PATIENT = QueryLimits(seconds=540)
"""A server of another's compiles its first queries for tens of seconds on a busy machine; how long is no matter here."""
WORDS = ("text", "text", "text", "text", "text", "integer", "decimal", "double", "date", "date", "timestamp", "text")


def numbers(engine: Engine, query: exp.Query, scans: dict[str, Scan | View]) -> dict[str, int]:
    return {name: int(value or 0) for name, value in engine.fetch(query, scans, PATIENT).to_pylist()[0].items()}


def test_every_kind_of_rule_counts_the_same_on_both_engines(
    duck: DuckDBEngine, spark: SparkEngine, scans: dict[str, Scan | View]
) -> None:
    given = facts()
    assert {draft.kind for draft in DRAFTS} == set(Kind)
    query = measure(given.table, [judged(draft, given) for draft in DRAFTS])
    ours, theirs = numbers(duck, query, scans), numbers(spark, query, scans)
    names = {f"{letter}{n}": draft for n, draft in enumerate(DRAFTS) for letter in "bf"}
    assert {name: (ours[name], theirs[name], names.get(name)) for name in ours if ours[name] != theirs[name]} == {}
    assert ours["rows"] == 400
    assert sum(ours[f"f{n}"] > 0 for n in range(len(DRAFTS))) > 25, "rules that find nothing prove nothing"


def test_views_limits_and_a_later_column_behave_alike(
    duck: DuckDBEngine, spark: SparkEngine, scans: dict[str, Scan | View]
) -> None:
    below = sqlglot.parse_one(
        f'SELECT "盟市", count(*) AS n FROM lake."{T}" WHERE "数" > 2 GROUP BY 1', dialect="duckdb"
    )
    assert isinstance(below, exp.Query)
    view = View(below, scans)
    query = sqlglot.parse_one("SELECT sum(n) AS n, count(*) AS m FROM lake.v AS w WHERE w.n > 1", dialect="duckdb")
    assert isinstance(query, exp.Query)
    assert numbers(duck, query, {"v": view}) == numbers(spark, query, {"v": view})
    assert (
        spark.fetch(below, scans, QueryLimits(rows=2, seconds=PATIENT.seconds)).num_rows
        == duck.fetch(below, scans, QueryLimits(rows=2, seconds=PATIENT.seconds)).num_rows
    )
    source = scans[OTHER]
    assert isinstance(source, Scan)
    later = Scan(source.files, source.schema.append(pa.field("后来", pa.int64())))
    query = sqlglot.parse_one("SELECT count(*) AS a, count(后来) AS b FROM lake.o", dialect="duckdb")
    assert isinstance(query, exp.Query)
    assert numbers(duck, query, {"o": later}) == numbers(spark, query, {"o": later}) == {"a": 2, "b": 0}
    empty = Scan((), source.schema)
    assert numbers(spark, query.copy(), {"o": Scan((), later.schema)})["a"] == 0
    assert spark.fetch(exp.select("*").from_(exp.table_("o", db="lake")), {"o": empty}, PATIENT).num_rows == 0


def test_what_the_distributed_engine_does_not_do_is_said(
    spark: SparkEngine, scans: dict[str, Scan | View], tmp_path: Path
) -> None:
    query = exp.select("*").from_(exp.table_(OTHER, db="lake", quoted=True))
    source = scans[OTHER]
    assert isinstance(source, Scan)
    for attempt in (
        lambda: spark.stream(query, scans),
        lambda: spark.write_parquet(query, scans, tmp_path / "x.parquet"),
        lambda: spark.run_untrusted(query, {OTHER: source}),
        lambda: spark.fetch(query, {OTHER: Scan(source.files, source.schema, position=True)}),
    ):
        with pytest.raises(BeijiangError) as caught:
            attempt()
        assert caught.value.reason == "not_on_this_engine"
    with pytest.raises(BeijiangError) as caught:
        spark.fetch(exp.select("没有").from_(exp.table_(OTHER, db="lake", quoted=True)), scans)
    assert caught.value.reason == "query_failed"
    assert "没有" not in str(caught.value)
    away = SparkEngine("sc://127.0.0.1:1", "UTC")
    with pytest.raises(BeijiangError) as caught:
        away.fetch(query, scans)
    assert caught.value.reason in {"data_unavailable", "query_failed"}
    away.close()


def test_a_private_question_counts_the_same_on_both_engines(
    duck: DuckDBEngine, spark: SparkEngine, scans: dict[str, Scan | View]
) -> None:
    """Which rows of a person count, and the exact sums before any noise, may not depend on the engine."""
    domains = {
        "盟市": Domain(keys=("呼和浩特市", "包头市")),
        "金额": Domain(low=Decimal(-2), high=Decimal(6), step=Decimal("0.01")),
        "量": Domain(low=Decimal(-1), high=Decimal("2.5"), step=Decimal("0.5")),
        "数": Domain(low=Decimal(0), high=Decimal(5)),
    }
    words = {
        "id": "o",
        "table": T,
        "org_id": "x",
        "person": "代码",
        "domains": domains,
        "reason": "",
        "by": "",
        "level": 2,
    }
    budget = {"consumer_micro": 1, "total_micro": 1, "needs_approval": False, "at": NOW, "expires": date(2027, 1, 1)}
    types = dict(zip(SCHEMA.names, WORDS, strict=True))
    for kind, column in (
        (PrivateKind.COUNT, None),
        (PrivateKind.SUM, "金额"),
        (PrivateKind.MEAN, "量"),
        (PrivateKind.MEAN, "数"),
    ):
        offer = PrivateOffer(rows_per_person=3, **words, **budget)
        where = (Filter("盟市", FilterOp.EQ, "包头市"), Filter("数", FilterOp.GTE, 2))
        for asked in (
            PrivateQuestion(kind=kind, column=column, by=("盟市",), micro=1),
            PrivateQuestion(kind=kind, column=column, where=where, micro=1),
        ):
            query = bounded(offer, asked, [Filter("数", FilterOp.NE, 4)], types)
            ours, theirs = (engine.fetch(query.copy(), {T: scans[T]}, PATIENT).to_pylist() for engine in (duck, spark))
            assert sorted(map(str, ours)) == sorted(map(str, theirs)), asked
            assert 0 < sum(row["n"] for row in ours) < 30


def test_names_of_other_letters_are_quoted_for_spark() -> None:
    """Spark refuses a bare name like 盟市; other servers take it."""
    query = sqlglot.parse_one("SELECT count(后来) AS 数, max(a) AS b FROM lake.o AS 表", dialect="duckdb")
    assert isinstance(query, exp.Query)
    sql = _bound(query, {"o": Scan((), pa.schema([]))}, lambda _: "seen").sql(DIALECT)
    assert sql == "SELECT COUNT(`后来`) AS `数`, MAX(a) AS b FROM seen AS `表`"
