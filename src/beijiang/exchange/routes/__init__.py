"""The JSON API of exchange: requests, decisions, grants, rows under them; demands; recalls, disputes, ratings; serving copies; packages, traces."""

from beijiang.exchange.routes.demands import demands
from beijiang.exchange.routes.handing import packages, tracing
from beijiang.exchange.routes.matters import disputes, ratings, recalls
from beijiang.exchange.routes.serving import servings
from beijiang.exchange.routes.sharing import router

__all__ = ["demands", "disputes", "packages", "ratings", "recalls", "router", "servings", "tracing"]
