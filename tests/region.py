"""The demo region of a run of the suite: built once for all workers, killed on the way and gone on with.

Nobody writes to it; everybody copies it. How it came about is proved by ``demo/test_tour.py``, which looks at what is kept here.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nursery

ROOT = Path(__file__).parents[1]
BUILD = ("demo", "--scale", "0.01", "--build-only")
TABLES_BEFORE_KILL = 3


@dataclass(frozen=True)
class DemoRegion:
    """A built home, the accounts that its building told of, and how the build ended that was killed, with how many tables."""

    home: Path
    accounts: list[dict[str, str]]
    killed: int
    tables_then: int


def environment() -> dict[str, str]:
    """Return the environment of a command: quick password hashes, nothing of the developer's own settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BEIJIANG_")}
    quick = {"BEIJIANG_ARGON2_MEMORY_KIB": "64", "BEIJIANG_ARGON2_ROUNDS": "1", "BEIJIANG_ENGINE_MEMORY_MB": "1024"}
    quick["BEIJIANG_VISITOR_CALLS"] = quick["BEIJIANG_CKAN_CALLS"] = "0"
    return {**own, **quick, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


def words(home: Path, *rest: str) -> list[str]:
    return [sys.executable, "-m", "beijiang.cli", "--home", str(home), *rest]


def answer(home: Path, *rest: str) -> Any:
    """Run a command to its good end and read its answer."""
    done = nursery.run(words(home, "--json", *rest), env=environment(), timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def tables_of(home: Path) -> int:
    return len(list((home / "lake").glob("*/_delta_log/*00000.json")))


def demo_region(shared: Path) -> DemoRegion:
    """Return the region under ``shared``, building it if this is the first of this run to ask."""
    home, told, begun = shared / "demo-home", shared / "demo-home.json", shared / "demo-home.begun"
    with (shared / "demo-home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            assert not begun.exists(), (
                "the demo region of this run could not be built; see the first test that asked for it"
            )
            begun.touch()
            killed, tables = _killed_build(home)
            built = {"accounts": answer(home, *BUILD), "killed": killed, "tables_then": tables}
            told.write_text(json.dumps(built), encoding="utf-8")
    return DemoRegion(home=home, **json.loads(told.read_text(encoding="utf-8")))


def _killed_build(home: Path) -> tuple[int, int]:
    first = subprocess.Popen(
        words(home, *BUILD), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while tables_of(home) < TABLES_BEFORE_KILL and first.poll() is None:
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    return first.wait(120), tables_of(home)
