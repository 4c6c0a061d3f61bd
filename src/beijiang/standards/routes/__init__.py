"""The JSON API of the standards: packaged facts, and the registry."""

from beijiang.standards.routes.facts import router
from beijiang.standards.routes.registry import registry_router

__all__ = ["registry_router", "router"]
