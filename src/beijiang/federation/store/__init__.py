"""All SQL of linkage."""

from beijiang.federation.store.entries import EntryStore
from beijiang.federation.store.letters import LetterStore
from beijiang.federation.store.nodes import NodeStore

__all__ = ["EntryStore", "LetterStore", "NodeStore"]
