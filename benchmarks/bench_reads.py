"""Reads through the engine port against bare DuckDB over the same files, and what a commit costs; one run, one machine.

    PYTHONPATH=src python benchmarks/bench_reads.py [rows]

The governed-like query is what the gate makes: masked columns as expressions and a literal row filter, as a sqlglot tree.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot

from beijiang.access import Access
from beijiang.db import Database
from beijiang.engine import Scan
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.evidence import Evidence
from beijiang.kit import SYSTEM, Actor, SystemClock, new_id
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, Exit, GovernedTable, Lake, Tables, WriteMode

TABLE = "企业登记"
ROWS = """
SELECT '91' || lpad((i * 7919 % 1000000000000)::VARCHAR, 16, '0') AS "统一社会信用代码", '内蒙古某某企业' || i AS "企业名称",
       '张' || chr((19968 + i % 3000)::INT) AS "法定代表人", (150000 + i % 900)::VARCHAR AS "行政区划代码",
       '1' || lpad((i * 31 % 10000000000)::VARCHAR, 10, '0') AS "联系电话", (i % 100000)::DECIMAL(14, 2) AS "注册资本",
       DATE '2000-01-01' + (i % 8000)::INT AS "成立日期", '呼和浩特市赛罕区某街道' || i % 500 || '号' AS "住所",
       (i % 97)::BIGINT AS "从业人数", CASE i % 3 WHEN 0 THEN '存续' WHEN 1 THEN '注销' ELSE '吊销' END AS "状态",
       'sha' AS _bj_file, i AS _bj_row
FROM range({start}, {stop}) t(i)
"""
MASKED = """
SELECT "统一社会信用代码", "企业名称", left("法定代表人", 1) || '**' AS "法定代表人", "行政区划代码",
       left("联系电话", 3) || '****' || right("联系电话", 4) AS "联系电话", "注册资本", "成立日期", "住所", "从业人数", "状态", _bj_row
