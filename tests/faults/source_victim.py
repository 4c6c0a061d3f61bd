"""A process that reads a source into a table and is killed at a named instant: forks a fresh, fully loaded child for each line.

A line is ``HOME COUNT NAME``: the child goes on with what the one before it left, then begins a run, and kills itself at the
COUNT-th instant of that name (0: never). An instant is the moment before a file takes its lasting name, before a transaction
is committed to the platform's databases, and before and after a version is landed in the lake's log. The answer is the child's
exit status and, as JSON, the names of the instants that it passed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any


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
        """See every rename and link, every commit to a database, and every version of a table."""
        import sqlalchemy as sa

        from beijiang.tables.store import work

        def seen(event: str, told: tuple[Any, ...]) -> None:
            if event in {"os.rename", "os.link"}:
                self.hit(f"{event.removeprefix('os.')} {plain(Path(os.fsdecode(told[1])))}")

        sys.addaudithook(seen)
        sa.event.listen(sa.Engine, "commit", lambda _connection: self.hit("commit"))
        land = work.land

        def landed(*words: Any) -> Any:
            self.hit("before the version")
            made = land(*words)
            self.hit("after the version")
            return made

        work.land = landed  # type: ignore[assignment]


def plain(path: Path) -> str:
    """Return a name without what differs from run to run."""
    return path.name if len(path.name) <= 20 else f"*{path.suffix}"


def warm_up() -> None:
    """Load everything that a run needs."""
    import warmed

    import beijiang.ingest.connectors.postgresql
    import beijiang.ingest.service.syncing
    import beijiang.ingest.service.verifying  # noqa: F401

    warmed.platform()


def attempt(home: Path, count: int, name: str, note: Path) -> int:
    from beijiang.build import build
    from beijiang.kit import SYSTEM
    from beijiang.settings import Settings

    try:
        instants = Instants(count, name)
        instants.watch()
        platform = build(Settings.for_tests(home))
        instants.armed = True
        platform.tables.recover()
        platform.ingest.recover()
        for left in platform.ingest.runs(SYSTEM, table="名册"):
            if not left.ended:
                platform.ingest.wait(SYSTEM, left.id)
        run = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "名册"))
        instants.armed = False
        note.write_text(json.dumps(instants.passed))
        platform.close()
    except BaseException:  # noqa: BLE001  # a child of a fork must not return into its parent's code
        traceback.print_exc()
        return 1
    return 0 if run.error is None else 3


def main() -> None:
    warm_up()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        home, count, name = line.strip().split(maxsplit=2)
        note = Path(home) / "instant"
        note.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            os._exit(attempt(Path(home), int(count), name, note))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {note.read_text() if note.exists() else '[]'}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
