"""``beijiang exchange``: requests, decisions, grants, rows under them; demands; recalls, disputes, ratings; serving copies; packages, traces."""

from beijiang.exchange.commands.demands import demands
from beijiang.exchange.commands.handing import add_packages, add_tracing, unpack_command
from beijiang.exchange.commands.matters import disputes, ratings, recalls
from beijiang.exchange.commands.serving import servings
from beijiang.exchange.commands.sharing import commands

__all__ = [
    "add_packages",
    "add_tracing",
    "commands",
    "demands",
    "disputes",
    "ratings",
    "recalls",
    "servings",
    "unpack_command",
]
