"""The JSON API of ingest: files handed in, and sources that are read."""

from beijiang.ingest.routes.captures import captures_router
from beijiang.ingest.routes.files import router
from beijiang.ingest.routes.sources import sources_router

__all__ = ["captures_router", "router", "sources_router"]
