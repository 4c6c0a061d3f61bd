"""A process that lets a schedule run hour by hour and is there to be killed: ``python victim.py HOME MOMENTS``.

It is killed at random; whoever comes next goes on with the clock where the schedule stands.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from beijiang.build import build
from beijiang.kit import SYSTEM, FixedClock, SystemClock
from beijiang.settings import Settings


def main() -> None:
    clock = FixedClock(SystemClock().now())
    platform = build(Settings.for_tests(Path(sys.argv[1])), clock)
    (schedule,) = platform.schedules.schedules(SYSTEM)
    assert schedule.next_at is not None
    clock.at = schedule.next_at - timedelta(minutes=30)
    platform.tables.recover()
    platform.ingest.recover()
    platform.jobs.start_worker()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        platform.dispatcher.tick()
        open_runs = [r for r in platform.ingest.runs(SYSTEM, limit=100) if not r.ended]
        for run in open_runs:
            platform.jobs.wait(run.job_id, timeout=240)
        platform.dispatcher.tick()
        schedule = platform.schedules.schedule(SYSTEM, schedule.id)
        if schedule.fired >= int(sys.argv[2]):
            break
        assert schedule.next_at is not None
        clock.at = schedule.next_at
    platform.close()


if __name__ == "__main__":
    main()
