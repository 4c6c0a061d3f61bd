"""An engine over a throw-away home, and small Parquet files to read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.engine import Engine, Scan
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.settings import Settings

PEOPLE = pa.schema([("姓名", pa.string()), ("年龄", pa.int64()), ("城市", pa.string())])


@pytest.fixture(params=["duckdb"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    built = {"duckdb": DuckDBEngine}[request.param](Settings.for_tests(tmp_path))
    yield built
    built.close()


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "lake"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def people(lake: Path) -> Scan:
    """1,000 people in two files."""
    files = []
    for part in range(2):
        rows = [
            {"姓名": f"张{i}", "年龄": i % 90, "城市": ("呼和浩特", "包头", "赤峰")[i % 3]}
            for i in range(part * 500, part * 500 + 500)
        ]
        path = lake / f"p{part}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=PEOPLE), path)
        files.append(str(path))
    return Scan(tuple(files), PEOPLE)
