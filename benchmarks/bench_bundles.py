"""Every page of the applications of the demo region, opened by a reader, cold and warm: the bars are 3 s and 1 s.

Run: ``PYTHONPATH=src python benchmarks/bench_bundles.py [HOME]`` with the home of a built demo region (``beijiang demo --build-only``); without one it
builds a region of a hundredth first. The page comes over the whole stack as a browser gets it (sign-in, routes, cards, HTML), without a network. Cold: nothing is
remembered of any query; each page is opened once. Warm: the same page again. Processor seconds are those of the process and of
the ones in which queries run, and say what a page costs on a machine that does other things too.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fastapi.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))
from report import Line, show

from beijiang.app import create_app
from beijiang.build import build
from beijiang.demo.applications import NAMES
from beijiang.kit import Actor
from beijiang.platform import Platform
from beijiang.settings import Settings

ORIGIN = "https://testserver"
READER = "steward.commerce_admin"
"""May open all of them, the one for departments and the ownership graph too."""
COLD, WARM = 3.0, 1.0
ROUNDS = 3
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Opened:
    """How long a page took, and what it cost."""

    seconds: float
    processor: float


def region(folder: Path) -> Path:
    """Return a copy of a built region, so that the region itself stays as it is."""
    home = folder / "home"
    if len(sys.argv) > 1:
        shutil.copytree(sys.argv[1], home)
        keys = Path(sys.argv[1]).resolve().with_suffix(".keys")  # they stand beside a home, not in it
        if keys.exists():
            shutil.copy(keys, home.with_suffix(".keys"))
        return home
    words = ("demo", "--build-only", "--scale", "0.01")
    subprocess.run([sys.executable, "-m", "beijiang.cli", "--home", str(home), *words], check=True)
    return home


def forget(platform: Platform) -> None:
    """Have nothing remembered of any query."""
    platform.sql._answers.forget()  # noqa: SLF001 - what earlier pages left is forgotten


def processor() -> float:
    """Return processor seconds of this process and of the ones in which queries run, ended or not."""
    spent = time.process_time()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # a process may end while it is looked at
            facts = stat.read_text(encoding="utf-8").rpartition(") ")[2].split()
            if int(facts[1]) == os.getpid():
                spent += sum(map(int, facts[11:15])) / TICKS
    return spent


def opened(browser: TestClient, address: str) -> Opened:
    begin, spent = time.perf_counter(), processor()
    answer = browser.get(address)
    found = Opened(time.perf_counter() - begin, processor() - spent)
    assert answer.status_code == 200, (address, answer.status_code)
    assert 'aria-busy="true"' not in answer.text, f"{address} came without all its cards"
    return found


def measured(platform: Platform, reader: Actor, browser: TestClient) -> dict[str, tuple[list[Opened], list[Opened]]]:
    found: dict[str, tuple[list[Opened], list[Opened]]] = {}
    for name in NAMES:
        for page in platform.apps.open(reader, name)[1].manifest.pages:
            address = f"/apps/{name}/{page}"
            cold, warm = [], []
            for _ in range(ROUNDS):
                forget(platform)
                cold.append(opened(browser, address))
                warm.append(opened(browser, address))
            found[address] = cold, warm
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        home = region(Path(name))
        accounts = json.loads((home / "demo" / "first-login.json").read_text(encoding="utf-8"))
        password = next(one["password"] for one in accounts if one["login"] == READER)
        platform = build(Settings(home=home))
        platform.apps.patience = 60.0  # a page that is late is measured whole
        platform.apps.meter.reader_per_minute = 10_000
        browser = TestClient(create_app(platform), base_url=ORIGIN, headers={"Accept": "text/html"})
        browser.post("/console/sign-in", data={"login": READER, "password": password}, headers={"Origin": ORIGIN})
        found = measured(platform, platform.access.actor_for_person(READER), browser)
        browser.close()
        platform.close()
    print(f"{'page':38} {'cold s':>8} {'cpu s':>8} {'warm s':>8} {'cpu s':>8}   (medians of {ROUNDS})")
    for address, (cold, warm) in found.items():
        medians = [
            statistics.median(one)
            for opens in (cold, warm)
            for one in zip(*((o.seconds, o.processor) for o in opens), strict=True)
        ]
        print(f"{address:38} " + " ".join(f"{value:>8.3f}" for value in medians))
    every_cold = [one for cold, _ in found.values() for one in cold]
    every_warm = [one for _, warm in found.values() for one in warm]
    lines = [
        Line("cold: slowest page", max(o.seconds for o in every_cold), "bar", COLD, 1.0),
        Line("warm: slowest page", max(o.seconds for o in every_warm), "bar", WARM, 1.0),
        Line("cold: most processor of a page", max(o.processor for o in every_cold), "bar", COLD, 1.0),
        Line("warm: most processor of a page", max(o.processor for o in every_warm), "bar", WARM, 1.0),
    ]
    show(f"{len(found)} pages of {len(NAMES)} applications, each {ROUNDS} times cold and warm", lines)


if __name__ == "__main__":
    main()
