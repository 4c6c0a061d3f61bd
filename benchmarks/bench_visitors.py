"""Many anonymous visitors at once on the public site: home, search, data set, explorer and row API, mixed, from a process of their own.

    PYTHONPATH=src python benchmarks/bench_visitors.py [rows] [visitors] [seconds] [pause]

Each visitor has a connection, asks, reads the answer as a whole and pauses for ``pause`` seconds on average (5: a person looks at the
page). Bars: no error, and 95 of 100 answers within half a second. First each kind of answer is asked for alone, and what it costs
the server in processor time is read from the system, which other work on the machine does not change.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import quote, urlencode

from bench_rows import KEY, REGION, Site, fill, free_port, keys
from bench_serving import make_copy
from report import Line, show

ALONE = 30
BAR_MS = 500.0
MIX = {"home": 2, "search": 3, "data set": 3, "explorer": 1, "rows": 3}
"""Of how many answers each kind is asked for."""
FIRST_COLUMN = "状态"


def address(kind: str, dataset: str, pick: random.Random, rows: int) -> str:
    """Return what a visitor asks for next; few ask for the very same."""
    words = pick.choice(("企业", "登记", "企业登记", "qiye", "市场监督", "数据", "没有的"))
    look = {f"{KEY}__exact": pick.choice(keys(rows)), "_size": "100"}
    some = {f"{REGION}__exact": str(150000 + pick.randrange(900)), "_size": "100"}
    return {
        "home": "/",
        "search": f"/datasets?{urlencode({'q': words, 'page': 1})}",
        "data set": f"/datasets/{dataset}",
        "explorer": f"/datasets/{dataset}/explore?{urlencode({'_form': 'bar', '_by': pick.choice((FIRST_COLUMN, '行业'))})}",
        "rows": f"/api/v1/datasets/{dataset}/rows?{urlencode(pick.choice((look, look, some)))}",
    }[kind]


def asked(connection: http.client.HTTPConnection, where: str) -> int:
    """Return the status of an answer that was read to its end; 0 where there was none.

    A connection that the server closed while the visitor was reading is opened anew, as browsers do.
    """
    for fresh in (connection.sock is None, True):
        try:
            connection.request("GET", quote(where, safe="/?&=%"), headers={"Accept-Encoding": "identity"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            if fresh:
                return 0
        else:
            return answer.status
    return 0


def visitors(port: int, dataset: str, rows: int, many: int, seconds: float, pause: float) -> None:
    """Be the visitors; print the milliseconds of each answer by kind, and what was not a 200, as JSON."""
    taken: dict[str, list[float]] = defaultdict(list)
    wrong: Counter[str] = Counter()
    until = time.perf_counter() + seconds

    def visit(number: int) -> None:
        pick = random.Random(number)  # noqa: S311 - the same visits in every run
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        time.sleep(pick.random() * pause)
        while time.perf_counter() < until:
            kind = pick.choices(list(MIX), list(MIX.values()))[0]
            where = address(kind, dataset, pick, rows)
            begin = time.perf_counter()
            status = asked(connection, where)
            if status == http.client.OK:
                taken[kind].append((time.perf_counter() - begin) * 1000)
            else:
                wrong[f"{kind} {status}"] += 1
            time.sleep(pick.random() * 2 * pause)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"taken": taken, "wrong": wrong}))


def processor(pid: int) -> float:
    """Return the milliseconds of processor time that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def alone(port: int, pid: int, dataset: str, rows: int) -> dict[str, float]:
    """Return the server's processor time of an answer of each kind, nobody else asking."""
    pick, connection, costs = random.Random(1), http.client.HTTPConnection("127.0.0.1", port, timeout=60), {}  # noqa: S311
    for kind in MIX:
        for _ in range(5):
            assert asked(connection, address(kind, dataset, pick, rows)) == http.client.OK, kind
        before = processor(pid)
        for _ in range(ALONE):
            asked(connection, address(kind, dataset, pick, rows))
        costs[kind] = (processor(pid) - before) / ALONE
    return costs


def main(rows: int, many: int, seconds: float, pause: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        home, port = Path(name) / "home", free_port()
        dataset = fill(home, rows)
        make_copy(home)
        command = [sys.executable, "-m", "beijiang.cli", "--home", str(home), "serve", "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                Site(port).wait(f"/api/v1/datasets/{dataset}/rows?_size=1")
                costs = alone(port, server.pid, dataset, rows)
                words = ["--visitors", str(port), dataset, *map(str, (rows, many, seconds, pause))]
                before, begin = processor(server.pid), time.perf_counter()
                told = subprocess.run([sys.executable, __file__, *words], check=True, capture_output=True, text=True)
                busy = (processor(server.pid) - before) / (time.perf_counter() - begin) / 10
            finally:
                server.terminate()
                server.wait(60)
    found = json.loads(told.stdout)
    every = [one for times in found["taken"].values() for one in times]
    print(
        f"processor time of an answer asked for alone, ms: { {kind: round(cost, 1) for kind, cost in costs.items()} }"
    )
    print(f"{len(every)} answers in {seconds:g} s, {len(every) / seconds:.1f} a second; server {busy:.0f} % of a core")
    print(f"load of the machine {os.getloadavg()[0]:.1f}; not a 200: {found['wrong'] or 'none'}")
    lines = [Line("  p50 of all", statistics.median(every), "limit", BAR_MS, 1.0, "ms")]
    for kind, times in {"all": every, **found["taken"]}.items():
        lines.append(Line(f"  p95 of {kind}", statistics.quantiles(times, n=20)[-1], "limit", BAR_MS, 1.0, "ms"))
    show(f"{many} visitors, each pausing {pause:g} s; {rows:,} rows", lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--visitors"]:
        port, dataset, *numbers = sys.argv[2:]
        visitors(int(port), dataset, int(numbers[0]), int(numbers[1]), float(numbers[2]), float(numbers[3]))
    else:
        given = [*map(float, sys.argv[1:]), *(200_000, 200, 60, 5)[len(sys.argv) - 1 :]]
        main(int(given[0]), int(given[1]), given[2], given[3])
