"""A thousand small files that arrived in a folder, against one file with the same rows, in one run.

    PYTHONPATH=src python benchmarks/bench_files.py [files] [rows of each]

Both are whole runs of a sync: list, land, read, type, commit, certify. The better of two counts for each.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from bench_readers import write_csv
from report import Line, peak_rss_mib, show

from beijiang.build import Platform, build
from beijiang.ingest import FileRules, SourceDraft, SyncDraft
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

ROUNDS = 2


def main(files: int, rows: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bj-bench-") as name:
        folder = Path(name)
        platform = build(Settings.for_tests(folder, engine_memory_mb=2048))
        platform.first_start()
        platform.sources.allow(SYSTEM, Target(folder=name), "bench")
        platform.jobs.start_worker()
        one = folder / "one" / "all.csv"
        one.parent.mkdir()
        write_csv(one, files * rows)
        (folder / "many").mkdir()
        with one.open(encoding="utf-8") as source:  # line by line: what this holds would count as the platform's
            head = next(source)
            for number in range(files):
                with (folder / "many" / f"{number:05}.csv").open("w", encoding="utf-8") as part:
                    part.write(head)
                    part.writelines(islice(source, rows))
        whole = min(taken(platform, one.parent, number, files * rows) for number in range(ROUNDS))
        parts = min(taken(platform, folder / "many", number, files * rows) for number in range(ROUNDS))
        began = time.perf_counter()
        platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "many0"))
        idle = time.perf_counter() - began
        platform.stop()
        platform.close()
    show(
        f"{files:,} files of {rows:,} rows",
        [
            Line("many small files", parts, "one file of the same rows", whole, 2.0),
            Line("run with no new file", idle, "limit", 1.0, 1.0),
            Line("peak memory", peak_rss_mib(), "limit", 1024, 1.0, "MiB"),
        ],
    )


def taken(platform: Platform, folder: Path, number: int, rows: int) -> float:
    """Take a folder into a table of its own; return the time."""
    table = f"{folder.name}{number}"
    draft = SourceDraft(name=table, kind="folder", org_id="education", options={"path": str(folder)})
    platform.sources.add(SYSTEM, draft)
    platform.sources.take(SYSTEM, SyncDraft(source_id=table, feed=".", table=table, files=FileRules(quiet=0)))
    if hasattr(os, "sync"):
        os.sync()
    began = time.perf_counter()
    run = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, table))
    took = time.perf_counter() - began
    assert run.error is None, run.error
    assert run.report["rows_added"] == rows
    return took


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000, int(sys.argv[2]) if len(sys.argv) > 2 else 1_000)
