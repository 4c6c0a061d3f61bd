"""A library's run, tree by tree: records, nodes, pairs, members and golden values are the same on DuckDB and over Spark Connect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

from beijiang.engine import Engine, QueryLimits, Scan
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.engine.spark import SparkEngine
from beijiang.fusion.models import Choosing, Element, Library, Link, LinkState, gathering, naming, trees
from beijiang.kit import SYSTEM
from beijiang.settings import Settings

A, B = "11010519491231002X", "150102199001011230"
NOW = datetime(2026, 3, 10, tzinfo=UTC)
LIBRARY = Library(
    id="lib_1",
    revision=1,
    kind="population",
    name="人口库",
    target="人口库",
    org_id="bigdata",
    prefix="P",
    elements=(
        Element(name="公民身份号码", element="population.citizen_id", check="citizen_id"),
        Element(name="姓名", element="population.full_name", choosing=Choosing.VOTE),
        Element(name="出生日期", type="D", choosing=Choosing.RECENT),
        Element(name='住"址', choosing=Choosing.LONGEST),
        Element(name="收入", type="N", length="12,2"),
    ),
    key=("公民身份号码",),
    owner=SYSTEM,
    at=NOW,
)
ROWS = pa.schema([(name, pa.string()) for name in ("号", "名", "生日", "址", "入", "时")])


def link(number: int, table: str) -> Link:
    columns = {"公民身份号码": "号", "姓名": "名", "出生日期": "生日", '住"址': "址", "收入": "入"}
    return Link(
        id=f"lnk_{number}",
        library_id="lib_1",
        number=number,
        org_id="o",
        state=LinkState.IN_FORCE,
        asked_by=SYSTEM,
        at=NOW,
        table=table,
        columns=columns,
        seen="时",
    )


FIRST = [
    (A.lower(), "张伟", "19491231", "新城区", "12.50", "2026-01-01 08:00:00"),
    (A, "张伟 ", "1949-12-30", None, "头", "2026-02-01 08:00:00"),
    (B, "巴特尔", None, "海东路18号", None, None),
    (None, "无号", "不详", "", "7", None),
]
SECOND = [
    (A, "张玮", "1949-12-31", "呼和浩特市新城区海东路", "99", "2025-01-01 08:00:00"),
    ("150102199001011239", "巴特尔", "1990-01-01", "海东路18号", None, None),
]


@pytest.fixture
def engines(spark_url: str, tmp_path: Path) -> Iterator[dict[str, Engine]]:
    found: dict[str, Engine] = {
        "duckdb": DuckDBEngine(Settings.for_tests(tmp_path), (tmp_path,)),
        "spark": SparkEngine(spark_url, "Asia/Shanghai"),
    }
    yield found
    for engine in found.values():
        engine.close()


class Run:
    """One run on one engine: each tree's rows are a file that the next one reads."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder, self.scans = engine, folder, dict[str, Scan]()

    def bring(self, name: str, rows: pa.Table) -> None:
        path = self.folder / f"{len(self.scans)}.parquet"
        pq.write_table(rows, path)
        self.scans[name] = Scan((str(path),), rows.schema)

    def make(self, name: str, tree: exp.Query) -> list[dict[str, Any]]:
        used = {t.name for t in tree.find_all(exp.Table) if t.db == "lake"}
        rows = self.engine.fetch(tree, {n: self.scans[n] for n in used}, QueryLimits())
        self.bring(name, rows)
        found = [{key: _told(value) for key, value in row.items()} for row in rows.to_pylist()]
        return sorted(found, key=str)


def _told(value: Any) -> str:
    return str(value.astimezone(UTC) if isinstance(value, datetime) else value)


def of_rows(rows: list[tuple[str | None, ...]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(ROWS.names, row, strict=True)) for row in rows], schema=ROWS)


def whole(engine: Engine, folder: Path) -> dict[str, list[dict[str, Any]]]:
    run = Run(engine, folder)
    run.bring("甲", of_rows(FIRST))
    run.bring("乙", of_rows(SECOND))
    links = [(link(1, "甲"), ("号", "名"), False), (link(2, "乙"), (), False)]
    found = {"records": run.make(trees.RECORDS, gathering.records(LIBRARY, links, "secret"))}
    found["nodes"] = run.make(trees.NODES, naming.nodes(LIBRARY, "secret", []))
    found["linkable"] = run.make(trees.LINKABLE, naming.linkable(LIBRARY, {"name": "full_name", "sex": "sex_code"}))
    found["marks"] = run.make("marks", naming.marks(["name", "sex"], "secret"))
    bats = sorted(r["record"] for r in found["records"] if r["e1"] == "巴特尔")
    pairs = {"left": [bats[0]], "right": [bats[1]], "probability": [0.9]}
    run.bring(trees.PAIRS, pa.table(pairs))
    found["edges"] = run.make("edges", naming.edges(0.5))
    found["nodes_of"] = run.make("of", naming.nodes_of(bats))
    edge = found["edges"][0]
    joins = [{"node": edge["a"], "root": min(edge["a"], edge["b"]), "how": "match"},
             {"node": edge["b"], "root": min(edge["a"], edge["b"]), "how": "match"}]  # fmt: skip
    run.bring(trees.JOINS, pa.Table.from_pylist(joins))
    found["members"] = run.make(trees.MEMBERS, naming.members(LIBRARY, "secret", bats[:1], first=True))
    ranks = {one.name: {1: 1, 2: 0} for one in LIBRARY.elements}
    found["golden"] = run.make("golden", gathering.golden(LIBRARY, ranks))
    found["differences"] = run.make("differences", gathering.differences(LIBRARY, "golden"))
    found["crosswalk"] = run.make("crosswalk", gathering.crosswalk({1: "甲", 2: "乙"}, {"key": "主键", "alone": "单"}))
    before = [
        {"记录标识": r["record"], "主体标识": r["golden"], "valid_from": NOW, "valid_to": None}
        for r in found["members"]
    ]
    kinds = pa.schema([("记录标识", pa.string()), ("主体标识", pa.string()),
                       ("valid_from", pa.timestamp("us", tz="UTC")), ("valid_to", pa.timestamp("us", tz="UTC"))])  # fmt: skip
    run.bring("人口库_关联", pa.Table.from_pylist(before, schema=kinds))
    found["again"] = run.make("again", naming.members(LIBRARY, "secret", [], first=False))
    return found


def test_a_run_comes_to_the_same_on_both_engines(engines: dict[str, Engine], tmp_path: Path) -> None:
    found = {}
    for name, engine in engines.items():
        (tmp_path / name).mkdir()
        found[name] = whole(engine, tmp_path / name)
    for tree, rows in found["duckdb"].items():
        assert found["spark"][tree] == rows, tree
    golden = {row["公民身份号码"]: row for row in found["duckdb"]["golden"]}
    assert set(golden) == {A, B, "None"}
    assert golden[A]["姓名"] == "张伟"
    assert golden[A]["出生日期"] == str(date(1949, 12, 30))
    assert golden[A]['住"址'] == "呼和浩特市新城区海东路"
    assert golden[A]["收入"] == "99.00"
    assert golden[A]["分歧字段"] == '姓名、出生日期、住"址、收入'
    assert golden[B]["记录数"] == "2"
    assert [row["golden"] for row in found["duckdb"]["again"]] == [row["golden"] for row in found["duckdb"]["members"]]
