"""The addresses of notices."""

from beijiang.notices.routes.api import router

__all__ = ["router"]
