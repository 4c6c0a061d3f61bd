"""All SQL on the metadata tables of applications, hosted here or written elsewhere."""

from beijiang.apps.store.apps import AppStore
from beijiang.apps.store.clients import ClientStore
from beijiang.apps.store.subscriptions import SubscriptionStore
from beijiang.apps.store.tokens import SigningKey, TokenFacts, TokenStore

__all__ = ["AppStore", "ClientStore", "SigningKey", "SubscriptionStore", "TokenFacts", "TokenStore"]
