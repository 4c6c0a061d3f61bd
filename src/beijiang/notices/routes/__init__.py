"""The addresses of notices."""

from beijiang.notices.routes.api import router
from beijiang.notices.routes.live import router as live_router

__all__ = ["live_router", "router"]
