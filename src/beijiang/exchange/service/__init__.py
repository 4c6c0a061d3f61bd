"""The verbs of exchange."""

from beijiang.exchange.service.book import GrantBook
from beijiang.exchange.service.demanding import Answer, Demands
from beijiang.exchange.service.exchange import Exchange

__all__ = ["Answer", "Demands", "Exchange", "GrantBook"]
