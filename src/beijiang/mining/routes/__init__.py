"""The JSON API of mining, a file for each of its pieces."""

from beijiang.mining.routes.bench import router
from beijiang.mining.routes.forecasting import forecasts_router

__all__ = ["forecasts_router", "router"]
