"""Serving copies over HTTP against a real datasette on the same rows, in one run.

    PYTHONPATH=src python benchmarks/bench_serving.py [rows]

Ours is ``beijiang serve`` on a home with one published table and a serving copy of it, indexed on the key and a region: each answer
has passed the gate and left its evidence. Datasette serves an SQLite file with the same rows; its environment is made by pip under
``var/`` unless ``DATASETTE`` names a program. It is asked as a newcomer has it (no index) and with the very indexes of the copy.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from bench_rows import KEY, REGION, TABLE, Face, Site, by_turns, fill, free_port, keys, load_sqlite, served
from report import Line, show

from beijiang.build import build
from beijiang.kit import SYSTEM
from beijiang.settings import Settings

ROOT = Path(__file__).parents[1]
POINTS, PAGES = 40, 60
CLIENTS, EACH_SECOND, SECONDS = 50, 1.0, 20.0


def datasette() -> str:
    """Return the program, from an environment of its own."""
    known = os.environ.get("DATASETTE")
    if known:
        return known
    place = ROOT / "var" / "datasette"
    program = place / "bin" / "datasette"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        done = subprocess.run([str(place / "bin" / "pip"), "install", "-q", "datasette"], check=False)
        if done.returncode:
            shutil.rmtree(place, ignore_errors=True)
            raise SystemExit("datasette cannot be had by pip here; name a program with DATASETTE")
    return str(program)


def make_copy(home: Path) -> tuple[float, int]:
    """Have the copy made by its job; return the seconds and bytes that it took."""
    platform = build(Settings(home=home, argon2_memory_kib=64, argon2_rounds=1))
    try:
        begin = time.perf_counter()
        view = platform.servings.ask(SYSTEM, TABLE, [KEY, REGION])
        assert view.job is not None
        job = platform.jobs.run_inline(view.job)
        assert job.error is None, job.error
        copies = platform.servings.view(SYSTEM, TABLE).copies
        assert all(copy.state == "ready" for copy, _ in copies), copies
        return time.perf_counter() - begin, sum(copy.bytes for copy, _ in copies)
    finally:
        platform.close()


def crowd(port: int, path: str, ask: Callable[[Face, int], list[object]], pause: float) -> tuple[list[float], float]:
    """Let many clients ask for a while; return the milliseconds of each answer, and answers a second."""
    taken: list[float] = []
    until = time.perf_counter() + SECONDS

    def client(number: int) -> None:
        face, turn = Face(Site(port), path), 0
        time.sleep(pause * number / CLIENTS)
        while time.perf_counter() < until:
            begin = time.perf_counter()
            ask(face, number * 1000 + turn)
            spent = time.perf_counter() - begin
            taken.append(spent * 1000)
            turn += 1
            time.sleep(max(0.0, pause - spent))

    begin = time.perf_counter()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, len(taken) / (time.perf_counter() - begin)


def p95(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1]


def main(rows: int) -> None:
    program = datasette()
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as name, ExitStack() as stack:
        folder = Path(name)
        home = folder / "home"
        dataset = fill(home, rows)
        seconds, size = make_copy(home)
        print(f"the copy of {rows:,} rows: {seconds:.0f} s, {size / 2**20:.0f} MiB")
        files = {"plain": folder / "plain.db", "index": folder / "index.db"}
        load_sqlite(files["plain"], rows)
        shutil.copyfile(files["plain"], files["index"])
        with closing(sqlite3.connect(files["index"])) as target:
            target.execute(f'CREATE INDEX by_key ON rows ("{KEY}")')
            target.execute(f'CREATE INDEX by_region ON rows ("{REGION}")')
        port = free_port()
        command = [str(Path(sys.executable).with_name("beijiang")), "--home", str(home), "serve", "--port", str(port)]
        path = f"/api/v1/datasets/{dataset}/rows"
        ours = Face(stack.enter_context(served(command, port, f"{path}?_size=1")), path)
        other = free_port()
        command = [program, *map(str, files.values()), "--port", str(other), "--setting", "sql_time_limit_ms", "60000"]
        site = stack.enter_context(served(command, other, "/plain/rows.json?_size=1"))
        plain, index = Face(site, "/plain/rows.json"), Face(site, "/index/rows.json")
        lean = Face(site, "/index/rows.json", _nocount="1", _nosuggest="1")
        wanted = [key for _ in range(6) for key in keys(rows)]

        def look(face: Face, turn: int) -> list[object]:
            return face.filtered(KEY, wanted[turn % len(wanted)])

        point = by_turns([ours, plain], look, 10, 1)
        indexed = by_turns([ours, index], look, POINTS, 1)
        pages = by_turns([ours, plain], lambda f, _: f.page(), PAGES)
        quick = by_turns([ours, lean], lambda f, _: f.page(), PAGES)
        some = by_turns([ours, index], lambda f, i: f.filtered(REGION, str(150000 + i * 7)), POINTS)
        steady, rate = crowd(port, path, look, 1 / EACH_SECOND)
        steady_pages, page_rate = crowd(port, path, lambda f, _: f.page(), 1 / EACH_SECOND)
        pressed, most = crowd(port, path, look, 0.0)
        their, their_most = crowd(other, "/index/rows.json", look, 0.0)
    print(f"{CLIENTS} clients, each {EACH_SECOND:g} a second: {rate:.0f} look-ups/s, then {page_rate:.0f} pages/s")
    print(f"{CLIENTS} clients without a pause: ours {most:.0f} look-ups/s, datasette with an index {their_most:.0f}")
    show(
        f"Serving copy over HTTP, {rows:,} rows x 8 columns",
        [
            line("point look-up", point, "datasette, no index", 10.0),
            line("100-row page, walking from the first", pages, "datasette", 5.0),
            line("for honesty: look-up, both indexed", indexed, "datasette, index", 0.0),
            line("for honesty: page, nothing counted", quick, "datasette, _nocount", 0.0),
            line("for honesty: 100 rows of a region, both indexed", some, "datasette, index", 0.0),
            Line(f"p95 look-up, {CLIENTS} clients at {EACH_SECOND:g}/s", p95(steady), "limit", 20.0, 1.0, "ms"),
            Line(f"p95 page, {CLIENTS} clients at {EACH_SECOND:g}/s", p95(steady_pages), "limit", 20.0, 1.0, "ms"),
            Line(f"p95 look-up, {CLIENTS} clients without a pause", p95(pressed), "limit", 20.0, 1.0, "ms"),
            Line("  their p95 then", p95(their), "limit", 20.0, 1.0, "ms"),
        ],
    )


def line(what: str, taken: list[float], peer: str, bar: float) -> Line:
    return Line(what, taken[0], peer, taken[1], bar, "ms", at_least=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
