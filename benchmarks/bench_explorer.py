"""Views of the explorer over 13 million rows against bare DuckDB over the same Parquet files, by turns in one run.

Run: ``PYTHONPATH=src python benchmarks/bench_explorer.py [rows]``. The bar is 1 s for an aggregate. Ours is the whole way: the
gate's decision, the receipt, every summary that the view needs, and the table and drawing laid out for the page. DuckDB gets one
``GROUP BY`` that an analyst would write; we also ask what a histogram and points span, and for the whole where groups are left out.
Summaries of a version are kept, so ours is asked each time with a filter of its own that every row passes; ``again`` is what is kept.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from urllib.parse import parse_qsl

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from bench_gate import house_of, paired, timed

from beijiang.kit import SYSTEM, Language, new_id
from beijiang.opendata import explorer
from beijiang.opendata.explorer import drawing
from beijiang.tables import CommitRequest, Exit, WriteMode

TABLE = "企业登记"
FILES = 13
ZONE = "Asia/Shanghai"
BAR = 1000.0
TIMES = 5
ROWS = """
SELECT '91' || lpad((i * 7919 % 1000000000000)::VARCHAR, 16, '0') AS "统一社会信用代码", '内蒙古某某企业' || i AS "企业名称",
       (['呼和浩特市','包头市','赤峰市','通辽市','鄂尔多斯市','呼伦贝尔市','巴彦淖尔市','乌兰察布市','兴安盟','锡林郭勒盟','阿拉善盟','乌海市'])
         [1 + (hash(i) % 12)::INT] AS "盟市",
       '旗县' || lpad((hash(i + 7) % 103)::VARCHAR, 3, '0') AS "旗县",
       CASE (hash(i + 3) % 20)::INT WHEN 0 THEN '吊销' WHEN 1 THEN '注销' WHEN 2 THEN '注销' ELSE '存续' END AS "状态",
       DATE '1990-01-01' + (sqrt((hash(i + 5) % 170000000)::DOUBLE))::INT AS "成立日期",
       (exp((hash(i + 9) % 1200) / 100.0))::DECIMAL(14, 2) AS "注册资本", (hash(i + 11) % 97)::BIGINT AS "从业人数",
       round(97 + (hash(i + 13) % 290000) / 10000.0, 4)::DOUBLE AS "经度",
       round(37 + (hash(i + 17) % 160000) / 10000.0, 4)::DOUBLE AS "纬度",
       'sha' AS _bj_file, i AS _bj_row
