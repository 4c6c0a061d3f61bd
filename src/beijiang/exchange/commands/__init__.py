"""``beijiang exchange``: what people at the terminal do."""

from beijiang.exchange.commands.changes import add_changes
from beijiang.exchange.commands.counts import add_counts
from beijiang.exchange.commands.demands import demands
from beijiang.exchange.commands.flight import add_flight
from beijiang.exchange.commands.handing import add_packages, add_tracing, unpack_command
from beijiang.exchange.commands.intersections import add_intersections
from beijiang.exchange.commands.matters import disputes, ratings, recalls
from beijiang.exchange.commands.openings import openings
from beijiang.exchange.commands.pushes import pushes
from beijiang.exchange.commands.services import services
from beijiang.exchange.commands.serving import servings
from beijiang.exchange.commands.shares import add_shares
from beijiang.exchange.commands.sharing import commands
from beijiang.exchange.commands.stops import add_stops
from beijiang.exchange.commands.templates import claims, templates
from beijiang.exchange.commands.times import add_times

__all__ = [
    "add_changes",
    "add_counts",
    "add_flight",
    "add_intersections",
    "add_packages",
    "add_shares",
    "add_stops",
    "add_times",
    "add_tracing",
    "claims",
    "commands",
    "demands",
    "disputes",
    "openings",
    "pushes",
    "ratings",
    "recalls",
    "services",
    "servings",
    "templates",
    "unpack_command",
]
