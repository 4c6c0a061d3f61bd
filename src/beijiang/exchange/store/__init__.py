"""All SQL on the tables of exchange."""

from beijiang.exchange.store.demands import DemandStore
from beijiang.exchange.store.grants import GrantStore
from beijiang.exchange.store.requests import RequestStore

__all__ = ["DemandStore", "GrantStore", "RequestStore"]
