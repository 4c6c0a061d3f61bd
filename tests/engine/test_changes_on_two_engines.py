"""What changed between two versions is found alike on DuckDB and over Spark Connect (Sail)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

from beijiang.engine import Scan
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.engine.port import Engine
from beijiang.engine.spark import SparkEngine
from beijiang.settings import Settings
from beijiang.tables.store import changes

SCHEMA = pa.schema([("编号", pa.string()), ("盟市", pa.string()), ("数", pa.int64())])
OLD = [("1", "甲", 1), ("2", "甲", 2), ("3", "乙", 3), ("4", None, 4), ("5", "丙", None)]
NEW = [("1", "甲", 1), ("2", "丁", 2), ("4", None, 5), ("5", "丙", None), ("6", "甲", 6)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("changes")


@pytest.fixture(scope="module", params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest, home: Path) -> Iterator[Engine]:
    made: Engine
    if request.param == "spark":
        made = SparkEngine(request.getfixturevalue("spark_url"), "Asia/Shanghai")
    else:
        made = DuckDBEngine(Settings.for_tests(home))
    yield made
    made.close()


@pytest.fixture(scope="module")
def scans(home: Path) -> dict[str, Scan]:
    lake = home / "home" / "lake"
    lake.mkdir(parents=True, exist_ok=True)

    def scan(name: str, rows: list[tuple[Any, ...]], schema: pa.Schema) -> Scan:
        path = lake / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema), path)
        return Scan((str(path),), schema)

    key = pa.schema([("k0", pa.string())])
    return {
        changes.OLD: scan("old", OLD, SCHEMA),
        changes.NEW: scan("new", NEW, SCHEMA),
        changes.TOUCHED: scan("touched", [("2",), ("6",)], key),
        "empty": scan("empty", [("2",), (None,)], key),
    }


def found(engine: Engine, query: exp.Query, scans: dict[str, Scan]) -> list[tuple[Any, ...]]:
    rows = [tuple(row.values()) for row in engine.fetch(query, scans).to_pylist()]
    return sorted(rows, key=str)


def test_keys_and_groups_that_differ_are_found(engine: Engine, scans: dict[str, Scan]) -> None:
    keys = found(engine, changes.touched(["编号"], ["编号"], ["编号", "盟市", "数"]), scans)
    assert keys == [("2",), ("3",), ("4",), ("6",)]
    groups = found(engine, changes.touched(["编号"], ["盟市"], ["编号", "盟市", "数"]), scans)
    assert groups == [("丁",), ("乙",), ("甲",), (None,)]
    assert found(engine, changes.touched(["编号"], ["编号"], ["盟市"]), scans) == [("2",), ("3",), ("6",)]
    assert found(engine, changes.added(["盟市"]), scans) == [("丁",), ("丙",), ("甲",), (None,)]


def test_rows_of_touched_groups_and_empty_ones_are_found(engine: Engine, scans: dict[str, Scan]) -> None:
    among = changes.among(changes.NEW, ["编号"], ["编号", "数"])
    assert found(engine, among, scans) == [("2", 2), ("6", 6)]
    assert found(engine, changes.empty_keys(1), scans) == [(0,)]
    assert found(engine, changes.empty_keys(1), {**scans, changes.TOUCHED: scans["empty"]}) == [(1,)]
