"""Quantiles are values of the column, the same on DuckDB and over Spark Connect (Sail)."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.engine import Scan
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.engine.port import LAKE
from beijiang.engine.spark import SparkEngine
from beijiang.kit import Invalid
from beijiang.protection.models.summary import summary_query
from beijiang.settings import Settings
from beijiang.tables import Aggregate, Quantile

AT = tuple(Decimal(share) for share in ("0.05", "0.25", "0.5", "0.75", "0.95"))
TYPES = {"人数": "integer", "浓度": "double", "金额": "decimal", "日期": "date", "时刻": "timestamp", "名": "text"}


def test_both_engines_name_the_same_values(spark_url: str, tmp_path: Path) -> None:
    numbers = [(n * 37) % 101 for n in range(101)]
    days = [date(2020, 1, 1) + timedelta(days=n) for n in numbers]
    rows = pa.table(
        {
            "人数": [None, *numbers],
            "浓度": [None, *(n + 0.1 for n in numbers)],
            "金额": pa.array([None, *(Decimal(n) / 4 for n in numbers)], pa.decimal128(10, 2)),
            "日期": [None, *days],
            "时刻": [None, *(datetime(d.year, d.month, d.day, 3, tzinfo=UTC) for d in days)],
            "名": ["甲"] * 102,
        }
    )
    lake = tmp_path / "home" / "lake"
    lake.mkdir(parents=True)
    pq.write_table(rows, lake / "t.parquet")
    names = [name for name in TYPES if name != "名"]
    spec = Aggregate(measures=(), quantiles=tuple(Quantile(name, at) for name in names for at in AT))
    query = summary_query(spec, TYPES, 1)[0].from_(f'{LAKE}."表"')
    found = []
    for engine in (DuckDBEngine(Settings.for_tests(tmp_path)), SparkEngine(spark_url, "Asia/Shanghai")):
        found.append(
            list(engine.fetch(query, {"表": Scan((str(lake / "t.parquet"),), rows.schema)}).to_pylist()[0].values())
        )
        engine.close()
    places = [math.ceil(101 * at) - 1 for at in AT]
    assert found[0][:5] == places, "the values are 0 to 100"
    assert found[0][5:10] == [n + 0.1 for n in places]
    assert found[0][10:15] == [n / 4 for n in places]
    assert found[0][15:20] == found[0][20:] == [date(2020, 1, 1) + timedelta(days=n) for n in places]
    assert found[0] == found[1]


@pytest.mark.parametrize("asked", [Quantile("名", AT[0]), Quantile("人数", Decimal(0)), Quantile("没有", AT[0])])
def test_what_has_no_quantile_is_told(asked: Quantile) -> None:
    with pytest.raises(Invalid):
        summary_query(Aggregate(measures=(), quantiles=(asked,)), TYPES, 1)
