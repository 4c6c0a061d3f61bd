"""A whole ingest run (landing, decoding, typing, quarantine, duplicates, Delta commit) against the bare engine, in one run.

    PYTHONPATH=src python benchmarks/bench_ingest.py [rows]

The peer is what DuckDB does for a trusting user: read everything as text, cast, write Parquet. Every measurement runs in
a process of its own, so that peak memory is honest; the better of two runs counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_readers import engine, write_csv
from report import Line, peak_rss_mib, show

DESK = Path(__file__).parents[1] / "tests" / "ingest" / "conftest.py"


def load_desk() -> Any:
    import importlib.util

    spec = importlib.util.spec_from_file_location("ingest_desk", DESK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ingest_desk"] = module
    spec.loader.exec_module(module)
    return module


def run(path: str, key: str) -> float:
    """Take a file in from landing to report; the job engine is started before, as in a server."""
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
        desk = load_desk().open_desk(Path(folder))
        desk.take(desk.file("warm.csv", "甲,乙\n1,2\n"), "warm")
        desk.jobs.start_worker()
        begin = time.perf_counter()
        done = desk.take(Path(path), "企业", key=(key,) if key else ())
        took = time.perf_counter() - begin
        assert done.error is None, done.error
        desk.close()
    return took


def measured(what: str, path: Path, *rest: str) -> tuple[float, float]:
    """Return the better time of two processes, and the peak memory of the first in MiB."""
    results = []
    for _ in range(2):
        command = [sys.executable, __file__, "--one", what, str(path), *rest]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        results.append(json.loads(done.stdout.splitlines()[-1]))
    return min(r[0] for r in results), results[0][1]


def one(what: str, path: str, *rest: str) -> None:
    if what == "engine":
        begin = time.perf_counter()
        engine(path, "")
        took = time.perf_counter() - begin
    else:
        took = run(path, *rest)
    print(json.dumps([took, peak_rss_mib()]))


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        utf8, gb = Path(folder) / "企业.csv", Path(folder) / "企业-gb.csv"
        write_csv(utf8, rows)
        write_csv(gb, rows, "gb18030")
        bare, _ = measured("engine", utf8)
        plain, memory = measured("ours", utf8, "")
        keyed, _ = measured("ours", utf8, "统一社会信用代码")
        chinese, _ = measured("ours", gb, "")
        size = utf8.stat().st_size / 2**20
    show(
        f"Ingest of {rows:,} rows x 10 columns, {size:.0f} MiB",
        [
            Line("CSV to a committed table", plain, "DuckDB read+cast+write", bare, 3.0),
            Line("the same, merged by a key", keyed, "DuckDB read+cast+write", bare, 4.0),
            Line("the same in GB18030", chinese, "ours in UTF-8", plain, 1.6),
            Line("peak memory", memory, "limit", 1024, 1.0, unit="MiB"),
        ],
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
