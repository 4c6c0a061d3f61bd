"""``beijiang exchange``: requests, decisions, grants, rows under them; demands; pushes; recalls, disputes, ratings."""

from beijiang.exchange.commands.demands import demands
from beijiang.exchange.commands.matters import disputes, ratings, recalls
from beijiang.exchange.commands.pushes import pushes
from beijiang.exchange.commands.sharing import commands

__all__ = ["commands", "demands", "disputes", "pushes", "ratings", "recalls"]
