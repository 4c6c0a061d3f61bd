"""The verbs of evidence: record, seal, check, search, hand out receipts, witness, retain."""

from beijiang.evidence.service.holds import Holds
from beijiang.evidence.service.keys import LogKeys
from beijiang.evidence.service.log import Evidence
from beijiang.evidence.service.reader import AccessCheck, EvidenceReader
from beijiang.evidence.service.receipts import Receipts
from beijiang.evidence.service.retention import Retention
from beijiang.evidence.service.sealing import Sealer
from beijiang.evidence.service.succession import LogKey, Succession
from beijiang.evidence.service.witnessing import Answer, Witnesses

__all__ = [
    "AccessCheck",
    "Answer",
    "Evidence",
    "EvidenceReader",
    "Holds",
    "LogKey",
    "LogKeys",
    "Receipts",
    "Retention",
    "Sealer",
    "Succession",
    "Witnesses",
]
