"""The JSON API of mining, a file for each of its pieces."""

from beijiang.mining.routes.bench import router

__all__ = ["router"]
