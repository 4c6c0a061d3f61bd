"""Twenty analysts at once, each asking 30 different queries of 5 million governed rows over HTTP: errors, p50, p95.

Run: ``PYTHONPATH=src python benchmarks/bench_analysts.py [rows] [analysts]``. Every analyst asks all queries once, in an
order of his own, each as soon as the last was answered; with the answers that are kept, and without. The limit is bare
DuckDB over the same files in this process: the same queries one after the other, no gate, no HTTP, no child.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent))
from asked import QUERIES, bare, prepare
from report import Line, show

READY_SECONDS = 120.0


def ask(port: int, key: str, queries: list[str], told: list[tuple[float, int, str]]) -> None:
    """Ask one query after the other on one kept-alive connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for query in queries:
        begin = time.perf_counter()
        connection.request("POST", "/api/v1/sql", json.dumps({"sql": query, "purpose": "bench"}), headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        code = body["error"]["code"] if answer.status >= 400 else ""
        told.append((time.perf_counter() - begin, answer.status, code))
    connection.close()


def crowd(home: Path, keys: list[str], cache_mb: int) -> tuple[list[tuple[float, int, str]], float]:
    """Serve the home in a process of its own, let everybody ask, and return what was told and how long it took."""
    with socket_port() as port:
        command = [sys.executable, "-m", "beijiang.cli", "--home", str(home), "serve", "--port", str(port)]
        environment = {**os.environ, "BEIJIANG_QUERY_CACHE_MB": str(cache_mb)}
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                wait_for(port)
                told: list[tuple[float, int, str]] = []
                threads = []
                for number, key in enumerate(keys):
                    order = random.Random(number).sample(QUERIES, len(QUERIES))  # noqa: S311 - an order, no secret
                    threads.append(threading.Thread(target=ask, args=(port, key, order, told)))
                begin = time.perf_counter()
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                return told, time.perf_counter() - begin
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(60)


class socket_port:  # noqa: N801 - reads as a word below
    """A free port of this machine."""

    def __enter__(self) -> int:
        import socket

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return int(free.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        return None


def wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit("the server did not come up")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    analysts = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory() as name:
        platform, keys, _ = prepare(Path(name), rows, analysts)
        home = platform.settings.home
        plain = bare(platform)
        platform.close()
        engine = duckdb.connect(config={"threads": os.cpu_count() or 1})
        limits = []
        for sql in plain.values():
            begin = time.perf_counter()
            engine.sql(sql).limit(1001).to_arrow_table()
            limits.append(time.perf_counter() - begin)
        engine.close()
        bare_wall = sum(limits) * analysts
        lines = []
        for cache, words in ((0, "no answer kept"), (64, "answers kept")):
            told, wall = crowd(home, keys, cache)
            bad = Counter(code or str(status) for _, status, code in told if status != 200)
            times = sorted(took for took, _, _ in told)
            p95 = statistics.quantiles(times, n=20)[18]
            print(f"{words}: {len(told)} answers, errors {sum(bad.values())} {dict(bad)}, {len(told) / wall:.1f}/s")
            lines += [
                Line(f"{words}: all {len(told)} queries", wall, "bare DuckDB, in turn", bare_wall, 3.0),
                Line(
                    f"{words}: p50",
                    statistics.median(times),
                    "bare DuckDB median x crowd",
                    statistics.median(limits) * analysts,
                    3.0,
                ),
                Line(
                    f"{words}: p95",
                    p95,
                    "bare DuckDB p95 x crowd",
                    statistics.quantiles(limits, n=20)[18] * analysts,
                    3.0,
                ),
            ]
            assert not bad, bad
        show(f"{analysts} analysts, {len(QUERIES)} queries each, {rows:,} rows", lines)


if __name__ == "__main__":
    main()
