"""Delta Sharing: 5 million rows read by the public client from us, and by the same client from a plain static server with the same files.

Run: ``PYTHONPATH=src python benchmarks/bench_sharing.py [rows]``. The client (PyPI ``delta-sharing``) stands in ``var/test-share``, which
``tests/exchange/test_share_client.py`` makes. The static server answers with the same lines and the same Parquet files, asks nobody
and records nothing: what lies between is the price of asking at every request. The bar is 1.5. The copy is made once, by the first query;
its time stands beside a plain copy of the same Parquet by pyarrow, and the memory that it takes beside a limit.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "exchange"))
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import uvicorn
from exchange_bureau import OWNER, Bureau
from report import Line, peak_rss_mib, show
from share_reader import recipient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from beijiang.app import create_app
from beijiang.build import build
from beijiang.catalog import ItemEdit, ShareType
from beijiang.exchange import Way
from beijiang.kit import SYSTEM, FixedClock, SystemClock, new_id
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode
from beijiang.worker import address_of, listen

PYTHON = Path(__file__).parents[1] / "var" / "test-clients" / "bin" / "python"
TABLE, CITIES = "企业经营月报", ("呼和浩特市", "包头市", "赤峰市", "通辽市")
SCHEMA = pa.schema(
    [
        ("企业", pa.string()),
        ("盟市", pa.string()),
        ("用电量", pa.int64()),
        ("产值", pa.float64()),
        ("日期", pa.date32()),
    ]
)
PIECE = 500_000
CLIENT = """
import sys, time, delta_sharing
begin = time.perf_counter()
frame = delta_sharing.load_as_pandas(sys.argv[1], use_delta_format=sys.argv[2] == "delta")
print(len(frame), time.perf_counter() - begin)
"""


def pieces(count: int) -> Iterator[pa.Table]:
    for begin in range(0, count, PIECE):
        numbers = range(begin, min(count, begin + PIECE))
        columns = [
            pa.array([f"内蒙古第{n % 90_000}商贸有限公司" for n in numbers]),
            pa.array([CITIES[n % 4] for n in numbers]),
            pa.array([n * 7 % 100_003 for n in numbers]),
            pa.array([n * 1.25 for n in numbers]),
            pa.array([date(2026, 1, 1) + timedelta(days=n % 300) for n in numbers]),
        ]
        yield pa.Table.from_arrays(columns, schema=SCHEMA)


@contextmanager
def serving(app: Any, listener: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield address_of(listener)
    server.should_exit = True
    thread.join(30)


def static(answer: str, files: dict[str, Path]) -> Starlette:
    """Return a server that says what it was given, and serves files as they lie there."""

    def told(_: Request) -> Response:
        return Response(answer, media_type="application/x-ndjson", headers={"Delta-Table-Version": "1"})

    def file(request: Request) -> Response:
        return FileResponse(files[request.path_params["name"]])

    return Starlette(
        routes=[
            Route("/share/files/{name}", file),
            Route("/share/{rest:path}", told, methods=["GET", "POST"]),
        ]
    )


def read(profile: Path, rows: int, form: str) -> float:
    """Return the seconds that the client takes, measured by itself: its own start is no matter of a server."""
    at = f"{profile}#supervision.{OWNER}.{TABLE}"
    done = subprocess.run([str(PYTHON), "-c", CLIENT, at, form], capture_output=True, text=True, check=True)
    count, seconds = done.stdout.split()[-2:]
    assert int(count) == rows, done.stdout
    return float(seconds)


def each(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def in_turn(ours: Path, theirs: Path, count: int) -> tuple[float, float]:
    """Return the median seconds of both, read by turns, so that whatever else the machine does meets both."""
    times: dict[Path, list[float]] = {ours: [], theirs: []}
    for number in range(4):  # the first round warms both
        for one, found in times.items():
            seconds = read(one, count, "parquet")
            found.extend([seconds] if number else [])
    return statistics.median(times[ours]), statistics.median(times[theirs])


def copied(source: Path, target: Path) -> None:
    with pq.ParquetFile(source) as read_from, pq.ParquetWriter(target, SCHEMA, compression="zstd") as writer:
        for batch in read_from.iter_batches(65_536):
            writer.write_batch(batch)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listener = listen("127.0.0.1", 0)
        clock = FixedClock(SystemClock().now())
        platform = build(Settings.for_tests(folder, public_url=address_of(listener)), clock)
        platform.first_start()
        bureau = Bureau(platform, clock)
        staged = folder / "home" / "staging" / f"{new_id('f')}.parquet"
        with pq.ParquetWriter(staged, SCHEMA, compression="zstd") as writer:
            for piece in pieces(count):
                writer.write_table(piece)
        plain = each(lambda: copied(staged, folder / "plain"), 1)

        def write(table: str, rows: object) -> None:
            del rows
            order = CommitRequest(
                table=table, org_id=OWNER, staged=(staged,), schema=SCHEMA, mode=WriteMode.APPEND, run_id=new_id("run")
            )
            platform.tables.commit(SYSTEM, order)

        bureau.write = write  # type: ignore[method-assign]
        resource = bureau.publish(TABLE, 0, items=(ItemEdit(column="企业", share_type=ShareType.UNCONDITIONAL),))
        bureau.granted("盟市", "用电量", "产值", "日期", resource=resource.id, ways=frozenset({Way.DELTA}))
        reader = recipient(bureau, "consumer")
        profile = folder / "ours.share"
        profile.write_text(json.dumps(reader.profile.to_json()))
        before = peak_rss_mib()
        begin = time.perf_counter()
        answer = reader.query(table=TABLE)
        first = time.perf_counter() - begin
        grown = peak_rss_mib() - before
        assert answer.status_code == 200, answer.text
        links = [json.loads(line)["file"] for line in answer.text.splitlines()[2:]]
        shelf = folder / "home" / "cache" / "shares"
        files, told = {}, answer.text
        peer = listen("127.0.0.1", 0)
        for link in links:
            copy, _, number = link["id"].rpartition("-")
            files[link["id"]] = shelf / copy / f"part-{int(number):05}.parquet"
            told = told.replace(link["url"], f"{address_of(peer)}/share/files/{link['id']}")
        theirs = folder / "theirs.share"
        theirs.write_text(json.dumps({**reader.profile.to_json(), "endpoint": f"{address_of(peer)}/share"}))
        size = sum(link["size"] for link in links) / 2**20
        with serving(create_app(platform), listener), serving(static(told, files), peer) as other:
            ours, least = in_turn(profile, theirs, count)
            with httpx.Client() as client:
                byte = {"Range": "bytes=0-0"}
                mine = each(lambda: client.get(links[0]["url"], headers=byte).raise_for_status(), 50)
                plain_get = each(lambda: client.get(f"{other}/share/files/{links[0]['id']}", headers=byte), 50)
        show(
            f"Delta Sharing: {count:,} rows, {len(links)} files, {size:.0f} MiB",
            [
                Line("the public client reads all rows (pandas)", ours, "static server", least, 1.5),
                Line("one byte of a file, asked and recorded", mine * 1e3, "static server", plain_get * 1e3, 1.5, "ms"),
                Line("the first query, which makes the copy", first, "a copy by pyarrow", plain, 4.0),
                Line("memory that making the copy takes", grown, "limit", 1024.0, 1.0, "MiB"),
            ],
        )
        platform.close()


if __name__ == "__main__":
    main()
