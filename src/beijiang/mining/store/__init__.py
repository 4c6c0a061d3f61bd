"""All SQL on the metadata tables of mining."""

from beijiang.mining.store.queries import RunStore, SavedStore
from beijiang.mining.store.reading_alerts import ReadingAlertStore
from beijiang.mining.store.stream_rules import RuleStore

__all__ = ["ReadingAlertStore", "RuleStore", "RunStore", "SavedStore"]
