"""Count the whole portal from the catalog's search records; no row is read and no table is counted for it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from beijiang.catalog import Catalog, OpenType, Promise, PromiseState, SearchHit, SearchPage, SearchQuery, Sort, promise
from beijiang.kit import ANONYMOUS, Clock
from beijiang.opendata.models import Numbers
from beijiang.standards import Standards

KEPT_FOR = timedelta(seconds=60)
PAGE = 100
OPENED = frozenset({OpenType.UNCONDITIONAL, OpenType.CONDITIONAL})


@dataclass(frozen=True, slots=True)
class _Counted:
    numbers: Numbers
    index: datetime | None
    at: datetime


class Counter:
    """Keeps the numbers until the catalog changes, a minute at most (promises fall due by the clock alone)."""

    def __init__(self, catalog: Catalog, standards: Standards, clock: Clock, zone: str) -> None:
        self._catalog = catalog
        self._standards = standards
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._lock = threading.Lock()
        self._last: _Counted | None = None
        self._open_columns: dict[str, tuple[datetime | None, int]] = {}

    def numbers(self, newest: SearchPage) -> Numbers:
        """Return the numbers; ``newest`` is a fresh result page that tells how far the index has come."""
        now = self._clock.now()
        with self._lock:
            last = self._last
            if last is None or last.index != newest.indexed_up_to or now - last.at > KEPT_FOR:
                last = self._last = _Counted(self._count(now), newest.indexed_up_to, now)
            return last.numbers

    def promise(self, hit: SearchHit, now: datetime) -> Promise:
        """Return the published update promise of one hit against the fact; the search record holds both."""
        return promise(self._standards.update_cycle(hit.update_cycle), hit.data_at, now)

    def _count(self, now: datetime) -> Numbers:
        hits = [hit for hit in self._hits() if hit.open_type in OPENED]
        rows = {hit.id: hit for hit in hits if hit.open_type is OpenType.UNCONDITIONAL and hit.data_at is not None}
        states = [self.promise(hit, now).state for hit in hits]
        today = now.astimezone(self._zone).date()
        return Numbers(
            datasets=len(hits),
            rows=sum(hit.rows or 0 for hit in rows.values()),
            cells=sum((hit.rows or 0) * self._columns(hit) for hit in rows.values()),
            with_api=len(rows),
            kept=states.count(PromiseState.ON_TIME),
            scored=states.count(PromiseState.ON_TIME) + states.count(PromiseState.LATE),
            updated_today=sum(hit.data_at.astimezone(self._zone).date() == today for hit in hits if hit.data_at),
        )

    def _hits(self) -> list[SearchHit]:
        found: list[SearchHit] = []
        number = 1
        while True:
            page = self._catalog.search(ANONYMOUS, SearchQuery(sort=Sort.NEWEST, size=PAGE, page=number))
            found += page.hits
            if not page.hits or number * PAGE >= page.total:
                return found
            number += 1

    def _columns(self, hit: SearchHit) -> int:
        """Return how many columns are open; looked up once per published version."""
        known = self._open_columns.get(hit.id)
        if known is None or known[0] != hit.published_at:
            entry = self._catalog.published(ANONYMOUS, hit.id).version.entry
            known = self._open_columns[hit.id] = (hit.published_at, len(entry.open_items))
        return known[1]
