"""The JSON API of exchange: requests, decisions, grants, rows under them; demands; pushes; recalls, disputes, ratings."""

from beijiang.exchange.routes.demands import demands
from beijiang.exchange.routes.matters import disputes, ratings, recalls
from beijiang.exchange.routes.pushes import pushes
from beijiang.exchange.routes.sharing import router

__all__ = ["demands", "disputes", "pushes", "ratings", "recalls", "router"]
