"""The verbs of exchange."""

from beijiang.exchange.service.book import GrantBook
from beijiang.exchange.service.demanding import Answer, Demands
from beijiang.exchange.service.disputing import Disputes
from beijiang.exchange.service.exchange import Exchange
from beijiang.exchange.service.rating import RatingBook
from beijiang.exchange.service.recalling import Recalls
from beijiang.exchange.service.serving import Services

__all__ = ["Answer", "Demands", "Disputes", "Exchange", "GrantBook", "RatingBook", "Recalls", "Services"]
