"""All SQL on the tables of exchange."""

from beijiang.exchange.store.demands import DemandStore
from beijiang.exchange.store.disputes import DisputeStore, RatingStore
from beijiang.exchange.store.grants import GrantStore
from beijiang.exchange.store.pushes import PushStore
from beijiang.exchange.store.recalls import RecallStore
from beijiang.exchange.store.requests import RequestStore

__all__ = ["DemandStore", "DisputeStore", "GrantStore", "PushStore", "RatingStore", "RecallStore", "RequestStore"]
