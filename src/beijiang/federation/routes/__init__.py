"""Linkage as JSON, and the doors at which other nodes knock."""

from beijiang.federation.routes.doors import doors
from beijiang.federation.routes.nodes import router

__all__ = ["doors", "router"]
