"""All SQL of linkage."""

from beijiang.federation.store.letters import LetterStore
from beijiang.federation.store.nodes import NodeStore

__all__ = ["LetterStore", "NodeStore"]
