"""Taking files in: landed unchanged, read as text, typed, checked, split into good rows and quarantine, committed at once.

Owns the metadata tables ``ingest_file``, ``ingest_delivery``, ``ingest_run``, ``ingest_run_file``, ``ingest_schema``,
``ingest_template`` and ``ingest_resolution``, and in the home folder ``landing/``, ``staging/``, ``quarantine/`` and
``changes/``. The reading core stands in ``readers`` and ``typing``.
"""

from beijiang.ingest.models import (
    INGEST_JOB,
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
    StagedTable,
    TablePreview,
)
from beijiang.ingest.readers import HeaderTemplate, ReadOptions
from beijiang.ingest.service import Ingest
from beijiang.ingest.store import Landing

__all__ = [
    "INGEST_JOB",
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
    "StagedTable",
    "TablePreview",
]
