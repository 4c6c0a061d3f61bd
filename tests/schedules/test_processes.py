"""Real processes: killed while they run schedules, and the server that runs one by itself."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from beijiang.build import Platform, build
from beijiang.ingest import ScheduleDraft, SlotState, Timing, Verdict
from beijiang.ingest.store import ScheduleStore
from beijiang.kit import SYSTEM
from beijiang.settings import Settings
from nursery import Child, run
from waiting import until

MOMENTS = 6
KILLS = 3


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, furnish: Callable[[Platform, Path], None]) -> Path:
    folder = tmp_path_factory.mktemp("kill")
    platform = build(Settings.for_tests(folder))
    platform.first_start()
    furnish(platform, folder / "files")
    draft = ScheduleDraft(timing=Timing.from_json({"kind": "every", "minutes": 60}))
    platform.schedules.add(SYSTEM, "学生表", draft)
    platform.close()
    return folder


def test_killed_again_and_again_each_moment_runs_once(home: Path) -> None:
    words = [sys.executable, str(Path(__file__).with_name("victim.py")), str(home), str(MOMENTS)]
    pick = random.Random(4)  # noqa: S311 - which instant, no secret
    for _ in range(KILLS):
        with Child(words, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pick.uniform(0.0, 1.5))
            process.send_signal(signal.SIGKILL)
    assert run(words, timeout=280).returncode == 0
    platform = build(Settings.for_tests(home))
    try:
        (schedule,) = platform.schedules.schedules(SYSTEM)
        slots = sorted(platform.schedules.slots(SYSTEM, schedule.id, 200), key=lambda s: s.number)
        assert [s.number for s in slots] == list(range(1, MOMENTS + 1))
        steps = {round((b.at - a.at).total_seconds()) for a, b in itertools.pairwise(slots)}
        assert steps == {3600}
        assert {s.state for s in slots} == {SlotState.DONE}
        runs = platform.ingest.runs(SYSTEM, limit=100)
        assert len(runs) == MOMENTS
        assert {r.id for r in runs} == {s.run_id for s in slots}
        assert {c.verdict for c in platform.sources.certificates(SYSTEM, "学生表", 100)} == {Verdict.EQUAL}
        assert platform.evidence.check().ok
    finally:
        platform.close()


def test_a_served_installation_runs_a_schedule_by_itself(home: Path) -> None:
    """The command line makes a schedule whose moment has come by the time the server starts; nobody touches it again."""
    env = {**os.environ, "BEIJIANG_HOME": str(home / "home"), "BEIJIANG_ARGON2_MEMORY_KIB": "64"}
    program = [sys.executable, "-m", "beijiang.cli"]

    def cli(*words: str) -> str:
        done = run([*program, *words, "--json"], env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    made = json.loads(cli("ingest", "schedule", "add", "教师表", "--every", "1m"))
    assert made["text"]["zh"] == "每 1 分钟"
    look = build(Settings.for_tests(home))
    with look.db.begin() as tx:  # the minute need not be waited for: as if it had been made a minute ago
        due = {"next_at": look.clock.now() - timedelta(seconds=1)}
        ScheduleStore(tx.connection).change(made["id"], due)
    words = [*program, "serve", "--port", "0"]
    with Child(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            assert "http://" in server.stdout.readline()
            until(lambda: (s := look.schedules.slots(SYSTEM, made["id"])) and s[-1].state is SlotState.DONE, 180)
            assert look.schedules.slots(SYSTEM, made["id"])[-1].attempt == 1
        finally:
            server.terminate()
            look.close()
    listed = json.loads(cli("ingest", "freshness", "教师表"))
    assert listed[0]["data_at"] is not None
