"""The JSON API of exchange: requests, decisions, grants, rows under them; demands; recalls, disputes, ratings; services."""

from beijiang.exchange.routes.demands import demands
from beijiang.exchange.routes.matters import disputes, ratings, recalls
from beijiang.exchange.routes.services import services
from beijiang.exchange.routes.sharing import router

__all__ = ["demands", "disputes", "ratings", "recalls", "router", "services"]
