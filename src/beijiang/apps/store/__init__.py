"""All SQL on the metadata tables of applications, hosted here or written elsewhere."""

from beijiang.apps.store.apps import AppStore, VersionMark
from beijiang.apps.store.clients import ClientStore
from beijiang.apps.store.farewells import FarewellStore
from beijiang.apps.store.jobs import AppJobStore
from beijiang.apps.store.subscriptions import SubscriptionStore
from beijiang.apps.store.tokens import SigningKey, TokenFacts, TokenStore
from beijiang.apps.store.usage import UsageStore

__all__ = [
    "AppJobStore",
    "AppStore",
    "ClientStore",
    "FarewellStore",
    "SigningKey",
    "SubscriptionStore",
    "TokenFacts",
    "TokenStore",
    "UsageStore",
    "VersionMark",
]
