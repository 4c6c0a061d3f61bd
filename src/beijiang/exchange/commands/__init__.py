"""``beijiang exchange``: requests, decisions, grants, rows under them; demands; recalls, disputes, ratings; standard entries."""

from beijiang.exchange.commands.demands import demands
from beijiang.exchange.commands.matters import disputes, ratings, recalls
from beijiang.exchange.commands.sharing import commands
from beijiang.exchange.commands.templates import claims, templates

__all__ = ["claims", "commands", "demands", "disputes", "ratings", "recalls", "templates"]
