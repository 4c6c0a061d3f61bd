"""The JSON API of ingest: files handed in, sources that are read, and schedules by which they are."""

from beijiang.ingest.routes.files import router
from beijiang.ingest.routes.schedules import schedules_router
from beijiang.ingest.routes.sources import sources_router

__all__ = ["router", "schedules_router", "sources_router"]
