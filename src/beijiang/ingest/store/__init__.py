"""What ingest keeps: landed bytes, rows of its metadata tables, and the Parquet files of quarantine and changes."""

from beijiang.ingest.store.arrivals import ArrivalStore
from beijiang.ingest.store.landing import Landing
from beijiang.ingest.store.metadata import IngestStore
from beijiang.ingest.store.sources import SourceStore

__all__ = ["ArrivalStore", "IngestStore", "Landing", "SourceStore"]
