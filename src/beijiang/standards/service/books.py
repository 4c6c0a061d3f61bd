"""The registry as it is now: read whole when it has grown, and otherwise as it was read before."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from beijiang.kit import SYSTEM
from beijiang.standards.models import Book, Choice, Entry, EntryKind, kind_of
from beijiang.standards.service.seeds import rule_seeds, seeds, year_seeds
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
                        known = self._read = (state, _with_conditions(store.book()))
        self._asked = at
        return known[1], self.today()

    def years_wanting(self) -> tuple[int, ...]:
        """Return the years that limits of today run through and whose days are not in (`WorkingCalendar.wanting`)."""
        book, today = self.now()
        return book.calendar_on(today).wanting(today)

    def choices(self) -> Sequence[Choice]:
        """Return which profiles of law were chosen, newest first."""
        with self._db.read() as connection:
            return RegistryStore(connection).choices()

    def forget(self) -> None:
        """Read anew when asked next: this process added versions."""
        self._asked = -FRESH

    def seed(self) -> None:
        """Add version 1 of what is packaged and not there yet; what is there is left as it is. Idempotent."""
        elements, sets = seeds()
        packaged: list[Entry] = [*elements, *sets, *rule_seeds(), *year_seeds()]
        with self._db.read() as connection:
            known = RegistryStore(connection).known()
        missing = [entry for entry in packaged if (kind_of(entry).value, entry.id) not in known]
        if not missing:
            return
        at = self._clock.now()
        counts = Counter(kind_of(entry) for entry in missing)
        try:
            with self._db.begin() as tx:
                store = RegistryStore(tx.connection)
                store.add([replace(found, edition=replace(found.edition, at=at)) for found in missing])
                detail = {f"{kind.value}s": counts[kind] for kind in EntryKind}
                self._evidence.record(tx, SYSTEM, "standards.seed", target="registry", detail=detail)
        except IntegrityError:  # another process of the same home did it at the same time
            self.forget()


def _with_conditions(book: Book) -> Book:
    """Have rules that were stored before conditions of extension were kept say the packaged one: who has to consent."""
    for seed in rule_seeds():
        if seed.extension_condition and seed.id in book.rules:
            book.rules[seed.id] = tuple(
                replace(one, extension_condition=one.extension_condition or seed.extension_condition)
                for one in book.rules[seed.id]
            )
    return book
