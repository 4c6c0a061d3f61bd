"""Three-level linkage (三级联动): the nodes above and below this one, and the letters that travel between them.

Each node is a platform of its own. Two are linked when both sides have decided it; what they tell each other goes as letters, which
are written in the transaction of what they tell, signed, and read exactly once. Owns the tables ``federation_*``.
"""

from beijiang.federation.models import Bearing, Card, Letter, LetterState, Link, LinkState, Way, node_actor
from beijiang.federation.models.entries import CatalogStanding, Comparison, LinkedEntry, Rule
from beijiang.federation.models.travels import Parcel, ParcelForm, ParcelState
from beijiang.federation.service import (
    Cascade,
    DisputeCame,
    Identity,
    Letters,
    LinkEnded,
    LinkWatch,
    NodeKeys,
    NodeParts,
    Nodes,
    ParcelWanted,
    TravelParts,
    Travels,
)

__all__ = [
    "Bearing",
    "Card",
    "Cascade",
    "CatalogStanding",
    "Comparison",
    "DisputeCame",
    "Identity",
    "Letter",
    "LetterState",
    "Letters",
    "Link",
    "LinkEnded",
    "LinkState",
    "LinkWatch",
    "LinkedEntry",
    "NodeKeys",
    "NodeParts",
    "Nodes",
    "Parcel",
    "ParcelForm",
    "ParcelState",
    "ParcelWanted",
    "Rule",
    "TravelParts",
    "Travels",
    "Way",
    "node_actor",
]
