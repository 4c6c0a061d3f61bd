"""All SQL on the tables of exchange."""

from beijiang.exchange.store.counts import CountStore
from beijiang.exchange.store.demands import DemandStore
from beijiang.exchange.store.disputes import DisputeStore, RatingStore
from beijiang.exchange.store.grants import GrantStore
from beijiang.exchange.store.handing import HandingStore
from beijiang.exchange.store.intersections import IntersectionStore
from beijiang.exchange.store.ledgers import LedgerLists
from beijiang.exchange.store.lists import MatterLists
from beijiang.exchange.store.openings import OpeningStore
from beijiang.exchange.store.profiles import ProfileStore
from beijiang.exchange.store.pushes import PushStore
from beijiang.exchange.store.recalls import RecallStore
from beijiang.exchange.store.requests import RequestStore, time_of
from beijiang.exchange.store.services import ServiceStore
from beijiang.exchange.store.serving import ServingStore
from beijiang.exchange.store.stops import StopStore
from beijiang.exchange.store.templates import TemplateStore

__all__ = [
    "CountStore",
    "DemandStore",
    "DisputeStore",
    "GrantStore",
    "HandingStore",
    "IntersectionStore",
    "LedgerLists",
    "MatterLists",
    "OpeningStore",
    "ProfileStore",
    "PushStore",
    "RatingStore",
    "RecallStore",
    "RequestStore",
    "ServiceStore",
    "ServingStore",
    "StopStore",
    "TemplateStore",
    "time_of",
]
