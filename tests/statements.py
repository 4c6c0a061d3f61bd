"""What one request asks the database: its own statements, whatever threads and jobs do beside it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from beijiang.db import Remembered
from beijiang.standards import Books

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beijiang.db import Database

_AGAIN = (Remembered.get.__code__, Books.now.__code__)
"""What is remembered until somebody writes, and the registry of standards, which asks once a second whether it has grown."""
_mine: ContextVar[list[str] | None] = ContextVar("asked", default=None)


@contextmanager
def asked(db: Database) -> Iterator[list[str]]:
    """Collect the statements of what is done meanwhile in this context: here, or by a test client in its loop and threads.

    What is remembered until something is written, by whomever, is left out: whether it has to be read again is chance.
    """
    own: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if _mine.get() is own and not _reads_again():
            own.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    token = _mine.set(own)
    try:
        yield own
    finally:
        _mine.reset(token)
        event.remove(db.engine, "before_cursor_execute", note)


def takes_the_head_after(statements: list[str], table: str) -> bool:
    """Tell whether a table is written before the head of the evidence is locked, for which everybody waits on PostgreSQL."""
    writes = [one for one in statements if not one.lstrip().upper().startswith("SELECT")]
    first = next(n for n, one in enumerate(writes) if f" {table} " in f"{one} ")
    return first < next(n for n, one in enumerate(writes) if " evidence_" in one)


def _reads_again() -> bool:
    frame = sys._getframe()
    while (above := frame.f_back) is not None:
        frame = above
        if frame.f_code in _AGAIN:
            return True
    return False
