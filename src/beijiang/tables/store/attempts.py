"""Files of a commit that has not landed yet: named per attempt, taken out again if it never does."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from beijiang.tables.store.files import flush

__all__ = ["Attempt", "Attempts"]

CLOCK_SLACK = 60.0


@dataclass(slots=True)
class Attempt:
    """Files that one attempt put into the table's folder; whatever is not committed is taken out again."""

    folder: Path
    prefix: str
    made: list[Path] = field(default_factory=list)
    taken: list[Path] = field(default_factory=list)

    def path(self) -> Path:
        """Return a new file's place, noted so that it can be taken out again."""
        path = self.folder / f"{self.prefix}-{len(self.made) + len(self.taken):05d}.parquet"
        self.made.append(path)
        return path

    def take(self, source: Path) -> Path:
        """Bring a staged file into the folder under a name of its own: linked, or copied from another file system.

        From here on nothing outside can change it, and its name says for good what is in it.
        """
        path = self.path()
        try:
            os.link(source, path)
        except OSError:
            shutil.copyfile(source, path)
        flush(path)
        self.taken.append(self.made.pop())
        return path

    def again(self) -> None:
        """Remove what was made on top of a state that is no longer the newest; what was taken in stays."""
        for path in self.made:
            path.unlink(missing_ok=True)
        self.taken += self.made  # their numbers are used up
        self.made.clear()

    def keep(self, names: Collection[str]) -> None:
        """Leave the committed files where they are."""
        self.made = [path for path in self.made if path.name not in names]
        self.taken = [path for path in self.taken if path.name not in names]

    def clear(self) -> None:
        """Remove every file that was not committed."""
        for path in (*self.made, *self.taken):
            path.unlink(missing_ok=True)


class Attempts:
    """Marker files, one locked by each running attempt, so that what a dead process left behind can be found."""

    def __init__(self, folder: Path) -> None:
        self._marks = folder

    @contextlib.contextmanager
    def begin(self, folder: Path) -> Iterator[Attempt]:
        """Begin an attempt; whatever it did not keep is removed at the end, however that comes."""
        self._marks.mkdir(parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        prefix = f"part-{secrets.token_hex(8)}"
        mark = self._marks / f"{folder.name}~{prefix}"
        with mark.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            attempt = Attempt(folder, prefix)
            try:
                yield attempt
            finally:
                attempt.clear()
                mark.unlink(missing_ok=True)

    def at_work(self, table_id: str) -> bool:
        """Tell whether a living process has an attempt under way for a table."""
        for mark in self._marks.glob(f"{table_id}~*"):
            with mark.open("r") as file:
                if not _try_lock(file):
                    return True
        return False

    def sweep(self, root: Path) -> int:
        """Remove what attempts of dead processes left in table folders without a commit; return how many files."""
        removed = 0
        for mark in self._marks.glob("*") if self._marks.is_dir() else ():
            table_id, _, prefix = mark.name.partition("~")
            with mark.open("r") as file:
                if not _try_lock(file):
                    continue  # its process lives
                removed += _sweep_attempt(root / table_id, prefix, mark.stat().st_mtime)
                mark.unlink(missing_ok=True)
        return removed


def _sweep_attempt(folder: Path, prefix: str, since: float) -> int:
    """Remove an attempt's files unless an entry of the log, written after it began, names them.

    A killed attempt may have committed some of its files only: a merge takes staged files in, rewrites them, and dies
    between its commit and the removal of what it took in.
    """
    file_name = re.compile(rf"{re.escape(prefix)}-\d+\.parquet")
    committed: set[str] = set()
    for entry in (folder / "_delta_log").glob("*.json"):
        if entry.stat().st_mtime >= since - CLOCK_SLACK:
            committed.update(file_name.findall(entry.read_text(encoding="utf-8")))
    left = [path for path in folder.glob(f"{prefix}-*.parquet") if path.name not in committed]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
