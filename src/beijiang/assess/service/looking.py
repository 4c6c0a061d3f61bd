"""One look at the platform for one period: what several indicators need is read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Final

from beijiang.assess.models import Period
from beijiang.kit import SYSTEM, Text

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.assess.models import CallFacts, ExchangeFacts, LinkageFacts, PortalFacts
    from beijiang.catalog import Catalog, Entry, Inventory, Resource
    from beijiang.evidence import Evidence
    from beijiang.fusion import Fusion
    from beijiang.ingest import FreshnessBoard
    from beijiang.quality import Quality, Tickets
    from beijiang.standards import Standards
    from beijiang.tables import TableInfo, Tables, TableVersion

__all__ = ["MANY", "FactSources", "Look"]

MANY: Final = 1_000_000


@dataclass(slots=True, kw_only=True)
class FactSources:
    """The domains that facts come from."""

    catalog: Catalog
    inventory: Inventory
    access: Access
    evidence: Evidence
    tables: Tables
    quality: Quality
    tickets: Tickets
    freshness: FreshnessBoard
    fusion: Fusion
    standards: Standards
    exchange: ExchangeFacts | None = None
    """None: exchange is not there, and what rests on it has no facts."""
    linkage: LinkageFacts | None = None
    """None: linkage is not there, and units are active on this platform only."""
    portal: PortalFacts | None = None
    calls: CallFacts | None = None


class Look:
    """One look at the platform for one period; what several indicators need is read once."""

    def __init__(self, parts: FactSources, period: Period, now: datetime, zone: tzinfo) -> None:
        self.parts = parts
        self.period = period
        self.now = now
        self.zone = zone
        self.today = now.astimezone(zone).date()

    @property
    def until(self) -> datetime:
        """Return the end of the period, or now while it runs."""
        end = datetime.combine(self.period.last + timedelta(days=1), time(), self.zone)
        return min(self.now, end)

    @property
    def start(self) -> datetime:
        """Return the begin of the period."""
        return datetime.combine(self.period.first, time(), self.zone)

    @property
    def last(self) -> date:
        """Return the last day that is over: what is due later is still running."""
        return min(self.period.last, self.today - timedelta(days=1))

    @cached_property
    def resources(self) -> Sequence[Resource]:
        """Return all entries."""
        return self.parts.catalog.list(SYSTEM, limit=MANY)

    @cached_property
    def published(self) -> Sequence[tuple[Resource, Entry]]:
        """Return the entries in force, with what their published version says."""
        catalog = self.parts.catalog
        return [(r, catalog.published(SYSTEM, r.id).version.entry) for r in self.resources if r.is_serving]

    @cached_property
    def tables(self) -> Mapping[str, TableInfo]:
        """Return the tables by name."""
        return {table.name: table for table in self.parts.tables.list(SYSTEM)}

    @cached_property
    def histories(self) -> Mapping[str, Sequence[TableVersion]]:
        """Return the versions of each table, oldest first."""
        return {name: list(reversed(self.parts.tables.history(SYSTEM, name))) for name in self.tables}

    @cached_property
    def copies(self) -> Mapping[str, str]:
        """Return the tables whose newest data were handed in before under another name, with that name."""
        first: dict[tuple[str, frozenset[str]], str] = {}
        found = {}
        for table in sorted(self.tables.values(), key=lambda t: (t.created_at, t.name)):
            versions = self.histories[table.name]
            digests = frozenset(s.sha256 for s in versions[-1].sources) if versions else frozenset()
            if digests:
                original = first.setdefault((table.org_id, digests), table.name)
                if original != table.name:
                    found[table.name] = original
        return found

    def idle(self, resource: Resource) -> Text | None:
        """Return why the data behind an entry do not count, if they do not."""
        if resource.table is None and resource.entry.links:
            return None
        table = None if resource.table is None else self.tables.get(resource.table)
        if table is None or not table.rows:
            return Text("没有数据行，不计", "no rows of data, not counted")
        if (original := self.copies.get(table.name)) is not None:
            return Text(f"与“{original}”是同一份数据，不计", f'the same data as "{original}", not counted')
        return None
