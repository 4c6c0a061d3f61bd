"""All SQL on the metadata tables of mining."""

from beijiang.mining.store.graphs import GraphStore
from beijiang.mining.store.queries import RunStore, SavedStore

__all__ = ["GraphStore", "RunStore", "SavedStore"]
