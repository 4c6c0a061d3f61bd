"""The append-only record of every write, decision and read, chained by SHA-256 so that tampering is found.

Owns the tables ``evidence_record`` and ``evidence_head``, and the file ``evidence/heads.log`` of the home folder.
"""

from beijiang.evidence.models import (
    CheckReport,
    Decision,
    EvidencePage,
    EvidenceQuery,
    EvidenceRecord,
    EvidenceRight,
    PeerKind,
    Problem,
    ProblemKind,
    Signer,
    signed_text,
)
from beijiang.evidence.models.holds import Hold, HoldDraft, HoldKind, HoldState, Known
from beijiang.evidence.models.retention import before, clocks, spoken
from beijiang.evidence.service import (
    AccessCheck,
    Evidence,
    EvidenceReader,
    Holds,
    LogKeys,
    Receipts,
    Retention,
    Sealer,
    Succession,
    Witnesses,
)
from beijiang.evidence.verifier import ED25519, SM2, Key, Note

__all__ = [
    "ED25519",
    "SM2",
    "AccessCheck",
    "CheckReport",
    "Decision",
    "Evidence",
    "EvidencePage",
    "EvidenceQuery",
    "EvidenceReader",
    "EvidenceRecord",
    "EvidenceRight",
    "Hold",
    "HoldDraft",
    "HoldKind",
    "HoldState",
    "Holds",
    "Key",
    "Known",
    "LogKeys",
    "Note",
    "PeerKind",
    "Problem",
    "ProblemKind",
    "Receipts",
    "Retention",
    "Sealer",
    "Signer",
    "Succession",
    "Witnesses",
    "before",
    "clocks",
    "signed_text",
    "spoken",
]
