"""What the gate costs a call of a service: the same service asked directly and at the platform, on this machine.

``PYTHONPATH=src python benchmarks/services.py``
"""

from __future__ import annotations

import platform as machine
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "exchange"))

from datetime import UTC, datetime

import unruly as service_of_test
from exchange_bureau import Bureau
from service_bureau import COLUMNS, granted, offered
from unruly import FIRMS, serving

from beijiang.build import build
from beijiang.kit import SYSTEM, FixedClock
from beijiang.outbound import Http, HttpLimits, Outbound, Target, Use
from beijiang.settings import Settings

CALLS = 60
SOME = tuple(FIRMS)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, serving() as unruly:
        clock = FixedClock(datetime(2026, 3, 10, 2, 0, tzinfo=UTC))
        built = build(Settings.for_tests(Path(folder)), clock)
        built.first_start()
        bureau = Bureau(built, clock)
        uses = frozenset({Use.CALL, Use.READ})
        target = Target(host="127.0.0.1", port=unruly.port, network="127.0.0.1/32", uses=uses)
        built.sources.allow(SYSTEM, target, "benchmark")
        wide = {"consumer_per_minute": 100_000, "per_minute": 100_000, "seconds": 20, "max_rows": 1000}
        service = offered(bureau, unruly, **wide, body_kib=4096)
        granted(bureau, service, *COLUMNS[:5])
        print(f"{machine.machine()} {machine.python_version()}, {CALLS} calls each; median ms (slowest)")
        for rows in (1, 9, 200, 1000):
            service_of_test.FIRMS[:] = [dict(SOME[n % 9]) for n in range(rows)]
            direct = _timed(lambda: _direct(unruly, target))
            through = _timed(lambda: built.offered.call(bureau["consumer"], service.id, {}))
            print(f"{rows:>5} records  direct {direct}   at the platform {through}")
        service_of_test.FIRMS[:] = SOME[:1]
        for threads in (1, 4):
            begun = time.perf_counter()
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda _: built.offered.call(bureau["consumer"], service.id, {}), range(CALLS * 2)))
            print(f"{threads} at once, 1 record: {CALLS * 2 / (time.perf_counter() - begun):.0f} calls/s")
        built.close()


def _direct(unruly: Any, target: Target) -> None:
    with Http(Outbound(lambda: [target]), HttpLimits()) as http:
        http.fetch("GET", f"{unruly.base}/v1/firms")


def _timed(call: Callable[[], object]) -> str:
    call()
    took = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        call()
        took.append((time.perf_counter() - begun) * 1000)
    return f"{statistics.median(took):6.1f} ({max(took):.1f})"


if __name__ == "__main__":
    main()
