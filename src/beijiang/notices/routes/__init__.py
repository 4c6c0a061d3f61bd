"""The addresses of notices."""

from beijiang.notices.routes.api import router
from beijiang.notices.routes.live import router as live_router
from beijiang.notices.routes.mail import router as mail_router

__all__ = ["live_router", "mail_router", "router"]
