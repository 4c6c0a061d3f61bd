"""A process that dies while it answers a private question: after the ledger is written, before anything was read."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from beijiang.protection import PrivateKind, PrivateQuestion
from conftest import open_house


class Dying:
    """An engine in whose hands the process ends."""

    def fetch(self, *_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    house = open_house(Path(sys.argv[1]), again=True)
    house.clock.at = datetime.fromisoformat(sys.argv[3])
    house.private._engine = Dying()  # type: ignore[assignment]
    house.private.ask(house.analyst, sys.argv[2], PrivateQuestion(kind=PrivateKind.COUNT, micro=310_000))
