"""Plans that are kept: for a page of rows, planning the query costs as much as a third of reading them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

__all__ = ["Desk", "Desks"]

_PLANS: Final = 64
_IDLE: Final = 8


class Desk:
    """One connection and the statements that it has planned."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self._plans: OrderedDict[str, str] = OrderedDict()
        self._names = count()

    def has(self, sql: str) -> bool:
        """Tell whether a statement is planned already."""
        return sql in self._plans

    def execute(self, sql: str) -> None:
        """Run a query, by its plan if it has one."""
        name = self._plans.get(sql)
        if name is None:
            name = f"plan_{next(self._names)}"
            self.cursor.execute(f"PREPARE {name} AS {sql}")
            self._plans[sql] = name
            while len(self._plans) > _PLANS:
                _, old = self._plans.popitem(last=False)
                self.cursor.execute(f"DEALLOCATE {old}")
        self._plans.move_to_end(sql)
        self.cursor.execute(f"EXECUTE {name}")


class Desks:
    """The connections of an engine that keep plans; each serves one query at a time."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._idle: list[Desk] = []
        self._lock = threading.Lock()

    @contextmanager
    def free(self, sql: str) -> Iterator[Desk]:
        """Lend a connection, if possible one that knows the query; after an error it is not used again."""
        with self._lock:
            at = next((i for i, desk in enumerate(self._idle) if desk.has(sql)), len(self._idle) - 1)
            desk = self._idle.pop(at) if self._idle else Desk(self._root.cursor())
        try:
            yield desk
        except BaseException:
            desk.cursor.close()
            raise
        with self._lock:
            if len(self._idle) < _IDLE:
                self._idle.append(desk)
                return
        desk.cursor.close()

    def close(self) -> None:
        """Close every connection that is not lent."""
        with self._lock:
            idle, self._idle = self._idle, []
        for desk in idle:
            desk.cursor.close()
