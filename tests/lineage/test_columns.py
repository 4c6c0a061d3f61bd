"""The column lineage of queries: exact on the published set, true to what the engine does, strict and quick on the rest."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from sqlglot import exp
from sqlglot.errors import SqlglotError

from beijiang.engine.parsing import statements
from beijiang.lineage import SelectLineage, columns_of
from beijiang.lineage.models.expressions import AGGREGATES, is_aggregate
from beijiang.tables import Origin, Use

sys.path.insert(0, str(Path(__file__).parent))

from written import TABLES, TYPES, Case, cases

CASES = cases()
ALL = {Origin(table, column) for table in ("上级", "年报") for column in TABLES[table]}


def of(sql: str, tables: dict[str, list[str]] | None = None) -> SelectLineage:
    return columns_of(statements(sql)[0], TABLES if tables is None else tables)


def test_precision_and_recall_are_one() -> None:
    expected = {(case.file, case.name, *edge) for case in CASES for edge in case.edges}
    found = {
        (case.file, case.name, column, origin)
        for case in CASES
        for column, origins in of(case.sql).columns.items()
        for origin in origins
    }
    assert len(CASES) == len({(case.file, case.name) for case in CASES}) >= 110
    assert found - expected == set()  # precision
    assert expected - found == set()  # recall
    assert [(case.name, of(case.sql).unresolved) for case in CASES if of(case.sql).unresolved] == []


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": "1"}) as connection:
        for table, columns in TYPES.items():
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f'CREATE TABLE "{table}" ({listed})')
            for row in range(12):
                values = ", ".join(_value(column, kind, row) for column, kind in columns.items())
                connection.execute(f'INSERT INTO "{table}" VALUES ({values})')
        yield connection


def test_columns_are_named_and_ordered_as_the_engine_does(engine: duckdb.DuckDBPyConnection) -> None:
    for case in CASES:
        engine.execute(f"CREATE OR REPLACE TEMP VIEW 看 AS SELECT * FROM ({case.sql})")
        given = [row[0] for row in engine.execute("DESCRIBE 看").fetchall()]
        assert list(of(case.sql).columns) == given, case.name


def test_what_changes_a_column_is_among_its_origins(engine: duckdb.DuckDBPyConnection) -> None:
    """Change one column of a table after another and look which columns of the result change: none may be unforeseen."""
    seen = 0
    for case in (one for one in CASES if "RECURSIVE" not in one.sql):  # which may go round for ever on such data
        lineage = of(case.sql)
        before = _values(engine, case)
        for table in lineage.tables:
            for column, kind in TYPES[table].items():
                others = ", ".join(_value(column, kind, (row * 5 + 40) % 64) for row in range(12))
                engine.execute("BEGIN")
                engine.execute(f'UPDATE "{table}" SET "{column}" = ([{others}])[rowid + 1]')
                after = _values(engine, case)
                engine.execute("ROLLBACK")
                changed = [name for name in before if before[name] != after[name]]
                seen += len(changed)
                made = {name: {(origin.table, origin.column) for origin in lineage.columns[name]} for name in changed}
                assert [name for name in changed if (table, column) not in made[name]] == [], (case.name, column)
    assert seen > 250  # the data are such that most edges can be seen at work


def _values(engine: duckdb.DuckDBPyConnection, case: Case) -> dict[str, list[str]]:
    result = engine.execute(case.sql).fetchall()
    return {name: sorted(repr(row[place]) for row in result) for place, name in enumerate(case.columns)}


def _value(column: str, kind: str, row: int) -> str:  # noqa: PLR0911
    """Return a value that joins, filters and groups have something to do with."""
    if kind == "VARCHAR[]":
        return f"['甲{row}', '存续'][1 : {row % 3}]"
    if kind.startswith("STRUCT"):
        return f"{{'市': '市{row}', '街': '街{row}'}}"
    if kind == "DATE":
        return f"DATE '{1950 + row * 7 % 75}-01-{row % 27 + 1:02}'"
    if kind != "VARCHAR":
        return str((2020 + row % 6) if column == "年度" else row * 397 % 2100)
    if column in {"状态", "盟市", "种类"}:
        return "'" + ("存续", "注销", "包头市", "旗1")[row % 4] + "'"
    if column == "上级区划":
        return "NULL" if row % 5 == 0 else f"'1502{(row - 1) % 9}'"
    if column == "区划":
        return f"'1502{row % 9}'"
    return f"'旗{row % 7}旗'" if row % 3 else "NULL"


@pytest.mark.parametrize(
    ("sql", "column", "why"),
    [
        ("SELECT 无此列 FROM 上级, 年报", "无此列", "no such column"),
        ("SELECT 上级.产值 FROM 上级, 年报", "产值", "no such column"),
        ("SELECT s.区划, 区划 AS 乙 FROM 上级 s, 上级 t, 年报", "乙", "which"),
        ("SELECT x.a FROM 上级, 年报, 未知 x", "a", "not known"),
        ("SELECT a FROM 上级, 年报, 未知", "a", "not known"),
        ("SELECT * FROM 上级, 年报, 未知", "*", "not known"),
        ("SELECT a FROM 上级, 年报, read_csv('x.csv')", "a", "table function"),
    ],
)
def test_the_unresolved_has_every_column_of_the_statement(sql: str, column: str, why: str) -> None:
    lineage = of(sql)
    assert [(one.column, why in one.why.en) for one in lineage.unresolved] == [(column, True)]
    origins = lineage.columns.get(column, lineage.rest)
    assert origins is not None
    assert {Origin(o.table, o.column) for o in origins} >= ALL


def test_an_unresolved_filter_makes_every_column_unresolved() -> None:
    lineage = of("SELECT 区划, 年度 FROM 上级, 年报 WHERE 无此列 = 1")
    assert [one.column for one in lineage.unresolved] == ["区划", "年度"]
    assert all(set(origins) >= ALL for origins in lineage.columns.values())


def test_columns_that_only_the_engine_can_name_have_their_origins_all_the_same() -> None:
    lineage = of("PIVOT 年报 ON 年度 USING sum(产值)")
    assert lineage.unresolved == ()
    given = lineage.of(["信用代码", "2023", "2024"])
    key, value = Origin("年报", "信用代码", Use.GROUP_BY), Origin("年报", "产值", Use.AGGREGATION)
    assert set(given["信用代码"]) == {key, Origin("年报", "信用代码", Use.IDENTITY)}
    assert set(given["2024"]) == {key, value, Origin("年报", "年度", Use.CONDITIONAL)}
    fields = of("SELECT 地址.* FROM 企业").of(["市", "街"])
    assert fields["街"] == (Origin("企业", "地址", Use.TRANSFORMATION),)
    assert of("SELECT columns(c -> c LIKE '区%') FROM 上级").of(["区划"])["区划"] == tuple(sorted(all_of("上级")))


def all_of(table: str) -> set[Origin]:
    return {Origin(table, column) for column in TABLES[table]}


def test_names_are_taken_by_place_where_the_engine_calls_them_otherwise() -> None:
    lineage = of("SELECT 羊*2, 牛 FROM 牧户")
    assert lineage.of(["(羊 * 2)", "牛"])["(羊 * 2)"] == (Origin("牧户", "羊", Use.TRANSFORMATION),)


def test_letters_of_either_case_name_one_column_and_tables_may_have_a_schema() -> None:
    lineage = of('SELECT ID, T.Name AS n FROM Main.t WHERE "iD" > 1', {"t": ["id", "name"]})
    assert lineage.columns["id"] == (Origin("t", "id", Use.FILTER), Origin("t", "id", Use.IDENTITY))
    assert lineage.columns["n"] == (Origin("t", "id", Use.FILTER), Origin("t", "name", Use.IDENTITY))


def test_every_aggregate_of_the_engine_is_known(engine: duckdb.DuckDBPyConnection) -> None:
    rows = engine.execute("SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'")
    names = [row[0] for row in rows.fetchall()]
    assert [name for name in names if not any(is_aggregate(node) for node in _calls(name))] == []
    assert set(names) >= AGGREGATES


def _calls(name: str) -> list[exp.Expr]:
    """Return a call of the function with as many arguments as the parser wants."""
    for arguments in ("x", "x, y", "x, 0.5, 8", ""):
        try:
            return list(statements(f"SELECT {name}({arguments}) FROM t")[0].walk())
        except SqlglotError:
            continue
    raise AssertionError(name)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM " + "(SELECT * FROM " * 50 + "上级" + ")" * 50,
        "WITH "
        + ", ".join(
            f"c{i} AS (SELECT a.* FROM {f'c{i - 1}' if i else '上级'} a, {f'c{i - 1}' if i else '上级'} b)"
            for i in range(60)
        )
        + " SELECT * FROM c59",
        "SELECT 区划" + " || 区划" * 3000 + " AS 区划 FROM 上级",
        "SELECT 区划 FROM 上级" + " UNION ALL SELECT 区划 FROM 上级" * 1000,
        "SELECT 区划 AS c0, " + ", ".join(f"c{i} || c{i} AS c{i + 1}" for i in range(300)) + " FROM 上级",
    ],
    ids=["nested", "withs", "chain", "unions", "names"],
)
def test_large_statements_are_resolved_in_no_time(sql: str) -> None:
    trees = statements(sql)
    begin = time.thread_time()  # its own work, whatever else the machine does
    lineage = columns_of(trees[0], TABLES)
    assert time.thread_time() - begin < 5
    assert lineage.unresolved == ()
    assert {(o.table, o.column) for o in lineage.columns["区划" if "区划" in lineage.columns else "c300"]} == {
        ("上级", "区划")
    }


def test_hostile_statements_end_soon_and_are_taken_for_everything() -> None:
    inside = "SELECT 区划 AS a FROM 上级"
    for depth in range(14):  # recursive queries within recursive queries multiply the work
        inside = (
            f"WITH RECURSIVE r{depth}(a) AS (SELECT 区划 FROM 上级 UNION ALL SELECT s.a || r{depth}.a FROM r{depth}, "
            f"({inside}) s) SELECT a FROM r{depth}"
        )
    begin = time.thread_time()  # its own work, whatever else the machine does
    lineage = of(inside)
    assert time.thread_time() - begin < 20
    assert [one.column for one in lineage.unresolved] == ["*"]
    assert set(lineage.of(["a"])["a"]) == all_of("上级")


@pytest.mark.parametrize("sql", ["SELECT * FROM t0, t1", "SELECT DISTINCT * FROM t0, t1", "FROM t0 EXCEPT FROM t1"])
def test_wide_statements_are_resolved_soon(sql: str) -> None:
    wide = {table: [f"c{n}" for n in range(1500)] for table in ("t0", "t1")}
    begin = time.thread_time()  # its own work, whatever else the machine does
    lineage = of(sql, wide)
    assert time.thread_time() - begin < 10
    assert len(lineage.columns) in {1500, 3000}
    first = lineage.columns["c0"]
    assert len(first) == (1 if sql == "SELECT * FROM t0, t1" else 6000 if "DISTINCT" in sql else 4500)