FROM range({start}, {stop}) t(i)
"""
VIEWS = {
    "bars: rows by league": ("_form=bar&_by=盟市", 'SELECT "盟市", count(*) FROM {t} GROUP BY 1 ORDER BY 2 DESC'),
    "bars: sum and mean by county": (
        "_form=bar&_by=旗县&_measure=sum:注册资本&_measure=mean:从业人数",
        'SELECT "旗县", sum("注册资本"), avg("从业人数") FROM {t} GROUP BY 1 ORDER BY 2 DESC LIMIT 31',
    ),
    "bars, filtered: sum by league": (
        "_form=bar&_by=盟市&_measure=sum:注册资本&状态__exact=存续&成立日期__gte=2015-01-01",
        'SELECT "盟市", sum("注册资本") FROM {t} WHERE "状态" = \'存续\' AND "成立日期" >= DATE \'2015-01-01\' GROUP BY 1',
    ),
    "line: rows by month": (
        "_form=line&_by=成立日期:month",
        "SELECT date_trunc('month', \"成立日期\")::DATE, count(*) FROM {t} GROUP BY 1 ORDER BY 1",
    ),
    "pivot: rows by league and year": (
        "_form=table&_by=盟市&_by=成立日期:year",
        'SELECT "盟市", date_trunc(\'year\', "成立日期")::DATE, count(*) FROM {t} GROUP BY 1, 2',
    ),
    "histogram: capital": (
        "_form=histogram&_by=注册资本:bins",
        'SELECT floor("注册资本"::DOUBLE / 10000), count(*) FROM {t} GROUP BY 1 ORDER BY 1',
    ),
    "table: median by league": (
        "_form=table&_by=盟市&_measure=median:注册资本",
        'SELECT "盟市", median("注册资本"::DOUBLE) FROM {t} GROUP BY 1',
    ),
    "table: different counties by league": (
        "_form=table&_by=盟市&_measure=distinct:旗县",
        'SELECT "盟市", count(DISTINCT "旗县") FROM {t} GROUP BY 1',
    ),
    "points: 13M gathered to 2,000": (
        "_form=points&_x=经度&_y=纬度",
        'SELECT floor("经度" / 0.68), floor("纬度" / 0.38), count(*), avg("经度"), avg("纬度") FROM {t} GROUP BY 1, 2',
    ),
}


def stage(folder: Path, rows: int) -> tuple[tuple[Path, ...], pa.Schema]:
    maker = duckdb.connect()
    paths = []
    for part in range(FILES):
        path = folder / "home" / "staging" / f"rows{part}.parquet"
        query = ROWS.format(start=rows * part // FILES, stop=rows * (part + 1) // FILES)
        maker.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)")
        paths.append(path)
    return tuple(paths), pq.read_schema(paths[0])


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 13_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        house = house_of(folder)
        started = time.perf_counter()
        staged, schema = stage(folder, rows)
        run = new_id("run")
        house.tables.commit(
            SYSTEM,
            CommitRequest(
                table=TABLE, org_id="market", staged=staged, schema=schema, mode=WriteMode.APPEND, run_id=run
            ),
        )
        print(
            f"{platform.machine()}, {os.cpu_count()} cores; {rows:,} rows made and committed in {time.perf_counter() - started:.0f} s"
        )
        files = list(house.lake.snapshot(TABLE).files)
        bare = duckdb.connect(config={"threads": os.cpu_count() or 1})
        bare.execute("SET parquet_metadata_cache=true")
        source = f"read_parquet({files!r}, hive_partitioning=false)"

        def ours(query: str) -> explorer.Answer:
            governed = house.gate.open(house.reviewer, TABLE, "基准", Exit.CHART)
            found = explorer.compute(governed, explorer.parse(parse_qsl(query)), ZONE)
            drawing.grid(found, Language.ZH), drawing.drawing(found, Language.ZH)
            return found

        _check(ours, bare, source)
        print(
            f"| {'what':36} | {'ours ms':>8} | {'DuckDB ms':>9} | {'ratio':>5} | {'bar ms':>6} | {'again ms':>8} | {'load':>4} |"
        )
        numbers = count(1)
        for what, (query, sql) in VIEWS.items():
            plain = sql.format(t=source)
            fresh = lambda q=query: ours(f"{q}&从业人数__gte=-{next(numbers)}")  # noqa: E731 - one of two questions
            mine, theirs, ratio = paired(fresh, lambda s=plain: bare.sql(s).to_arrow_table(), TIMES)
            again = min(timed(lambda q=query: ours(q)) for _ in range(TIMES))
            print(
                f"| {what:36} | {mine:8.0f} | {theirs:9.0f} | {ratio:5.2f} | {BAR:6.0f} | {again:8.0f} | {os.getloadavg()[0]:4.0f} |"
                f"{'' if mine < BAR else ' over the bar'}",
                flush=True,
            )
        house.close()


def _check(ours: Callable[[str], explorer.Answer], bare: duckdb.DuckDBPyConnection, source: str) -> None:
    """Insist that both give the same numbers before anything is timed."""
    query, sql = VIEWS["bars: rows by league"]
    assert dict(ours(query).rows) == dict(bare.sql(sql.format(t=source)).fetchall())


if __name__ == "__main__":
    main()
