"""The own folder of an application's server: how much it holds, and how it is emptied."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from beijiang.kit import new_id

__all__ = ["WORK", "Held", "held_in", "put_aside", "sweep_aside"]

WORK: Final = "work"
_ASIDE: Final = "aside"
_BYTES: Final = 64 << 20
_ENTRIES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """What a folder holds; what is far too much is not counted to its end."""

    bytes: int
    entries: int
    closed: bool = False
    """Whether some of it cannot be looked into, so that what it holds is not known."""

    @property
    def is_full(self) -> bool:
        """Tell whether it is more than a server may keep; what it hides counts as more."""
        return self.closed or self.bytes > _BYTES or self.entries > _ENTRIES


def held_in(folder: Path) -> Held:
    """Count what the own folder of a server holds; the look itself is bounded."""
    size = entries = 0
    folders = [folder / WORK]
    try:
        while folders and size <= _BYTES and entries <= _ENTRIES:
            with (
                suppress(FileNotFoundError),
                os.scandir(folders.pop()) as found,
            ):  # what vanishes meanwhile takes no room
                for one in islice(found, _ENTRIES + 1):
                    entries += 1
                    size += one.stat(follow_symlinks=False).st_size
                    if one.is_dir(follow_symlinks=False):
                        folders.append(Path(one.path))
    except OSError:
        return Held(size, entries, closed=True)
    return Held(size, entries)


def put_aside(folder: Path) -> Path | None:
    """Move all that a server keeps out of its way, in one step, and give it an empty folder; None where it keeps nothing."""
    work, aside = folder / WORK, folder / f"{_ASIDE}-{new_id('dir')}"
    try:
        work.rename(aside)
    except FileNotFoundError:
        return None
    work.mkdir(mode=0o700)
    return aside


def sweep_aside(folders: Path) -> None:
    """Remove what was put aside and not removed yet, of all servers."""
    for left in folders.glob(f"*/{_ASIDE}-*"):
        _open_up(left)
        shutil.rmtree(left, ignore_errors=True)


def _open_up(folder: Path) -> None:
    """Let what a server closed be looked into and removed; no link is followed."""
    _open_one(folder, None)
    for _, names, _, at in os.fwalk(folder):
        for name in names:
            _open_one(name, at)


def _open_one(name: str | Path, at: int | None) -> None:
    with suppress(OSError):  # a link, or it is somebody else's
        found = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
        try:
            Path(f"/proc/self/fd/{found}").chmod(0o700)
        finally:
            os.close(found)
