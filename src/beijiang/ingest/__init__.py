"""Taking data in: landed unchanged, typed, checked, split into good rows and quarantine, committed at once, certified.

Files are handed in; sources (databases, services) are read under their owners' accounts through connectors; streams of
messages are received, kept and taken in by small batches.

Owns the metadata tables ``ingest_file``, ``ingest_delivery``, ``ingest_run``, ``ingest_run_file``, ``ingest_schema``,
``ingest_template``, ``ingest_resolution``, ``ingest_source``, ``ingest_sync``, ``ingest_certificate``,
``ingest_target``, ``ingest_stream``, ``ingest_stream_segment``, ``ingest_stream_key`` and ``ingest_stream_window``, and in
the home folder ``landing/``, ``spool/``, ``staging/``, ``quarantine/`` and ``changes/``. The reading core stands in ``readers`` and ``typing``.
"""

from beijiang.ingest.models import (
    INGEST_JOB,
    STREAM_JOB,
    SYNC_JOB,
    WINDOW_JOB,
    AllowedTarget,
    Certificate,
    CheckSpec,
    FilePreview,
    IngestRequest,
    LandedFile,
    QuarantinedRow,
    QuarantinePage,
    RawCell,
    ReleaseCheck,
    Run,
    RunMode,
    RunState,
    Source,
    SourceDraft,
    StagedTable,
    Stream,
    StreamDraft,
    StreamKind,
    StreamState,
    Sync,
    SyncDraft,
    SyncMode,
    SyncPlan,
    TablePreview,
    Verdict,
)
from beijiang.ingest.readers import HeaderTemplate, ReadOptions
from beijiang.ingest.service import Ingest, Sources, Streams, Windows
from beijiang.ingest.store import Landing

__all__ = [
    "INGEST_JOB",
    "STREAM_JOB",
    "SYNC_JOB",
    "WINDOW_JOB",
    "AllowedTarget",
    "Certificate",
    "CheckSpec",
    "FilePreview",
    "HeaderTemplate",
    "Ingest",
    "IngestRequest",
    "LandedFile",
    "Landing",
    "QuarantinePage",
    "QuarantinedRow",
    "RawCell",
    "ReadOptions",
    "ReleaseCheck",
    "Run",
    "RunMode",
    "RunState",
    "Source",
    "SourceDraft",
    "Sources",
    "StagedTable",
    "Stream",
    "StreamDraft",
    "StreamKind",
    "StreamState",
    "Streams",
    "Sync",
    "SyncDraft",
    "SyncMode",
    "SyncPlan",
    "TablePreview",
    "Verdict",
    "Windows",
]
