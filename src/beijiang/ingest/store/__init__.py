"""What ingest keeps: landed bytes, rows of its metadata tables, and the Parquet files of quarantine and changes."""

from beijiang.ingest.store.alerts import AlertStore, FreshnessStore
from beijiang.ingest.store.arrivals import ArrivalStore
from beijiang.ingest.store.landing import Landing
from beijiang.ingest.store.metadata import IngestStore
from beijiang.ingest.store.schedules import ScheduleStore
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.turns import TurnStore

__all__ = [
    "AlertStore",
    "ArrivalStore",
    "FreshnessStore",
    "IngestStore",
    "Landing",
    "ScheduleStore",
    "SourceStore",
    "TurnStore",
]
