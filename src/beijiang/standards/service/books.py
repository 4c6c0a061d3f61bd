"""The registry as it is now: read whole when it has grown, and otherwise as it was read before."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from beijiang.kit import SYSTEM
from beijiang.standards.models import Book, EntryKind
from beijiang.standards.service.seeds import seeds
from beijiang.standards.store import RegistryStore

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.kit import Clock

__all__ = ["Books"]

FRESH: Final = 1.0
"""Seconds for which a book is taken for the newest: a table of 200 columns asks 400 times."""


class Books:
    """Gives the newest book to whoever reads the registry; knows no actor."""

    def __init__(self, db: Database, evidence: Evidence, clock: Clock, zone: ZoneInfo) -> None:
        self._db = db
        self._evidence = evidence
        self._clock = clock
        self._zone = zone
        self._hands = threading.Lock()
        self._read: tuple[int, Book] | None = None
        self._asked = -FRESH

    def today(self) -> date:
        """Return the day by the calendar of the place."""
        return self._clock.now().astimezone(self._zone).date()

    def now(self) -> tuple[Book, date]:
        """Return all versions of all entries, and the day; what another process decided is here a second later."""
        at, known = time.monotonic(), self._read
        if known is not None and at - self._asked < FRESH:
            return known[1], self.today()
        with self._db.read() as connection:
            store = RegistryStore(connection)
            state = store.state()
            if known is None or known[0] != state:
                with self._hands:
                    known = self._read
                    if known is None or known[0] != state:
                        known = self._read = (state, store.book())
        self._asked = at
        return known[1], self.today()

    def forget(self) -> None:
        """Read anew when asked next: this process added versions."""
        self._asked = -FRESH

    def seed(self) -> None:
        """Add version 1 of what is packaged and not there yet; what is there is left as it is. Idempotent."""
        elements, sets = seeds()
        packaged = {(EntryKind.ELEMENT.value, e.id) for e in elements} | {
            (EntryKind.CODE_SET.value, s.id) for s in sets
        }
        with self._db.read() as connection:
            missing = packaged - RegistryStore(connection).known()
        if not missing:
            return
        at = self._clock.now()
        new = [e for e in elements if (EntryKind.ELEMENT.value, e.id) in missing]
        new_sets = [s for s in sets if (EntryKind.CODE_SET.value, s.id) in missing]
        try:
            with self._db.begin() as tx:
                store = RegistryStore(tx.connection)
                store.add([replace(found, edition=replace(found.edition, at=at)) for found in new_sets])
                store.add([replace(found, edition=replace(found.edition, at=at)) for found in new])
                detail = {"elements": len(new), "code_sets": len(new_sets)}
                self._evidence.record(tx, SYSTEM, "standards.seed", target="registry", detail=detail)
        except IntegrityError:  # another process of the same home did it at the same time
            self.forget()
