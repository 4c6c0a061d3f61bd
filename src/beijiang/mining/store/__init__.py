"""All SQL on the metadata tables of mining, a file for each of its pieces."""

from beijiang.mining.store.learning import LearningStore
from beijiang.mining.store.queries import RunStore, SavedStore

__all__ = ["LearningStore", "RunStore", "SavedStore"]
