"""All SQL on the metadata tables of the work-bench."""

from beijiang.mining.store.queries import RunStore, SavedStore

__all__ = ["RunStore", "SavedStore"]
