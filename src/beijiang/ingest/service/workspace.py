"""The staging folder of one run: each step leaves a whole folder or nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from beijiang.ingest.errors import disk_trouble

__all__ = ["Workspace", "place"]

_DONE: Final = "done.json"
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class Workspace:
    """Folders named by step below ``home/staging/<run>``.

    A step works in a folder of its own attempt, which takes its final name by one rename when everything is in it. What
    a power cut may have left half on disk is not trusted: after a reboot a step's folder is made again.
    """

    def __init__(self, root: Path, attempt: int) -> None:
        self.root = root
        self._attempt = attempt

    def produce(self, step: str, work: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
        """Return what ``step`` produced, doing its ``work`` in an empty folder if that has not happened yet."""
        final = self.root / step
        known = self._finished(final)
        if known is not None:
            return known
        mine = self.root / f"{step}.tmp-{self._attempt}"
        try:
            shutil.rmtree(mine, ignore_errors=True)
            mine.mkdir(parents=True)
            value = work(mine)
            (mine / _DONE).write_text(json.dumps({"boot": _boot(), "value": value}, ensure_ascii=False), "utf-8")
            return self._take_name(mine, final, value)
        except OSError as error:
            shutil.rmtree(mine, ignore_errors=True)
            raise disk_trouble(error) from error

    def _take_name(self, mine: Path, final: Path, value: dict[str, Any]) -> dict[str, Any]:
        try:
            mine.rename(final)
        except OSError:
            known = self._finished(final)  # another attempt at this run was faster; its folder counts
            if known is None:
                raise
            shutil.rmtree(mine, ignore_errors=True)
            return known
        return value

    def _finished(self, folder: Path) -> dict[str, Any] | None:
        try:
            note = json.loads((folder / _DONE).read_text("utf-8"))
        except (OSError, ValueError):
            note = None
        if note is not None and note["boot"] == _boot():
            value: dict[str, Any] = note["value"]
            return value
        if folder.exists():
            shutil.rmtree(folder)
        return None

    def folder(self, step: str) -> Path:
        """Return the folder of a finished step."""
        return self.root / step

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.root, ignore_errors=True)


def place(source: Path, target: Path) -> None:
    """Put a finished file under its lasting name, on disk, once; again is harmless."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        os.link(source, temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise disk_trouble(error) from error


def _boot() -> str:
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return ""
