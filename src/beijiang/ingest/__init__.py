"""Taking data in: landed unchanged, typed, checked, split into good rows and quarantine, committed at once, certified.

Files are handed in; sources (databases, services) are read under their owners' accounts through connectors.

Owns the metadata tables ``ingest_file``, ``ingest_delivery``, ``ingest_run``, ``ingest_run_file``, ``ingest_schema``,
``ingest_template``, ``ingest_resolution``, ``ingest_source``, ``ingest_sync``, ``ingest_certificate``,
``ingest_capture`` and ``ingest_target``, and in the home folder ``landing/``, ``staging/``, ``quarantine/`` and
``changes/``. The reading core stands in ``readers`` and ``typing``.
"""

from beijiang.ingest.models import (
    INGEST_JOB,
    SYNC_JOB,
    AllowedTarget,
    CaptureState,
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
    Sync,
    SyncDraft,
    SyncMode,
    SyncPlan,
    TablePreview,
    Verdict,
)
from beijiang.ingest.readers import HeaderTemplate, ReadOptions
from beijiang.ingest.service import Captures, Ingest, Sources
from beijiang.ingest.store import Landing

__all__ = [
    "INGEST_JOB",
    "SYNC_JOB",
    "AllowedTarget",
    "CaptureState",
    "Captures",
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
    "Sync",
    "SyncDraft",
    "SyncMode",
    "SyncPlan",
    "TablePreview",
    "Verdict",
]
