"""The JSON API of exchange: requests, decisions, grants, rows under them; and demands."""

from beijiang.exchange.routes.demands import demands
from beijiang.exchange.routes.sharing import router

__all__ = ["demands", "router"]
