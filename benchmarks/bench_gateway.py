"""What the SQL gateway costs before anything is run: 30 queries of analysts read, bound to masked relations, written again.

Run: ``PYTHONPATH=src python benchmarks/bench_gateway.py [rows] [rounds]``. The limit is 10 ms a query for the rewriting. What
it asks of others is told apart: the decision on each table, and its durable evidence. Processor time is what is needed;
wall time adds what else the machine does.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from asked import QUERIES, prepare
from report import Line, show

from beijiang.lineage import columns_of
from beijiang.tables import Exit

LIMIT_MS = 10.0


class Stopwatch:
    """Wall and processor seconds spent in some methods since it was read last."""

    def __init__(self) -> None:
        self.spent = [0.0, 0.0]

    def over(self, owner: object, name: str) -> None:
        method: Callable[..., Any] = getattr(owner, name)

        @wraps(method)
        def timed(*args: object, **words: object) -> object:
            begin = clocks()
            try:
                return method(*args, **words)
            finally:
                for i, now in enumerate(clocks()):
                    self.spent[i] += now - begin[i]

        setattr(owner, name, timed)

    def read(self) -> tuple[float, ...]:
        found, self.spent = tuple(self.spent), [0.0, 0.0]
        return found


def clocks() -> tuple[float, float]:
    return time.perf_counter(), time.thread_time()


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    spent: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        platform, _, (who,) = prepare(Path(folder), rows, 1)
        evidence, asked = Stopwatch(), Stopwatch()
        evidence.over(platform.evidence, "record_read")
        asked.over(platform.gate, "admit")
        asked.over(platform.gate, "find")
        for round_ in range(rounds + 1):
            for query in QUERIES:
                begin = clocks()
                bound = platform.sql._binder.bind(who, query, "bench", Exit.SQL)  # noqa: SLF001
                assert bound.key
                middle = clocks()
                columns_of(bound.written, {n: [column.name for column in found] for n, found in bound.columns.items()})
                end, recorded, others = clocks(), evidence.read(), asked.read()
                for i, clock in enumerate(("wall", "processor") if round_ else ()):  # the first round warms up
                    parts = {
                        "read, bind, substitute, write again": middle[i] - begin[i] - others[i],
                        "grade the columns by lineage": end[i] - middle[i],
                        "decide on the tables": others[i] - recorded[i],
                        "record the access durably": recorded[i],
                    }
                    for what, took in parts.items():
                        spent[f"{what}: {clock}"].append(took * 1000)
        platform.close()
    lines = []
    for what, found in sorted(spent.items(), key=lambda one: "wall" in one[0]):
        lines.append(Line(f"{what}, median", statistics.median(found), "limit", LIMIT_MS, 1.0, "ms"))
        lines.append(Line(f"{what}, p95", statistics.quantiles(found, n=20)[18], "limit", LIMIT_MS, 1.0, "ms"))
    show(f"SQL gateway, {len(QUERIES)} queries x {rounds}", lines)


if __name__ == "__main__":
    main()
