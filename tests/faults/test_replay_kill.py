"""SIGKILL while mended rows go in, then the same again: each row is in the table once, and resolved once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beijiang.build import Platform, build
from beijiang.ingest import BenchQuery, IngestRequest
from beijiang.kit import SYSTEM
from beijiang.settings import Settings

VICTIM = Path(__file__).with_name("replay_victim.py")
GOOD, ROUNDS, KILLS = 300, 5, 4
TABLE = "流水"


@pytest.fixture(scope="module")
def replay() -> Iterator[Callable[[float, Path], int]]:
    """Take the mended rows of a home in, killed after some seconds; return the exit status."""
    process = subprocess.Popen([sys.executable, str(VICTIM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"

    def ask(seconds: float, home: Path) -> int:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{seconds} {home} {TABLE}\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield ask
    process.stdin.close()
    process.wait(timeout=240)
    process.stdout.close()


def set_aside(office: Platform, home: Path) -> str:
    """Take a file in, without a key: nothing but the replay itself keeps its rows from coming twice."""
    good = [f"第{n}小学,{n}" for n in range(GOOD)]
    path = home / "流水.csv"
    path.write_text("\n".join(["校名,人数", *good, *(f"坏{n}小学,x" for n in range(ROUNDS))]) + "\n", "utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    request = IngestRequest(files=(landed.sha256,), into=TABLE, org_id="education")
    run = office.ingest.wait(SYSTEM, office.ingest.submit(SYSTEM, request))
    assert run.report["bad"] == ROUNDS
    return run.id


def test_killed_at_any_instant_every_row_goes_in_once(tmp_path: Path, replay: Callable[[float, Path], int]) -> None:
    office = build(Settings.for_tests(tmp_path))
    office.first_start()
    run = set_aside(office, tmp_path)
    office.close()
    chance, took, killed = random.Random(11), 0.0, 0  # noqa: S311  # instants, not secrets
    pace = 1.0  # the machine may have become faster since the first, which nobody killed
    for seq in range(ROUNDS):
        office = build(Settings.for_tests(tmp_path))
        office.bench.correct(SYSTEM, run, seq, {"人数": "7"})
        office.close()
        for _ in range(KILLS if took else 0):
            if replay(chance.uniform(0.3, 1.0) * took * pace, tmp_path) >= 0:
                pace *= 0.6
                break
            killed += 1
        began = time.monotonic()
        assert replay(0, tmp_path) in {0, 4}, "done, or done already by the one that was killed too late"
        took = took or time.monotonic() - began
    assert killed
    office = build(Settings.for_tests(tmp_path))
    office.start()
    assert office.tables.get(SYSTEM, TABLE).rows == GOOD + ROUNDS
    found = office.sql.run(SYSTEM, f'SELECT "校名" FROM "{TABLE}" WHERE "人数" = 7 AND "校名" LIKE \'坏%\'')
    assert sorted(r["校名"] for r in found.rows.to_pylist()) == [f"坏{n}小学" for n in range(ROUNDS)]
    (counts,) = office.bench.counts(SYSTEM)
    assert (counts.open, counts.fixed, counts.resolved) == (0, 0, ROUNDS)
    assert office.bench.plan_replay(SYSTEM, BenchQuery(table=TABLE)).ready == 0
    assert office.evidence_reader.check(SYSTEM).ok
    office.stop()
    office.close()
