"""The verbs of exchange."""

from beijiang.exchange.service.book import GrantBook
from beijiang.exchange.service.calling import Services
from beijiang.exchange.service.demanding import Answer, Demands
from beijiang.exchange.service.disputing import Disputes
from beijiang.exchange.service.exchange import Exchange
from beijiang.exchange.service.fetching import Shares
from beijiang.exchange.service.flight import FlightSql
from beijiang.exchange.service.intersecting import INTERSECTION_JOB, Intersections
from beijiang.exchange.service.opening import Openings
from beijiang.exchange.service.packaging import Packages
from beijiang.exchange.service.push_watch import PushLimits
from beijiang.exchange.service.pushing import Pushes
from beijiang.exchange.service.rating import RatingBook
from beijiang.exchange.service.recalling import Recalls
from beijiang.exchange.service.serving import SERVING_JOB, Servings
from beijiang.exchange.service.stopping import Stops
from beijiang.exchange.service.templating import Templates
from beijiang.exchange.service.tracing import Tracing

__all__ = [
    "INTERSECTION_JOB",
    "SERVING_JOB",
    "Answer",
    "Demands",
    "Disputes",
    "Exchange",
    "FlightSql",
    "GrantBook",
    "Intersections",
    "Openings",
    "Packages",
    "PushLimits",
    "Pushes",
    "RatingBook",
    "Recalls",
    "Services",
    "Servings",
    "Shares",
    "Stops",
    "Templates",
    "Tracing",
]
