"""``beijiang exchange``: requests, decisions, grants, rows under them; demands; recalls, disputes, ratings; services."""

from beijiang.exchange.commands.demands import demands
from beijiang.exchange.commands.matters import disputes, ratings, recalls
from beijiang.exchange.commands.services import services
from beijiang.exchange.commands.sharing import commands

__all__ = ["commands", "demands", "disputes", "ratings", "recalls", "services"]
