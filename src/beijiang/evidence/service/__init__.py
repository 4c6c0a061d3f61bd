"""The verbs of evidence: record, check, search."""

from beijiang.evidence.service.log import Evidence
from beijiang.evidence.service.reader import AccessCheck, EvidenceReader

__all__ = ["AccessCheck", "Evidence", "EvidenceReader"]
