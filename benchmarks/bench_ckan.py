"""CKAN's datastore over HTTP, on a table of some million rows: first page, deep page, a word, and what the engine needs alone.

    PYTHONPATH=src python benchmarks/bench_ckan.py [rows]

Ours is ``beijiang serve``: each answer has passed the gate and left its evidence. The limit of a page is 50 ms (interop.md, issue 6),
and beside it stands the same page from our own row API, which the same server gives in the same run.
"""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from bench_rows import fill, free_port, served
from report import Line, show

LIMIT = 50.0
TIMES = 30


class Api:
    """One kept-alive connection to the API."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def median(self, path: str, rows: int, **asked: str) -> float:
        """Return the median milliseconds of an answer that has so many rows."""
        target = f"{path}?{urlencode(asked)}"
        taken = []
        for turn in range(TIMES + 3):
            begin = time.perf_counter()
            self.connection.request("GET", target)
            body = self.connection.getresponse().read()
            spent = (time.perf_counter() - begin) * 1000
            found = json.loads(body)
            got = found["result"]["records"] if "result" in found else found["rows"]
            assert len(got) == rows, body[:300]
            taken += [spent] if turn >= 3 else []
        return statistics.median(taken)


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        dataset = fill(home, rows)
        port = free_port()
        command = [sys.executable, "-m", "beijiang.cli", "--home", str(home), "serve", "--port", str(port)]
        own = f"/api/v1/datasets/{dataset}/rows"
        with served(command, port, f"{own}?_size=1"):
            api, search = Api(port), "/api/3/action/datastore_search"
            table = {"resource_id": f"{dataset}-csv", "limit": "100"}
            deep = str(rows * 9 // 10)
            row_api = api.median(own, 100, _size="100")
            first = api.median(search, 100, **table)
            offset = api.median(search, 100, **table, offset=deep)
            number = api.median(search, 100, **table, filters=json.dumps({"_id": {"gt": int(deep)}}))
            some = api.median(search, 100, **table, filters=json.dumps({"状态": "存续"}), include_total="false")
    show(
        f"CKAN's datastore over HTTP, {rows:,} rows x 8 columns",
        [
            Line("first page of 100", first, "limit", LIMIT, 1.0, "ms"),
            Line("first page of 100, against the row API", first, "row API", row_api, 2.0, "ms"),
            Line("page at nine tenths, by offset", offset, "limit", LIMIT, 1.0, "ms"),
            Line("page at nine tenths, by _id", number, "limit", LIMIT, 1.0, "ms"),
            Line("first page of one state of a firm", some, "limit", LIMIT, 1.0, "ms"),
        ],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 13_000_000)
