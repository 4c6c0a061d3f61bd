"""A process that reads a source into a table while no file may grow beyond a limit: ``HOME PLACE``.

The limit begins where ``PLACE`` says: ``fetch`` (what is read from the source does not fit), ``stage`` (it was read, and
its typed rows do not fit) or ``commit`` (they do, and the lake's log does not take the version).
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from beijiang.build import build
from beijiang.ingest.service import syncing
from beijiang.kit import SYSTEM
from beijiang.settings import Settings
from beijiang.tables.store import work

FULL = 300_000


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def full_from(place: Any, name: str, size: int) -> None:
    """Let the disk be full while a call is on its way."""
    real = getattr(place, name)

    def call(*args: Any, **words: Any) -> Any:
        limit(size)
        try:
            return real(*args, **words)
        finally:
            limit(resource.RLIM_INFINITY)

    setattr(place, name, call)


def main() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that a write beyond the limit fails with EFBIG
    home, place = Path(sys.argv[1]), sys.argv[2]
    platform = build(Settings.for_tests(home))
    platform.tables.recover()
    platform.ingest.recover()
    if place == "fetch":
        full_from(syncing, "fetch", FULL)
    elif place == "stage":
        full_from(syncing, "stage_typed", FULL)
    elif place == "commit":
        full_from(work, "land", 300)
    run = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "名册"))
    found = {
        "error": run.error,
        "state": run.state.value,
        "rows": platform.tables.get(SYSTEM, "名册").rows if "名册" in platform.tables.names(SYSTEM) else 0,
        "staging": [p.name for p in (home / "home" / "staging").glob("*")],
        "evidence": platform.evidence.check().ok,
    }
    platform.close()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
