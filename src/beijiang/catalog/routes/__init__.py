"""The JSON API of the catalog: entries, the fields that the region declares, and the inventory of systems with the negative list."""

from beijiang.catalog.routes.deciding import router as deciding_router
from beijiang.catalog.routes.entries import router
from beijiang.catalog.routes.fields import router as fields_router
from beijiang.catalog.routes.systems import router as systems_router

__all__ = ["deciding_router", "fields_router", "router", "systems_router"]
