"""The JSON API of exchange."""

from beijiang.exchange.routes.changes import changes
from beijiang.exchange.routes.counts import counts
from beijiang.exchange.routes.demands import demands
from beijiang.exchange.routes.flight_offer import flight_door
from beijiang.exchange.routes.handing import packages, tracing
from beijiang.exchange.routes.intersections import POINTS_PATH, intersections
from beijiang.exchange.routes.matters import disputes, ratings, recalls
from beijiang.exchange.routes.openings import openings
from beijiang.exchange.routes.pushes import pushes
from beijiang.exchange.routes.services import services
from beijiang.exchange.routes.serving import servings
from beijiang.exchange.routes.shares import profiles, protocol_error, shares
from beijiang.exchange.routes.sharing import router
from beijiang.exchange.routes.stops import stops
from beijiang.exchange.routes.templates import templates
from beijiang.exchange.routes.times import times

__all__ = [
    "POINTS_PATH",
    "changes",
    "counts",
    "demands",
    "disputes",
    "flight_door",
    "intersections",
    "openings",
    "packages",
    "profiles",
    "protocol_error",
    "pushes",
    "ratings",
    "recalls",
    "router",
    "services",
    "servings",
    "shares",
    "stops",
    "templates",
    "times",
    "tracing",
]
