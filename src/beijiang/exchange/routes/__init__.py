"""The JSON API of exchange: requests, decisions, grants, rows under them; demands; recalls, disputes, ratings."""

from beijiang.exchange.routes.demands import demands
from beijiang.exchange.routes.flight_offer import flight_door
from beijiang.exchange.routes.matters import disputes, ratings, recalls
from beijiang.exchange.routes.sharing import router

__all__ = ["demands", "disputes", "flight_door", "ratings", "recalls", "router"]
