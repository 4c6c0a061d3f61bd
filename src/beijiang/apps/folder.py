"""The folder of an application as it is written on somebody's own disk: its files as a bundle, and by what a change shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from beijiang.apps.errors import bad_package
from beijiang.apps.models import take
from beijiang.apps.models.packing import FILES_MOST

__all__ = ["folder_files", "folder_mark"]


def folder_files(folder: Path) -> dict[str, str]:
    """Return the files of a folder as a bundle; hidden ones are left out, links are refused.

    Raises:
        Invalid: it is no bundle (``app_package``).

    """
    found: list[tuple[str, bytes]] = []
    for path in _paths(folder):
        if path.is_symlink() or len(found) > FILES_MOST:
            raise bad_package("含符号链接或文件太多", "it holds a link or too many files")
        found.append((path.relative_to(folder).as_posix(), path.read_bytes()))
    return take(found)


def folder_mark(folder: Path) -> str:
    """Return a mark that is another one whenever a file of a folder was saved, came or went."""
    seen = hashlib.sha256()
    for number, path in enumerate(_paths(folder)):
        if number > FILES_MOST:
            break
        try:
            facts = path.lstat()
        except FileNotFoundError:  # an editor that saves by way of another file
            continue
        seen.update(f"{path} {facts.st_mtime_ns} {facts.st_size} {facts.st_ino}\n".encode())
    return seen.hexdigest()[:16]


def _paths(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") for part in parts) and (path.is_symlink() or not path.is_dir()):
            yield path
