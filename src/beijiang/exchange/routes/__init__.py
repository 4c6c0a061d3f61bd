"""The JSON API of exchange: requests, decisions, grants, rows under them; demands; recalls, disputes, ratings; standard entries."""

from beijiang.exchange.routes.demands import demands
from beijiang.exchange.routes.matters import disputes, ratings, recalls
from beijiang.exchange.routes.shares import profiles, protocol_error, shares
from beijiang.exchange.routes.sharing import router
from beijiang.exchange.routes.templates import templates

__all__ = ["demands", "disputes", "profiles", "protocol_error", "ratings", "recalls", "router", "shares", "templates"]
