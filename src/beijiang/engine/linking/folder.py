"""The folder of a link below ``tmp/linking``: it holds records as they are, so only we may look in, and it goes with the link."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from beijiang.kit import new_id

__all__ = ["folder_of_link", "sweep"]

_OURS: Final = 0o700


@contextmanager
def folder_of_link(home: Path) -> Iterator[Path]:
    """Make a folder, and take it away at the end; while it is in use its lock is held, which a killed process lets go."""
    root = _root(home)
    with _locked(root):
        folder = root / new_id("link")
        folder.mkdir(_OURS)
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def sweep(home: Path) -> int:
    """Remove the folders of links whose process is gone; return how many."""
    gone = 0
    root = _root(home)
    with _locked(root):
        for folder in [*root.iterdir()]:
            with suppress(OSError), _locked(folder, fcntl.LOCK_NB):
                shutil.rmtree(folder, ignore_errors=True)
                gone += 1
    return gone


def _root(home: Path) -> Path:
    root = home.resolve() / "tmp" / "linking"
    root.mkdir(_OURS, parents=True, exist_ok=True)
    root.chmod(_OURS)  # an older release made it for all to read
    return root


@contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[None]:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(held)
