"""A process that takes mended rows in and can be killed: forks a fresh, fully loaded child for each line on its input.

A line is ``SECONDS HOME TABLE``; after so many seconds the child is killed (0: never). The answer is its exit status.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from pathlib import Path


def warm_up() -> None:
    """Load everything that a replay needs."""
    import warmed

    import beijiang.ingest.service.bench.replay_work
    import beijiang.ingest.service.returning  # noqa: F401

    warmed.platform()


def attempt(home: Path, table: str) -> int:
    from beijiang.build import build
    from beijiang.ingest import BenchQuery
    from beijiang.kit import SYSTEM, Invalid
    from beijiang.settings import Settings

    try:
        platform = build(Settings.for_tests(home))
        platform.tables.recover()
        platform.ingest.recover()
        run = platform.ingest.wait(SYSTEM, platform.bench.replay(SYSTEM, BenchQuery(table=table)))
        platform.close()
    except Invalid as nothing:
        return 4 if nothing.reason == "nothing_to_do" else 1
    except BaseException:  # noqa: BLE001  # a child of a fork must not return into its parent's code
        traceback.print_exc()
        return 1
    return 0 if run.error is None else 3


def main() -> None:
    warm_up()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        seconds, home, table = line.split()
        child = os.fork()
        if child == 0:
            os._exit(attempt(Path(home), table))
        if float(seconds):
            time.sleep(float(seconds))
            os.kill(child, signal.SIGKILL)  # not reaped yet, so the number is still its own
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
