"""The JSON API of quality: rules and runs, which element each column holds, and what stands in it; tickets; monitors."""

from beijiang.quality.routes.judging import router
from beijiang.quality.routes.mapping import mapping_router
from beijiang.quality.routes.monitoring import monitors_router
from beijiang.quality.routes.profiling import profile_router
from beijiang.quality.routes.tickets import tickets_router

__all__ = ["mapping_router", "monitors_router", "profile_router", "router", "tickets_router"]
