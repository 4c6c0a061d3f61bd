"""``beijiang exchange``: requests, decisions, grants, rows under them; demands; recalls, disputes, ratings."""

from beijiang.exchange.commands.demands import demands
from beijiang.exchange.commands.matters import disputes, ratings, recalls
from beijiang.exchange.commands.shares import add_shares
from beijiang.exchange.commands.sharing import commands

__all__ = ["add_shares", "commands", "demands", "disputes", "ratings", "recalls"]
