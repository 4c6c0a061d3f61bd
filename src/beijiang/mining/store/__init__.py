"""All SQL on the metadata tables of mining."""

from beijiang.mining.store.notebooks import NotebookStore
from beijiang.mining.store.queries import RunStore, SavedStore
from beijiang.mining.store.texts import TextStore

__all__ = ["NotebookStore", "RunStore", "SavedStore", "TextStore"]
