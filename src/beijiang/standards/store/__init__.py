"""All SQL on the registry's metadata tables."""

from beijiang.standards.store.proposals import ProposalStore
from beijiang.standards.store.registry import RegistryStore

__all__ = ["ProposalStore", "RegistryStore"]
