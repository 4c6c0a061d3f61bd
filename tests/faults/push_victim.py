"""A process that pushes and is killed at a named instant: forks a fresh, fully loaded child for each line.

A line is ``HOME NUMBER COUNT NAME``: the child writes version NUMBER (0: none), then delivers all that is due, and kills itself
at the COUNT-th instant of that name (0: never). An instant is the moment before a transaction is committed to the platform's
database, before and after the far side's transaction is, before and after a part is posted, and when a batch has been sent. The
clock of each child stands an hour later than that of the one before. The answer is the child's exit status and, as JSON, the
names of the instants that it passed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "exchange")]


class Instants:
    """Note what becomes durable, and end the process at one of these instants."""

    def __init__(self, count: int, name: str) -> None:
        self._count, self._name = count, name
        self.armed = False
        self.passed: list[str] = []

    def hit(self, name: str) -> None:
        if not self.armed:
            return
        self.passed.append(name)
        if self._count and self.passed.count(self._name) == self._count:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """See every commit here and there, every part that is posted, and every batch."""
        import sqlalchemy as sa
        from adbc_driver_manager import dbapi

        from beijiang.exchange.service.push_work import PushWork
        from beijiang.outbound import Http

        sa.event.listen(sa.Engine, "commit", lambda _connection: self.hit("commit"))
        self._around(dbapi.Connection, "commit", "there")
        self._around(Http, "fetch", "post")
        self._around(PushWork, "_go_on", "batch")

    def _around(self, kind: Any, name: str, called: str) -> None:
        inner = getattr(kind, name)

        def seen(*words: Any, **named: Any) -> Any:
            self.hit(f"before {called}")
            made = inner(*words, **named)
            self.hit(f"after {called}")
            return made

        setattr(kind, name, seen)


def warm_up() -> None:
    """Load everything that a delivery needs."""
    import adbc_driver_postgresql.dbapi  # noqa: F401
    import push_bureau  # noqa: F401
    import warmed

    import beijiang.ingest.connectors.postgresql_there
    import beijiang.ingest.connectors.webhook_there  # noqa: F401

    warmed.platform()


def attempt(home: Path, number: int, count: int, name: str, note: Path) -> int:
    from exchange_bureau import BEGAN_AT, firms
    from push_bureau import KEY, MONEY, merge

    from beijiang.build import build
    from beijiang.kit import FixedClock
    from beijiang.settings import Settings

    class Only:
        """As much of a bureau as writing a version needs."""

        def __init__(self, platform: Any) -> None:
            self.platform = platform

    try:
        turn = home / "turn"
        turns = int(turn.read_text()) + 1 if turn.exists() else 1
        turn.write_text(str(turns))
        instants = Instants(count, name)
        instants.watch()
        platform = build(Settings.for_tests(home), FixedClock(BEGAN_AT + timedelta(hours=turns)))
        platform.tables.recover()
        platform.db.deliver_waiting()
        if number:
            rows = firms(40)
            gone = [str(rows[(number * 7) % 40][KEY])]
            changed = [{**rows[at], MONEY: number} for at in (number % 40, (number * 3) % 40)]
            merge(Only(platform), "推送", [row for row in changed if row[KEY] not in gone], gone)  # type: ignore[arg-type]
            platform.db.deliver_waiting()
        instants.armed = True
        platform.pushes.run_due()
        instants.armed = False
        note.write_text(json.dumps(instants.passed))
        platform.close()
    except BaseException:  # noqa: BLE001  # a child of a fork must not return into its parent's code
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    warm_up()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        home, number, count, name = line.strip().split(maxsplit=3)
        note = Path(home) / "instant"
        note.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            os._exit(attempt(Path(home), int(number), int(count), name, note))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {note.read_text() if note.exists() else '[]'}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
