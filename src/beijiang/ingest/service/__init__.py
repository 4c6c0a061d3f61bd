"""The verbs of ingest, and the work that its jobs do."""

from beijiang.ingest.service.alerts import Alerts
from beijiang.ingest.service.asking import json_document, json_find, json_text, service_signer
from beijiang.ingest.service.bench import Bench
from beijiang.ingest.service.captures import Captures
from beijiang.ingest.service.destinations import Destinations
from beijiang.ingest.service.dispatching import Dispatcher
from beijiang.ingest.service.freshness import FreshnessBoard
from beijiang.ingest.service.harvests import Harvests
from beijiang.ingest.service.ingest import Ingest
from beijiang.ingest.service.schedules import Schedules
from beijiang.ingest.service.sources import Sources
from beijiang.ingest.service.streams import Streams
from beijiang.ingest.service.turns import Turns
from beijiang.ingest.service.windows import Windows

__all__ = [
    "Alerts",
    "Bench",
    "Captures",
    "Destinations",
    "Dispatcher",
    "FreshnessBoard",
    "Harvests",
    "Ingest",
    "Schedules",
    "Sources",
    "Streams",
    "Turns",
    "Windows",
    "json_document",
    "json_find",
    "json_text",
    "service_signer",
]
