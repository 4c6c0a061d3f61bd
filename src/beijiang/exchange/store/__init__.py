"""All SQL on the tables of exchange."""

from beijiang.exchange.store.demands import DemandStore
from beijiang.exchange.store.disputes import DisputeStore, RatingStore
from beijiang.exchange.store.grants import GrantStore
from beijiang.exchange.store.recalls import RecallStore
from beijiang.exchange.store.requests import RequestStore
from beijiang.exchange.store.services import ServiceStore

__all__ = ["DemandStore", "DisputeStore", "GrantStore", "RatingStore", "RecallStore", "RequestStore", "ServiceStore"]
