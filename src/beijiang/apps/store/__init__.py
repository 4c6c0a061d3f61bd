"""All SQL on the metadata tables of applications, hosted here or written elsewhere."""

from beijiang.apps.store.apps import AppStore, VersionMark
from beijiang.apps.store.canaries import AnswerStore, CanaryStore
from beijiang.apps.store.clients import ClientStore
from beijiang.apps.store.farewells import FarewellStore
from beijiang.apps.store.jobs import AppJobStore
from beijiang.apps.store.ratings import AppRatingStore
from beijiang.apps.store.serving import ServerStore
from beijiang.apps.store.subscriptions import SubscriptionStore
from beijiang.apps.store.tokens import SigningKey, TokenFacts, TokenStore
from beijiang.apps.store.usage import UsageStore
from beijiang.apps.store.ways import WayStore

__all__ = [
    "AnswerStore",
    "AppJobStore",
    "AppRatingStore",
    "AppStore",
    "CanaryStore",
    "ClientStore",
    "FarewellStore",
    "ServerStore",
    "SigningKey",
    "SubscriptionStore",
    "TokenFacts",
    "TokenStore",
    "UsageStore",
    "VersionMark",
    "WayStore",
]
