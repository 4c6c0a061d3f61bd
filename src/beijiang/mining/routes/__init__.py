"""The JSON API of mining, a file for each of its pieces."""

from beijiang.mining.routes.bench import router
from beijiang.mining.routes.forecasting import forecasts_router
from beijiang.mining.routes.graphs import router as graphs_router
from beijiang.mining.routes.learning import learning_router
from beijiang.mining.routes.notebooks import notebooks_router
from beijiang.mining.routes.stream_rules import stream_rules_router
from beijiang.mining.routes.texts import texts_router

__all__ = [
    "forecasts_router",
    "graphs_router",
    "learning_router",
    "notebooks_router",
    "router",
    "stream_rules_router",
    "texts_router",
]
