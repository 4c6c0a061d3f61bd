"""The verbs of ingest, and the work that its jobs do."""

from beijiang.ingest.service.ingest import Ingest

__all__ = ["Ingest"]
