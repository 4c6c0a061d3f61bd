"""The quick way to trim a text gives what the engine's own TRIM gives, on both engines, whatever stands at its ends."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from beijiang.engine import Engine, Scan
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.engine.spark import SparkEngine
from beijiang.engine.trimming import trimmed
from beijiang.settings import Settings

BLANKS = ["", " ", "\t", "\n", "\u00a0", "\u1680", "\u2003", "\u200b", "\u202f", "\u205f", "\u3000", "\u0085", "\x01"]
CORES = ["", "a", "150102", "内蒙古", "内 蒙", "é", "é1", "a内", "内a", "𠀀", "\u3001内", "~", "\u009f", "\ufeff", "!"]
VALUES: list[str | None] = [None, *(f"{start}{core}{end}" for start in BLANKS for core in CORES for end in BLANKS)]


def differing(engine: Engine, scan: Scan) -> list[object]:
    column = exp.column("v")
    own = exp.Trim(this=column.copy())
    different = exp.NullSafeNEQ(this=trimmed(column), expression=own)
    query = exp.select("v").from_(exp.table_("t", db="lake")).where(different)
    return engine.fetch(query, {"t": scan}).column(0).to_pylist()


def test_the_quick_way_trims_what_the_engines_trim(tmp_path: Path, spark_url: str) -> None:
    settings = Settings.for_tests(tmp_path)
    place = tmp_path / "home" / "lake" / "t.parquet"
    place.parent.mkdir(parents=True)
    table = pa.table({"v": pa.array(VALUES, pa.string())})
    pq.write_table(table, place)
    scan = Scan((str(place),), table.schema)
    for engine in (DuckDBEngine(settings), SparkEngine(spark_url, settings.time_zone)):
        counted = engine.fetch(exp.select(exp.Count(this=exp.Star())).from_(exp.table_("t", db="lake")), {"t": scan})
        assert counted.column(0).to_pylist() == [len(VALUES)]
        assert differing(engine, scan) == []
        engine.close()
