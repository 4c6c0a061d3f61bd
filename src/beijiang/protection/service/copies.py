"""The shelf of serving copies: which are there, and how they are opened. What may be read from one, the gate decides each time."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from beijiang.protection.store.copies import CopyFile, over_budget

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

__all__ = ["CopyShelf"]

log = logging.getLogger(__name__)
_OPEN: Final = 32
"""Copies that are kept open."""


class CopyShelf:
    """Keep copies under the table and the print of what they hold; a print names version, columns, masks and filters."""

    def __init__(self, folder: Path, limit: int, zone: str) -> None:
        self.folder = folder
        self.limit = limit
        self.zone = zone
        self._held: OrderedDict[Path, CopyFile] = OrderedDict()
        self._lock = threading.Lock()

    def place(self, table_id: str, print_: str) -> Path:
        """Return where a copy stands or would stand."""
        return self.folder / table_id / f"{print_}.db"

    def get(self, table_id: str, print_: str) -> CopyFile | None:
        """Return a whole copy, None where there is none; asked at every read, so what is removed is read no more."""
        path = self.place(table_id, print_)
        if not path.exists():
            self._forget(path)
            return None
        with self._lock:
            held = self._held.get(path)
            if held is not None:
                self._held.move_to_end(path)
                return held
        return self._opened(path)

    def prints(self, table_id: str) -> dict[str, int]:
        """Return the copies of a table with their bytes."""
        return {path.stem: path.stat().st_size for path in (self.folder / table_id).glob("*.db")}

    def keep(self, table_id: str, prints: Collection[str]) -> list[str]:
        """Remove the other copies of a table; return what went."""
        gone = [print_ for print_ in self.prints(table_id) if print_ not in prints]
        for print_ in gone:
            path = self.place(table_id, print_)
            path.unlink(missing_ok=True)
            self._forget(path)
        if not prints:
            shutil.rmtree(self.folder / table_id, ignore_errors=True)
        return gone

    def only(self, tables: Collection[str]) -> None:
        """Remove the copies of every other table."""
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            if folder.name not in tables:
                self.keep(folder.name, ())

    def begin(self, table_id: str) -> None:
        """Make the folder of a table, and remove what a killed build left there."""
        folder = self.folder / table_id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.glob(".*"):
            left.unlink(missing_ok=True)

    def room(self) -> Callable[[int], None]:
        """Return what raises as soon as a growing copy and the others are over the budget."""
        others = sum(path.stat().st_size for path in self.folder.glob("*/*.db"))

        def check(size: int) -> None:
            if others + size > self.limit:
                raise over_budget(self.limit)

        return check

    def close(self) -> None:
        """Close every copy."""
        with self._lock:
            held, self._held = self._held, OrderedDict()
        for copy in held.values():
            copy.close()

    def _opened(self, path: Path) -> CopyFile | None:
        try:
            made = CopyFile(path)
        except (sqlite3.Error, OSError, ValueError, TypeError, KeyError) as error:
            log.warning("a serving copy cannot be opened and was removed: %s", type(error).__name__)
            path.unlink(missing_ok=True)
            return None
        with self._lock:
            held = self._held.setdefault(path, made)
            dropped = [self._held.popitem(last=False)[1] for _ in range(max(0, len(self._held) - _OPEN))]
        for copy in [*dropped, *([made] if held is not made else [])]:
            copy.close()
        return held

    def _forget(self, path: Path) -> None:
        with self._lock:
            held = self._held.pop(path, None)
        if held is not None:
            held.close()
