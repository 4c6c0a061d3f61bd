"""All SQL on the tables of evidence: records and their chain, the tree over them, peers outside."""

from beijiang.evidence.store.holds import HoldStore
from beijiang.evidence.store.records import ERASE, EvidenceStore
from beijiang.evidence.store.tree import KeyRow, TreeStore
from beijiang.evidence.store.witness import Seen, WitnessStore

__all__ = ["ERASE", "EvidenceStore", "HoldStore", "KeyRow", "Seen", "TreeStore", "WitnessStore"]
