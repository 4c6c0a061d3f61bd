"""The JSON API of quality: rules and runs, and which element each column holds."""

from beijiang.quality.routes.judging import router
from beijiang.quality.routes.mapping import mapping_router

__all__ = ["mapping_router", "router"]
