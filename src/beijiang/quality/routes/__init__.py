"""The JSON API of quality: rules and runs, which element each column holds, and what stands in it."""

from beijiang.quality.routes.judging import router
from beijiang.quality.routes.mapping import mapping_router
from beijiang.quality.routes.profiling import profile_router

__all__ = ["mapping_router", "profile_router", "router"]
