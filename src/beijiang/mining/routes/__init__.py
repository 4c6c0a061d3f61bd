"""The JSON API of mining, a file for each of its pieces."""

from beijiang.mining.routes.bench import router
from beijiang.mining.routes.notebooks import notebooks_router
from beijiang.mining.routes.texts import texts_router

__all__ = ["notebooks_router", "router", "texts_router"]
