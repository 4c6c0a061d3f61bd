"""All SQL on the tables of exchange."""

from beijiang.exchange.store.grants import GrantStore
from beijiang.exchange.store.requests import RequestStore

__all__ = ["GrantStore", "RequestStore"]
