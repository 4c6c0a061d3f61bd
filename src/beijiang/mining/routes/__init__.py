"""The JSON API of mining, a file for each of its pieces."""

from beijiang.mining.routes.bench import router
from beijiang.mining.routes.learning import learning_router

__all__ = ["learning_router", "router"]