FROM {source} WHERE "行政区划代码" IN ({codes})
"""
PAGE = "SELECT * FROM ({masked}) AS g WHERE _bj_row > {after} ORDER BY _bj_row LIMIT 100"
AGGREGATE = 'SELECT "状态", "从业人数", count(*) AS n, sum("注册资本") AS s, avg("注册资本") AS a FROM ({masked}) AS g GROUP BY 1, 2'
POINT = "SELECT * FROM ({masked}) AS g WHERE \"统一社会信用代码\" = '910000000000007919' LIMIT 100"
CODES = ", ".join(f"'{150000 + k}'" for k in range(0, 900, 3))


class NoReader:
    """Nobody reads through ``Tables`` here: the engine is what is measured."""

    def open(self, actor: Actor, table: str, purpose: str, exit: Exit, version: int | None = None) -> GovernedTable:  # noqa: A002
        del actor, purpose, exit, version
        raise LookupError(table)


def median(work: Callable[[], object], times: int) -> float:
    work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def alternate(ours: Callable[[], object], peer: Callable[[], object], times: int) -> tuple[float, float]:
    """Measure both by turns, so that a busy moment of the machine hits both."""
    ours(), peer()
    mine, theirs = [], []
    for _ in range(times):
        mine.append(median_once(ours))
        theirs.append(median_once(peer))
    return statistics.median(mine), statistics.median(theirs)


def median_once(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def line(what: str, ours: float, peer: float, limit: str) -> None:
    print(f"| {what:<44} | {ours * 1000:9.1f} | {peer * 1000:9.1f} | {ours / peer:5.2f} | {limit:<8} |")


def reads(engine: DuckDBEngine, scan: Scan) -> None:
    bare = duckdb.connect()
    source = f"read_parquet({list(scan.files)})"
    scans: Mapping[str, Scan] = {TABLE: scan}
    for what, template, times in (
        ("100-row page by keyset", PAGE, 40),
        ("aggregate, two groups, three measures", AGGREGATE, 15),
        ("point look-up by credit code", POINT, 20),
    ):
        after = scan_rows(scan) // 2
        governed = template.format(masked=MASKED.format(source=f'lake."{TABLE}"', codes=CODES), after=after)
        plain = template.format(masked=MASKED.format(source=source, codes=CODES), after=after)
        tree: Any = sqlglot.parse_one(governed, dialect="duckdb")

        def ours(tree: Any = tree) -> object:
            return engine.fetch(tree, scans)

        def peer(plain: str = plain) -> object:
            return bare.cursor().sql(plain).to_arrow_table()

        assert ours().sort_by("_bj_row" if template != AGGREGATE else "n").num_rows == peer().num_rows  # type: ignore[attr-defined]
        line(what, *alternate(ours, peer, times), "-" if template == POINT else "<= 1.2")
    tree = sqlglot.parse_one(f'SELECT count(*) AS n FROM lake."{TABLE}"', dialect="duckdb")
    direct = f"SELECT count(*) AS n FROM {source}"
    line(
        "count of all rows",
        *alternate(lambda: engine.fetch(tree, scans), lambda: bare.cursor().sql(direct).to_arrow_table(), 20),
        "-",
    )


def untrusted(engine: DuckDBEngine, scan: Scan) -> None:
    text = f'SELECT "状态", count(*) AS n FROM memory.lake."{TABLE}" GROUP BY 1'
    tree: Any = sqlglot.parse_one(text, dialect="duckdb")
    taken = []
    for _ in range(8):
        engine._cells.warm()  # noqa: SLF001 - the pause between two people's queries
        time.sleep(0.6)
        taken.append(median_once(lambda: engine.run_untrusted(tree, {TABLE: scan})))
    line("untrusted SQL in a warm child", statistics.median(taken), 0.150, "<= 150ms")


def big_merge(tables: Tables, staging: Path, rows: int) -> None:
    """Merge 5 % changed rows, spread over the newest fifth of the table, and compact; the peer writes the whole table."""
    part = staging / "changed.parquet"
    query = ROWS.format(start=rows - rows // 20, stop=rows).replace("'存续'", "'在业'")
    bare = duckdb.connect()
    bare.execute(f"COPY ({query}) TO '{part}' (FORMAT parquet, COMPRESSION zstd)")
    snapshot = tables._lake.snapshot(TABLE)  # noqa: SLF001 - the peer needs the files
    target = staging / "whole.parquet"
    whole = median_once(
        lambda: bare.execute(
            f"COPY (FROM read_parquet({list(snapshot.files)})) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )
    )
    request = CommitRequest(
        table=TABLE,
        org_id="org",
        staged=(part,),
        schema=pq.read_schema(part),
        mode=WriteMode.MERGE,
        run_id=new_id("run"),
        key=("统一社会信用代码",),
    )
    line("merge of 5 % into all rows", median_once(lambda: tables.commit(SYSTEM, request)), whole, "-")
    line("compaction of all rows, sorted by key", median_once(lambda: tables.compact(SYSTEM, TABLE)), whole, "-")


def scan_rows(scan: Scan) -> int:
    return sum(pq.read_metadata(path).num_rows for path in scan.files)


def commits(tables: Tables, staging: Path, million: Path) -> None:
    schema = pq.read_schema(million)
    bare = duckdb.connect()
    target = staging / "bare.parquet"

    def write() -> object:
        return bare.execute(f"COPY (FROM '{million}') TO '{target}' (FORMAT parquet, COMPRESSION zstd)")

    def commit(name: str, *, key: tuple[str, ...] = (), mode: WriteMode = WriteMode.APPEND) -> object:
        request = CommitRequest(
            table=name, org_id="org", staged=(million,), schema=schema, mode=mode, run_id=new_id("run"), key=key
        )
        return tables.commit(SYSTEM, request)

    bare_write = median(write, 3)
    line("commit 1M x 10, append", median(lambda: commit("甲"), 5), bare_write, "< 1")
    started = time.perf_counter()
    commit("乙", key=("统一社会信用代码",))
    line("commit 1M x 10, first, with a key to check", time.perf_counter() - started, bare_write, "-")
    merged = median_once(lambda: commit("乙", mode=WriteMode.MERGE))
    line("merge of the same 1M (nothing to change)", merged, bare_write, "-")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.for_tests(Path(folder), engine_memory_mb=4096)
        staging = settings.home / "staging"
        staging.mkdir(parents=True)
        engine = DuckDBEngine(settings)
        db, clock = Database(settings.metadata_url), SystemClock()
        db.create_all()
        evidence = Evidence(db, clock)
        lake = Lake(settings.home / "lake", db)
        access = Access(db, evidence, clock, settings)
        tables = Tables(
            db=db, lake=lake, engine=engine, access=access, evidence=evidence, clock=clock, policy=NoReader()
        )
        maker = duckdb.connect()
        parts = []
        for number, start in enumerate(range(0, rows, 1_000_000)):
            part = staging / f"{number}.parquet"
            query = ROWS.format(start=start, stop=min(start + 1_000_000, rows))
            maker.execute(f"COPY ({query}) TO '{part}' (FORMAT parquet, COMPRESSION zstd)")
            parts.append(part)
        schema: pa.Schema = pq.read_schema(parts[0])
        tables.commit(
            SYSTEM,
            CommitRequest(
                table=TABLE, org_id="org", staged=tuple(parts), schema=schema, mode=WriteMode.APPEND, run_id="run_1"
            ),
        )
        snapshot = lake.snapshot(TABLE)
        print(
            f"\n{rows:,} rows x 10 columns in {len(snapshot.files)} files; {os.cpu_count()} cores, {platform.machine()}\n"
        )
        print(f"| {'what':<44} | {'ours ms':>9} | {'peer ms':>9} | ratio | {'limit':<8} |")
        print(f"|{'-' * 46}|{'-' * 11}|{'-' * 11}|{'-' * 7}|{'-' * 10}|")
        reads(engine, lake.scan(snapshot))
        untrusted(engine, lake.scan(snapshot))
        if rows >= 1_000_000:
            commits(tables, staging, parts[0])
            big_merge(tables, staging, rows)
        engine.close()


if __name__ == "__main__":
    main()
