"""The vocabulary of libraries."""

from beijiang.fusion.models.atlas import FARTHEST, Spot
from beijiang.fusion.models.claims import Claim, ClaimState, Dispute, DisputeState
from beijiang.fusion.models.deciding import Decision, Pair, PairState, Verdict
from beijiang.fusion.models.defaults import legal_entities, population
from beijiang.fusion.models.libraries import (
    GOLDEN,
    Choosing,
    Element,
    Library,
    LibraryDraft,
    LibraryLine,
    LibraryModel,
    Link,
    LinkDraft,
    LinkState,
)
from beijiang.fusion.models.matching import FORMS, LEVELS, Likeness, MatchBlock, MatchField, MatchModel
from beijiang.fusion.models.runs import FieldReport, FusionRun, RunTrigger, SourceReport
from beijiang.fusion.models.starting import MATCHING

__all__ = [
    "FARTHEST",
    "FORMS",
    "GOLDEN",
    "LEVELS",
    "MATCHING",
    "Choosing",
    "Claim",
    "ClaimState",
    "Decision",
    "Dispute",
    "DisputeState",
    "Element",
    "FieldReport",
    "FusionRun",
    "Library",
    "LibraryDraft",
    "LibraryLine",
    "LibraryModel",
    "Likeness",
    "Link",
    "LinkDraft",
    "LinkState",
    "MatchBlock",
    "MatchField",
    "MatchModel",
    "Pair",
    "PairState",
    "RunTrigger",
    "SourceReport",
    "Spot",
    "Verdict",
    "legal_entities",
    "population",
]
