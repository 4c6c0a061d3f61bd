"""Governed reads of 5 million rows against bare DuckDB over the same files: what, ours, DuckDB, ratio.

Run: ``PYTHONPATH=src python benchmarks/bench_gate.py [rows]``. The bar is 1.2x for the aggregate and the first page.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.kit import SYSTEM, new_id
from beijiang.tables import (
    Aggregate,
    CommitRequest,
    Exit,
    Filter,
    FilterOp,
    GroupBy,
    Measure,
    MeasureFn,
    WriteMode,
)

ROOT = Path(__file__).parents[1]
TABLE = "法人库"


def house_of(folder: Path):  # noqa: ANN201
    spec = importlib.util.spec_from_file_location("house", ROOT / "tests" / "protection" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["house"] = module
    spec.loader.exec_module(module)
    return module.open_house(folder)


def stage(folder: Path, rows: int) -> tuple[tuple[Path, ...], pa.Schema]:
    path = folder / "home" / "staging" / "rows.parquet"
    maker = duckdb.connect()
    maker.execute(
        f"""COPY (SELECT printf('91150102MA%08d', range) AS "统一社会信用代码",
        '内蒙古第' || range || '商贸有限公司' AS "企业名称",
        (['王','李','张','刘','陈'])[1 + range % 5] || (['伟','芳','娜','敏'])[1 + range % 4] AS "法定代表人",
        (['呼和浩特市','包头市','赤峰市','通辽市'])[1 + range % 4] AS "盟市",
        DATE '2000-01-01' + (range % 9000)::INT AS "成立日期", (range % 100000)::DOUBLE AS "注册资本",
        'f0' AS _bj_file, range AS _bj_row FROM range({rows})) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)"""
    )
    return (path,), pq.read_schema(path)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def paired(ours: Callable[[], object], theirs: Callable[[], object], times: int = 15) -> tuple[float, float, float]:
    """Return the medians of both in milliseconds and of their ratios; they run in turn, so that both meet the same load."""
    ours(), theirs()
    pairs = [(timed(ours), timed(theirs)) for _ in range(times)]
    median = statistics.median
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(a / b for a, b in pairs)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        house = house_of(folder)
        staged, schema = stage(folder, rows)
        start = time.perf_counter()
        house.tables.commit(
            SYSTEM,
            CommitRequest(
                table=TABLE, org_id="market", staged=staged, schema=schema, mode=WriteMode.APPEND, run_id=new_id("run")
            ),
        )
        print(f"commit and grading of {rows:,} rows: {time.perf_counter() - start:.1f} s")
        files = list(house.lake.snapshot(TABLE).files)
        bare = duckdb.connect(config={"threads": 2})
        bare.execute("SET parquet_metadata_cache=true")
        source = f"read_parquet({files!r}, hive_partitioning=false)"
        columns = [c.name for c in house.gate.open(house.reviewer, TABLE, "", Exit.PAGE).columns]
        shown = ", ".join(f'"{c}"' for c in columns)
        governed = house.gate.open(house.reviewer, TABLE, "基准", Exit.CHART)
        spec = Aggregate(
            group=(GroupBy("盟市"),),
            measures=(Measure(MeasureFn.COUNT), Measure(MeasureFn.SUM, "注册资本")),
            order=((0, False),),
        )
        by_mask = Aggregate(group=(GroupBy("法定代表人"),))
        point = [Filter("统一社会信用代码", FilterOp.EQ, f"91150102MA{rows // 2:08d}")]
        cases: list[tuple[str, Callable[[], object], str]] = [
            (
                "group by, sum",
                lambda: governed.aggregate(spec),
                f'SELECT "盟市", count(*), sum("注册资本") FROM {source} GROUP BY 1 ORDER BY 1',
            ),
            (
                "group by a masked column",
                lambda: governed.aggregate(by_mask),
                f'SELECT left("法定代表人", 1) || repeat(\'*\', length("法定代表人") - 1), count(*) FROM {source} GROUP BY 1',
            ),
            (
                "first page of 100",
                lambda: governed.page(limit=100),
                f"SELECT {shown} FROM {source} LIMIT 101",
            ),
            (
                "the same with decision and receipt",
                lambda: house.gate.open(house.reviewer, TABLE, "", Exit.ROW_API).page(limit=100),
                f"SELECT {shown} FROM {source} LIMIT 101",
            ),
            (
                "point look-up",
                lambda: governed.page(filters=point),
                f"SELECT {shown} FROM {source} WHERE \"统一社会信用代码\" = '{point[0].value}' LIMIT 101",
            ),
        ]
        print(f"{'what':38} {'ours ms':>9} {'duckdb ms':>10} {'ratio':>6}")
        for what, ours, sql in cases:
            mine, theirs, ratio = paired(ours, lambda sql=sql: bare.sql(sql).to_arrow_table())
            print(f"{what:38} {mine:9.1f} {theirs:10.1f} {ratio:6.2f}")
        house.close()


if __name__ == "__main__":
    main()
