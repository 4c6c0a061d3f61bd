"""Another catalog of 30,000 and of 300,000 records, harvested whole and harvested again: rate and peak memory.

    PYTHONPATH=src python benchmarks/bench_harvest.py [records ...]

The catalog is a real HTTP server in a process of its own that makes CKAN packages as they are asked for. Each size runs in
a process of its own, so that its peak is its own; the same peak at ten times the records is what constant memory means.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from report import Line, peak_rss_mib, show

LIMIT_MIB = 500
PAGE = 500


def package(n: int) -> dict[str, Any]:
    files = [
        {"id": f"r{n}-{i}", "name": f"数据 {i}", "format": "CSV", "url": f"https://data.example.cn/{n}/{i}.csv"}
        for i in range(3)
    ]
    return {
        "id": f"pkg-{n:08}", "name": f"set-{n}", "title": f"内蒙古数据集 {n}", "notes": "各旗县年度统计，含说明与口径。" * 8,
        "license_id": "cc-by", "organization": {"title": f"厅局 {n % 60}"}, "groups": [{"title": "教育"}], "tags": [{"name": "统计"}],
        "extras": [{"key": "frequency", "value": "annual"}, {"key": "spatial-text", "value": "呼和浩特市"}], "resources": files,
    }  # fmt: skip


def serve(records: int, told: Connection) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            return

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            begin, rows = int(query["start"][0]), int(query["rows"][0])
            found = [package(n) for n in range(begin, min(begin + rows, records))]
            body = json.dumps(
                {"success": True, "result": {"count": records, "results": found}}, ensure_ascii=False
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.send(server.server_address[1])
    server.serve_forever()


def harvest(records: int, port: int, told: Connection) -> None:
    from beijiang.build import build
    from beijiang.ingest import SourceDraft
    from beijiang.kit import SYSTEM
    from beijiang.outbound import Target
    from beijiang.settings import Settings

    with tempfile.TemporaryDirectory(prefix="bj-bench-") as folder:
        platform = build(Settings.for_tests(Path(folder) / "home"))
        platform.first_start()
        platform.sources.allow(SYSTEM, Target(host="127.0.0.1", port=port, network="127.0.0.0/8"), "bench")
        options = {"url": f"http://127.0.0.1:{port}", "page": PAGE}
        platform.sources.add(SYSTEM, SourceDraft(name="目录", kind="ckan", org_id="education", options=options))
        platform.jobs.start_worker()
        seconds = []
        for kind in ("added", "unchanged"):
            begin = time.perf_counter()
            run = platform.harvests.wait(SYSTEM, platform.harvests.run(SYSTEM, "目录"))
            seconds.append(time.perf_counter() - begin)
            if run.counts[kind] != records:
                raise SystemExit(f"{run.state}: {run.error} {run.counts}")
        told.send((seconds, peak_rss_mib()))
        platform.jobs.stop()
        platform.close()


def measured(records: int) -> tuple[list[float], float]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(records, theirs), daemon=True)
    server.start()
    port = ours.recv()
    ours2, theirs2 = context.Pipe()
    worker = context.Process(target=harvest, args=(records, port, theirs2))
    worker.start()
    seconds, peak = ours2.recv()
    worker.join()
    server.terminate()
    return seconds, peak


def main(sizes: list[int]) -> None:
    lines, peaks = [], []
    for records in sizes:
        (first, again), peak = measured(records)
        peaks.append(peak)
        limit = 600 * records / 300_000
        lines += [
            Line(f"{records:,} records taken over", first, "10 min per 300,000:", limit, 1.0),
            Line(f"{records:,} records again, nothing changed", again, "10 min per 300,000:", limit, 1.0),
            Line(f"{records:,} records, peak memory", peak, "limit", LIMIT_MIB, 1.0, "MiB"),
        ]
    if len(peaks) > 1:
        lines.append(Line("peak of the last size", peaks[-1], "the first", peaks[0], 1.2, "MiB"))
    show("Harvest of another catalog (CKAN)", lines)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [30_000, 300_000])
