"""The verbs of ingest, and the work that its jobs do."""

from beijiang.ingest.service.ingest import Ingest
from beijiang.ingest.service.sources import Sources
from beijiang.ingest.service.streams import Streams

__all__ = ["Ingest", "Sources", "Streams"]
