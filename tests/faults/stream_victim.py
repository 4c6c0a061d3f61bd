"""A process that receives streams and is there to be killed: ``python stream_victim.py HOME``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from beijiang.build import build
from beijiang.settings import Settings


def main() -> None:
    platform = build(Settings.for_tests(Path(sys.argv[1])))
    platform.tables.recover()
    platform.ingest.recover()
    platform.db.deliver_waiting()
    platform.jobs.start_worker()
    platform.streams.attend()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main()
