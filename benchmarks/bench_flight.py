"""Five million rows by Flight SQL on the loopback: what, MB/s, share of bare Flight.

Run: ``PYTHONPATH=src python benchmarks/bench_flight.py [rows] [times]``. The bar is 300 MB/s by the ADBC driver; the limit is a bare
pyarrow Flight server that hands over the same batches from memory. Each way runs in turn, so that all meet the same load.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import duckdb
import pyarrow as pa
import pyarrow.flight as fl

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "exchange"))

from exchange_bureau import OWNER, SCHEMA, Bureau, Way  # noqa: E402
from flight_clients import key_of, raw, served  # noqa: E402

from beijiang.build import build  # noqa: E402
from beijiang.kit import SYSTEM, FixedClock, new_id  # noqa: E402
from beijiang.settings import Settings  # noqa: E402
from beijiang.tables import CommitRequest, WriteMode  # noqa: E402

TABLE = "法人库"
MB = 1e6


class Bare(fl.FlightServerBase):
    """Hands over batches that it has."""

    def __init__(self, batches: list[Any]) -> None:
        super().__init__("grpc://127.0.0.1:0")
        self.batches = batches

    def do_get(self, context: Any, ticket: Any) -> Any:  # noqa: ARG002
        return fl.GeneratorStream(self.batches[0].schema, iter(self.batches))


def filled(bureau: Bureau, rows: int) -> None:
    path = Path(bureau.platform.settings.home) / "staging" / f"{new_id('f')}.parquet"
    duckdb.connect().execute(
        f"""COPY (SELECT '内蒙古第' || range || '商贸有限公司' AS "企业名称",
        (['呼和浩特市','包头市','赤峰市','通辽市'])[1 + range % 4] AS "盟市",
        printf('15010219%010d', range) AS "法定代表人证件号码", printf('138%08d', range) AS "法定代表人电话",
        ((range % 10000000) / 100)::DECIMAL(14, 2) AS "注册资本"
        FROM range({rows})) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)"""
    )
    order = CommitRequest(
        table=TABLE, org_id=OWNER, staged=(path,), schema=SCHEMA, mode=WriteMode.APPEND, run_id=new_id("run")
    )
    bureau.platform.tables.commit(SYSTEM, order)


def by_adbc(address: str, secret: str, sql: str) -> int:
    words = {"adbc.flight.sql.authorization_header": f"Bearer {secret}"}
    with adbc.connect(address, db_kwargs=words, autocommit=True) as client, client.cursor() as cursor:
        cursor.execute(sql)
        return sum(batch.nbytes for batch in cursor.fetch_record_batch())


def by_pyarrow(client: Any, ticket: Any, options: Any = None) -> int:
    return sum(chunk.data.nbytes for chunk in client.do_get(ticket, options))


def timed(work: Callable[[], int]) -> tuple[float, int]:
    begun = time.perf_counter()
    size = work()
    return size / MB / (time.perf_counter() - begun), size


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        clock = FixedClock(datetime(2026, 3, 10, 2, 0, tzinfo=UTC))
        built = build(Settings.for_tests(Path(folder), flight_rows=rows + 100), clock)
        built.first_start()
        bureau = Bureau(built, clock)
        resource_of = bureau.publish(TABLE, 30)
        filled(bureau, rows)
        bureau.granted("企业名称", "盟市", "注册资本", resource=resource_of.id, ways=frozenset({Way.SQL}))
        secret = key_of(bureau, "consumer")[1]
        texts = f"SELECT 企业名称, 盟市, 注册资本 FROM {TABLE}"
        numbers = f"SELECT 注册资本 AS a, 注册资本 * 2 AS b, CAST(注册资本 AS DOUBLE) AS c FROM {TABLE}"
        with served(bureau) as server, raw(server, secret) as ask:
            for what, sql in (("text and numbers", texts), ("numbers", numbers)):
                batches = [one.data for one in ask.stream("CommandStatementQuery", {1: sql.encode()})]
                bare = Bare(batches)
                client = fl.FlightClient(f"grpc://127.0.0.1:{bare.port}")
                ways: dict[str, Callable[[], int]] = {
                    "Flight SQL, ADBC driver": lambda sql=sql: by_adbc(server.address, secret, sql),
                    "Flight SQL, pyarrow client": lambda sql=sql: sum(
                        one.data.nbytes for one in ask.stream("CommandStatementQuery", {1: sql.encode()})
                    ),
                    "bare Flight, pyarrow client": lambda: by_pyarrow(client, fl.Ticket(b"")),  # noqa: B023 - used at once
                }
                speeds: dict[str, list[float]] = {name: [] for name in ways}
                for _ in range(times):
                    for name, work in ways.items():
                        speed, size = timed(work)
                        speeds[name].append(speed)
                limit = statistics.median(speeds["bare Flight, pyarrow client"])
                print(f"{rows} rows, {what}: {size / MB:.0f} MB, {len(batches)} batches; median of {times}")
                for name, found in speeds.items():
                    middle = statistics.median(found)
                    print(f"  {name:30} {middle:8.0f} MB/s  {middle / limit:5.2f} of the limit")
                client.close()
                bare.shutdown()
                del batches
        print(
            f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB (it holds the batches of the limit)"
        )
        print(f"pyarrow {pa.__version__}, adbc-driver-flightsql {version('adbc-driver-flightsql')}")
        built.close()


if __name__ == "__main__":
    main()
