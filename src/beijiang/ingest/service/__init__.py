"""The verbs of ingest, and the work that its jobs do."""

from beijiang.ingest.service.captures import Captures
from beijiang.ingest.service.ingest import Ingest
from beijiang.ingest.service.sources import Sources

__all__ = ["Captures", "Ingest", "Sources"]
