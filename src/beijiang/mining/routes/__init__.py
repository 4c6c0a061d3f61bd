"""The JSON API of mining, a file for each of its pieces."""

from beijiang.mining.routes.bench import router
from beijiang.mining.routes.stream_rules import stream_rules_router

__all__ = ["router", "stream_rules_router"]
