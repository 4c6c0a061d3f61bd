"""The verbs of ingest, and the work that its jobs do."""

from beijiang.ingest.service.bench import Bench
from beijiang.ingest.service.harvests import Harvests
from beijiang.ingest.service.ingest import Ingest
from beijiang.ingest.service.sources import Sources
from beijiang.ingest.service.streams import Streams
from beijiang.ingest.service.windows import Windows

__all__ = ["Bench", "Harvests", "Ingest", "Sources", "Streams", "Windows"]
