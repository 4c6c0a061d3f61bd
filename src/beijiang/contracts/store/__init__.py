"""All SQL of contracts."""

from beijiang.contracts.store.contracts import ContractStore

__all__ = ["ContractStore"]
