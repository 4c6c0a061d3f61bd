"""The JSON API of the catalog: entries, and the inventory of systems with the negative list."""

from beijiang.catalog.routes.entries import router
from beijiang.catalog.routes.systems import router as systems_router

__all__ = ["router", "systems_router"]
