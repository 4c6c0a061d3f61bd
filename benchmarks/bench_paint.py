"""First paint of the home page and of a dataset page in Chromium, from a server on the demo home on this machine.

    BEIJIANG_HOME=var/demo CHROMIUM=/usr/bin/chromium python benchmarks/bench_paint.py

Without ``CHROMIUM`` the system's is taken, or the one that the browser tests have unpacked under ``var/test-browser``.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from bench_rows import free_port, served
from playwright.sync_api import Browser, sync_playwright
from report import Line, show

VISITS = 9
BAR = 300.0
FIRST_PAINT = "performance.getEntriesByType('paint').find(p => p.name === 'first-paint')?.startTime ?? -1"


def program() -> tuple[str, dict[str, str]]:
    unpacked = Path("var/test-browser")
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found:
        return found, dict(os.environ)
    if not (unpacked / "chromium").exists():
        raise SystemExit("no Chromium: set CHROMIUM to its path, or run the browser tests once, which unpack one")
    libraries = f"{unpacked.resolve() / 'al2023' / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}"
    return str(unpacked.resolve() / "chromium"), {**os.environ, "LD_LIBRARY_PATH": libraries}


def paint(browser: Browser, address: str) -> float:
    """Return the median first paint in milliseconds, each visit in a context without cache."""
    times = []
    for _ in range(VISITS):
        context = browser.new_context()
        page = context.new_page()
        page.goto(address, wait_until="load")
        while (first := float(page.evaluate(FIRST_PAINT))) < 0:  # the page's own policy forbids wait_for_function
            page.wait_for_timeout(5)
        times.append(first)
        context.close()
    return statistics.median(times[1:])


def main() -> None:
    home = Path(os.environ.get("BEIJIANG_HOME", "var/demo"))
    if not home.exists():
        raise SystemExit(f"no demo home at {home}: make demo builds it")
    port = free_port()
    command = [str(Path(sys.executable).with_name("beijiang")), "--home", str(home), "serve", "--port", str(port)]
    path, environment = program()
    site = f"http://127.0.0.1:{port}"
    with served(command, port, "/api/v1/datasets") as answers, sync_playwright() as play:
        hits: Any = answers.get("/api/v1/datasets?size=1")["hits"]
        dataset = hits[0]["id"]
        browser = play.chromium.launch(
            executable_path=path, env=dict(environment), args=["--no-sandbox", "--headless=shell", "--disable-gpu"]
        )
        lines = [
            Line("home page", paint(browser, f"{site}/"), "limit", BAR, 1.0, "ms"),
            Line(
                "dataset page with its first rows",
                paint(browser, f"{site}/datasets/{dataset}"),
                "limit",
                BAR,
                1.0,
                "ms",
            ),
        ]
        browser.close()
    show("First paint in Chromium, empty cache", lines)


if __name__ == "__main__":
    main()
