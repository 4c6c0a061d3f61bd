"""Print what was measured: ours, the peer or limit of the same run, the ratio, and the machine."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One measured thing; ``bar`` is the largest ratio (or, with ``at_least``, the smallest) that the project allows itself."""

    what: str
    ours: float
    peer_name: str
    peer: float
    bar: float
    unit: str = "s"
    at_least: bool = False

    @property
    def ratio(self) -> float:
        return self.peer / self.ours if self.at_least else self.ours / self.peer

    @property
    def holds(self) -> bool:
        return self.ratio >= self.bar if self.at_least else self.ratio <= self.bar


def median_seconds(work: Callable[[], object], runs: int = 5, warmup: int = 1) -> float:
    """Return the median wall time of ``work`` in seconds."""
    for _ in range(warmup):
        work()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def show(title: str, lines: list[Line]) -> None:
    """Print the table of one benchmark."""
    print(f"\n{title}   [{machine()}]")
    print(f"{'what':52} {'ours':>11} {'peer or limit':>32} {'ratio':>8} {'bar':>8}")
    for line in lines:
        sign = "≥" if line.at_least else "≤"
        peer = f"{line.peer_name} {line.peer:.4g} {line.unit}"
        verdict = "" if line.holds else "   <-- missed"
        print(
            f"{line.what:52} {line.ours:>8.4g} {line.unit:2} {peer:>32} {line.ratio:>7.2f}x {sign}{line.bar:>6.2f}x{verdict}"
        )


def machine() -> str:
    """Describe the machine in a few words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}"


def peak_rss_mib(pid: str = "self") -> float:
    """Return the largest resident memory a process ever had, in MiB (Linux)."""
    for text in Path(f"/proc/{pid}/status").read_text().splitlines():
        if text.startswith("VmHWM"):
            return int(text.split()[1]) / 1024
    return float("nan")
