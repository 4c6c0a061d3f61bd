"""Rows into a consumer's MariaDB, as a stream and by inserts, against LOAD DATA of the same rows by its own client.

    PYTHONPATH=src python benchmarks/bench_push_mysql.py [rows]

The server is Debian's mariadb-server as a throw-away instance. Each way is told by the clock and by the processor of this process
alone. What is delivered is staged, brought into the table by key and listed in one transaction; the client fills a keyed table.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pymysql
from bench_mysql import mariadb
from bench_push import COLUMNS, made
from report import Line, peak_rss_mib, show

from beijiang.ingest.connectors.destination import Parcel, specs_of
from beijiang.ingest.connectors.mysql import MySQLOptions
from beijiang.ingest.connectors.mysql_stream import written
from beijiang.ingest.connectors.mysql_there import MySQLDestination
from beijiang.outbound import Outbound, Target, Use

KEY = COLUMNS[0]


def main(rows: int) -> None:
    goods = made(rows, 1).select([*COLUMNS])
    with tempfile.TemporaryDirectory(prefix="bj-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "maria").mkdir()
        folder.chmod(0o755)
        with mariadb(folder / "maria") as where:
            statements(where, "CREATE DATABASE d CHARACTER SET utf8mb4")
            stream = delivered(where, goods, "streamed")
            client = loaded_by_client(where, goods, folder / "rows")
            statements(where, "SET GLOBAL local_infile = 0")
            inserts = delivered(where, goods, "inserted")
    show(
        f"{rows:,} rows x {len(COLUMNS)} columns to MariaDB; peak {peak_rss_mib():,.0f} MiB",
        [
            Line("delivered as a stream", stream[0], "LOAD DATA by its client", client, 0.4, at_least=True),
            Line("delivered by inserts", inserts[0], "LOAD DATA by its client", client, 0.1, at_least=True),
            Line("a stream, processor of this process", stream[1], "inserts, the same", inserts[1], 2.0, at_least=True),
        ],
    )


def statements(where: Path, *words: str) -> None:
    with pymysql.connect(unix_socket=str(where), user="root", autocommit=True) as connection:
        for word in words:
            connection.cursor().execute(word)


def delivered(where: Path, goods: pa.Table, table: str) -> tuple[float, float]:
    """Bring all rows to a table that is made for them; return seconds and processor seconds."""
    options = MySQLOptions.model_validate({"host": str(where), "database": "d", "user": "root", "tls": "off"})
    target = Target(folder=str(where.parent), uses=frozenset({Use.PUSH}))
    there = MySQLDestination(options, Outbound(lambda: [target]).bound(Use.PUSH, "education"))
    parcel = Parcel(
        id=table, push=table, sequence=1, table=table, version=1, before=None, key=(KEY,), schema=goods.schema,
        target=table, at=datetime.now(UTC),
    )  # fmt: skip
    began, used = time.perf_counter(), time.process_time()
    done = there.deliver(parcel, iter(goods.to_batches(max_chunksize=65_536)))
    assert done.rows == goods.num_rows
    return time.perf_counter() - began, time.process_time() - used


def loaded_by_client(where: Path, goods: pa.Table, path: Path) -> float:
    """Return the seconds that the server's own client takes to load the same lines from a file into a keyed table."""
    with path.open("wb") as file:
        file.writelines(written(goods.to_batches(), specs_of(goods.schema), "Asia/Shanghai"))
    statements(where, "CREATE TABLE d.raw LIKE d.streamed")
    began = time.perf_counter()
    words = ["mariadb", "--no-defaults", f"--socket={where}", "-uroot", "--local-infile=1", "d"]
    order = f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE raw CHARACTER SET utf8mb4"
    subprocess.run([*words, "-e", order], check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
