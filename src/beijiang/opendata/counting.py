"""The verbs on use: count it as it happens, without a trace of who, and tell it in coarse numbers."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from beijiang.access import Permission
from beijiang.kit import ANONYMOUS, BeijiangError, Invalid, NotFound
from beijiang.opendata.store.usage import UsageStore
from beijiang.opendata.usage import SetUse, Usage, UseKind, coarse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from beijiang.access import Access
    from beijiang.catalog import Catalog
    from beijiang.db import Database
    from beijiang.kit import Actor, Clock

__all__ = ["MONTHS_MOST", "Statistics"]

log = logging.getLogger(__name__)

WAIT_SECONDS: Final = 5.0
"""So long are counts kept before they are written, so that a busy hour is not an hour of writes."""
HELD_MOST: Final = 500
MONTHS_MOST: Final = 60
SETS_MOST: Final = 100


class Statistics:
    """Counts of views, downloads and calls, per data set and month; what is lost with a killed process is seconds."""

    def __init__(self, db: Database, catalog: Catalog, access: Access, clock: Clock, time_zone: str) -> None:
        self._db = db
        self._catalog = catalog
        self._access = access
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self._held: dict[tuple[str, str, UseKind], int] = {}
        self._since = time.monotonic()
        self._lock = threading.Lock()

    def count(self, dataset_id: str, kind: UseKind) -> None:
        """Count one use; nothing of who or from where is taken, and a database that cannot be written keeps nobody from reading."""
        key = (dataset_id, _month(self._clock.now().astimezone(self._zone)), kind)
        with self._lock:
            self._held[key] = self._held.get(key, 0) + 1
            due = len(self._held) >= HELD_MOST or time.monotonic() - self._since >= WAIT_SECONDS
        if due:
            self.write()

    def write(self) -> None:
        """Write what is held; on failure it is held on."""
        with self._lock:
            held, self._held, self._since = self._held, {}, time.monotonic()
        if not held:
            return
        try:
            with self._db.begin(counted=False) as tx:  # nothing that is remembered is read of it
                UsageStore(tx.connection).add(held)
        except (SQLAlchemyError, BeijiangError):
            log.warning("%s counts of use could not be written; they are held", len(held))
            with self._lock:
                for key, count in held.items():
                    self._held[key] = self._held.get(key, 0) + count

    def usage(self, actor: Actor, months: int = 12, dataset_id: str = "") -> Usage:
        """Return the use of the portal, or of one published data set, over the last months, this one included.

        Raises:
            Invalid: not 1 to 60 months.
            NotFound: no such published data set.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        if not 1 <= months <= MONTHS_MOST:
            raise Invalid(f"月数应为 1 到 {MONTHS_MOST}。", f"Ask for 1 to {MONTHS_MOST} months.", code="bad_months")
        if dataset_id:
            self._catalog.published(ANONYMOUS, dataset_id)
        self.write()
        names = _months(self._clock.now().astimezone(self._zone), months)
        with self._db.read() as connection:
            store = UsageStore(connection)
            found = store.months(names, dataset_id)
            sets = {} if dataset_id else store.sets(names)
        return Usage(
            months=names,
            by_month={kind: [coarse(found.get((month, kind), 0)) for month in names] for kind in UseKind},
            totals={kind: coarse(sum(found.get((month, kind), 0) for month in names)) for kind in UseKind},
            sets=self._named(sets),
        )

    def _named(self, sets: Mapping[str, Mapping[UseKind, int]]) -> tuple[SetUse, ...]:
        """Return the most used published sets; one that is published no more is not named."""
        found: list[SetUse] = []
        for dataset_id, counts in sorted(sets.items(), key=lambda one: (-sum(one[1].values()), one[0])):
            try:
                published = self._catalog.published(ANONYMOUS, dataset_id)
            except NotFound:
                continue
            told = {kind: coarse(counts.get(kind, 0)) for kind in UseKind}
            found.append(SetUse(dataset_id, published.version.entry.name, told))
            if len(found) == SETS_MOST:
                break
        return tuple(found)


def _month(at: datetime) -> str:
    return at.strftime("%Y-%m")


def _months(now: datetime, count: int) -> Sequence[str]:
    last = now.year * 12 + now.month - 1
    return [f"{n // 12:04}-{n % 12 + 1:02}" for n in range(last - count + 1, last + 1)]
