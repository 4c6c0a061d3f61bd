"""The JSON API of ingest: files handed in, sources that are read, and streams."""

from beijiang.ingest.routes.files import router
from beijiang.ingest.routes.sources import sources_router
from beijiang.ingest.routes.streams import streams_router

__all__ = ["router", "sources_router", "streams_router"]
