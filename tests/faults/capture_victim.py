"""A process that follows a log once and is killed at a named instant: ``python capture_victim.py HOME INSTANT``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from beijiang.build import build
from beijiang.ingest.connectors.postgresql_log import PostgreSQLCapture
from beijiang.ingest.service import capturing
from beijiang.ingest.store import IngestStore, Landing
from beijiang.kit import SYSTEM
from beijiang.settings import Settings
from beijiang.tables import Tables

INSTANTS: dict[str, tuple[Any, str, bool]] = {
    "after the log was read": (capturing, "coalesced", True),
    "after the changes were landed": (Landing, "put", False),
    "before the commit": (Tables, "commit", True),
    "after the commit": (Tables, "commit", False),
    "before the run ends": (IngestStore, "end_run", True),
    "before it is confirmed": (PostgreSQLCapture, "confirm", True),
}


def fatal(place: Any, name: str, *, before: bool) -> None:
    """Let a call kill the process, as SIGKILL from outside would."""
    real = getattr(place, name)

    def call(*args: Any, **words: Any) -> Any:
        made = None if before else real(*args, **words)
        os.kill(os.getpid(), signal.SIGKILL)
        return made

    setattr(place, name, call)


def main() -> None:
    platform = build(Settings.for_tests(Path(sys.argv[1])))
    platform.tables.recover()
    platform.ingest.recover()
    place, name, before = INSTANTS[sys.argv[2]]
    fatal(place, name, before=before)
    platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "名册"))
    sys.exit(3)


if __name__ == "__main__":
    main()
