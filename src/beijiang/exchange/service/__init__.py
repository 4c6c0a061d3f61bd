"""The verbs of exchange."""

from beijiang.exchange.service.book import GrantBook
from beijiang.exchange.service.exchange import Exchange

__all__ = ["Exchange", "GrantBook"]
