"""All SQL on quality's metadata tables."""

from beijiang.quality.store.lists import QualityLists
from beijiang.quality.store.mapping import MappingStore
from beijiang.quality.store.monitors import MonitorStore
from beijiang.quality.store.rules import RuleStore
from beijiang.quality.store.runs import RunStore
from beijiang.quality.store.tickets import TicketStore

__all__ = ["MappingStore", "MonitorStore", "QualityLists", "RuleStore", "RunStore", "TicketStore"]
