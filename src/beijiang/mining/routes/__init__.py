"""The JSON API of mining, a file for each of its pieces."""

from beijiang.mining.routes.bench import router
from beijiang.mining.routes.texts import texts_router

__all__ = ["router", "texts_router"]
