"""Linkage as JSON, and the doors at which other nodes knock."""

from beijiang.federation.routes.doors import doors
from beijiang.federation.routes.entries import entries
from beijiang.federation.routes.nodes import router
from beijiang.federation.routes.travels import travels

__all__ = ["doors", "entries", "router", "travels"]
