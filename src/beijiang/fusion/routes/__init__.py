"""The JSON API of libraries."""

from beijiang.fusion.routes.libraries import router

__all__ = ["router"]
