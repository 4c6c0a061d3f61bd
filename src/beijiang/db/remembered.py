"""What was read of the metadata database, kept until anything in it is changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from beijiang.db.database import Database

__all__ = ["Remembered"]

T = TypeVar("T")


class Remembered(Generic[T]):
    """Keep the most recently used answers of the database, each with the count of changes at which it was read.

    The count is asked every time, of the database: what a unit of work of any process changed is read anew by whoever comes after
    its commit, so a right that ended does not live on here. What is kept is shared by all threads and must not be changed.
    """

    def __init__(self, db: Database, size: int = 4096) -> None:
        self._db = db
        self._size = size
        self._held: OrderedDict[Hashable, tuple[int, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[Connection], T]) -> T:
        """Return what the database says of ``key`` now; ``read`` asks it, and looks at nothing else that may change."""
        number = self._db.changes()  # before the reading: what is read then can only be newer than its number
        with self._lock:
            held = self._held.get(key)
            if held is not None and held[0] == number:
                self._held.move_to_end(key)
                return held[1]
        with self._db.read() as connection:
            found = read(connection)
        with self._lock:
            self._held[key] = number, found
            self._held.move_to_end(key)
            while len(self._held) > self._size:
                self._held.popitem(last=False)
        return found
