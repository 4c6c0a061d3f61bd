"""The JSON API of the standards: packaged facts, and the registry."""

from beijiang.standards.routes.calendar import calendar_router
from beijiang.standards.routes.facts import router
from beijiang.standards.routes.laws import laws_router
from beijiang.standards.routes.registry import registry_router

__all__ = ["calendar_router", "laws_router", "registry_router", "router"]
