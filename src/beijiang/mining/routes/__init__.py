"""The JSON API of mining, a file for each of its pieces."""

from beijiang.mining.routes.bench import router
from beijiang.mining.routes.graphs import router as graphs_router

__all__ = ["graphs_router", "router"]
