"""Whoever presses Ctrl-C twice gets a quiet end with status 0, whenever the second one comes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nursery import Child, run
from waiting import until

ROOT = Path(__file__).parents[2]
READY = re.compile(r"http://127\.0\.0\.1:\d+")


def environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("BEIJIANG_")}
    quick = {"BEIJIANG_ARGON2_MEMORY_KIB": "64", "BEIJIANG_ARGON2_ROUNDS": "1"}
    return {**own, **quick, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}


def words(home: Path, *command: str) -> list[str]:
    return [sys.executable, "-m", "beijiang.cli", *command, "--home", str(home)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hasty") / "home"
    done = run(words(made, "init"), env=environment(), timeout=300)
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("pause", [0.0, 0.05, 0.4])
def test_two_signals_end_a_server_quietly(home: Path, tmp_path: Path, pause: float, kind: signal.Signals) -> None:
    log = tmp_path / "serve.log"
    with log.open("w") as out:
        server = Child(words(home, "serve", "--port", "0"), stdout=out, stderr=subprocess.STDOUT, env=environment())

    def ready() -> bool:
        assert server.poll() is None, log.read_text("utf-8")
        return READY.search(log.read_text("utf-8")) is not None

    until(ready)
    server.send_signal(kind)
    time.sleep(pause)
    if server.poll() is None:
        server.send_signal(kind)
    assert server.wait(240) == 0, log.read_text("utf-8")
    told = log.read_text("utf-8").strip().splitlines()
    assert len(told) == 1, told
