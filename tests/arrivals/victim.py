"""A process that takes files as they arrive and is there to be killed: ``python victim.py HOME``."""

from __future__ import annotations

import sys
from pathlib import Path

from beijiang.build import build
from beijiang.kit import SYSTEM
from beijiang.settings import Settings


def main() -> None:
    platform = build(Settings.for_tests(Path(sys.argv[1])))
    platform.tables.recover()
    platform.ingest.recover()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    run = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "名册"))
    platform.close()
    sys.exit(0 if run.error is None else 3)


if __name__ == "__main__":
    main()
