"""The JSON API of ingest: files handed in, rows on the bench, and sources that are read."""

from beijiang.ingest.routes.bench import bench_router
from beijiang.ingest.routes.files import router
from beijiang.ingest.routes.sources import sources_router

__all__ = ["bench_router", "router", "sources_router"]
