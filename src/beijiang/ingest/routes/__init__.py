"""The JSON API of ingest: files handed in, and sources that are read."""

from beijiang.ingest.routes.files import router
from beijiang.ingest.routes.sources import sources_router

__all__ = ["router", "sources_router"]
