"""``beijiang exchange``: requests, decisions, grants, rows under them; and demands."""

from beijiang.exchange.commands.demands import demands
from beijiang.exchange.commands.sharing import commands

__all__ = ["commands", "demands"]
