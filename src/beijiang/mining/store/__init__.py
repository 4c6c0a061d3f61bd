"""All SQL on the metadata tables of mining."""

from beijiang.mining.store.queries import RunStore, SavedStore
from beijiang.mining.store.reading_alerts import CopyStore, ReadingAlertStore
from beijiang.mining.store.stream_rules import RuleStore

__all__ = ["CopyStore", "ReadingAlertStore", "RuleStore", "RunStore", "SavedStore"]
