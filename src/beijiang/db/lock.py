"""One process works on a home at a time; the second one is told who holds it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from beijiang.kit import Busy


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The process that holds a home."""

    pid: int
    command: str
    since: str


class HomeLock:
    """An exclusive lock on a home folder, freed by the operating system when its process ends in any way."""

    def __init__(self, home: Path) -> None:
        self._path = home / "lock"

    @contextmanager
    def held(self, command: str) -> Iterator[None]:
        """Hold the home while the block runs.

        Raises:
            Busy: another process holds it; the message names its process id, command and start.

        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _busy(self.holder()) from None
            file.truncate(0)
            holder = LockHolder(os.getpid(), command, datetime.now(UTC).isoformat(timespec="seconds"))
            file.write(json.dumps(asdict(holder), ensure_ascii=False))
            file.flush()
            yield

    def holder(self) -> LockHolder | None:
        """Return what the holder wrote about itself, or None if that cannot be read."""
        try:
            return LockHolder(**json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def _busy(holder: LockHolder | None) -> Busy:
    if holder is None:
        return Busy(
            "另一个进程正在使用这个主目录，请稍后再试。", "Another process is using this home folder; try again later."
        )
    who = f"beijiang {holder.command}"
    return Busy(
        f"主目录正被进程 {holder.pid}（{who}，始于 {holder.since}）使用。请在它结束后再试，或先停止它。",
        f"Process {holder.pid} ({who}, since {holder.since}) holds this home folder. Try again when it has ended, or stop it first.",
        code="home_in_use",
        detail={"pid": holder.pid, "command": holder.command, "since": holder.since},
    )


def prepared_home(home: Path) -> Path:
    """Make the folders of a home that are not there, and return it."""
    for name in ("", "lake", "landing", "staging", "evidence", "cache", "serving"):
        (home / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return home
