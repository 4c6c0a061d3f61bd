"""The JSON API of ingest: files handed in, rows on the bench, sources and their schedules, streams, and catalogs that are harvested."""

from beijiang.ingest.routes.bench import bench_router
from beijiang.ingest.routes.captures import captures_router
from beijiang.ingest.routes.files import router
from beijiang.ingest.routes.harvest import harvest_router
from beijiang.ingest.routes.schedules import schedules_router
from beijiang.ingest.routes.sources import sources_router
from beijiang.ingest.routes.streams import streams_router

__all__ = [
    "bench_router",
    "captures_router",
    "harvest_router",
    "router",
    "schedules_router",
    "sources_router",
    "streams_router",
]
