"""All SQL on the metadata tables of mining."""

from beijiang.mining.store.notebook_schema import notebook
from beijiang.mining.store.queries import RunStore, SavedStore
from beijiang.mining.store.texts import TextStore

__all__ = ["RunStore", "SavedStore", "TextStore", "notebook"]
