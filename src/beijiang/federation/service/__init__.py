"""The verbs of linkage: which node this is, whom it is linked with, and the letters between them."""

from beijiang.federation.service.cascade import Cascade
from beijiang.federation.service.keys import NodeKeys
from beijiang.federation.service.letters import Letters
from beijiang.federation.service.nodes import Identity, Nodes
from beijiang.federation.service.parcels import ParcelWanted, Travels
from beijiang.federation.service.parts import NodeParts, Reply
from beijiang.federation.service.posting import LinkEnded
from beijiang.federation.service.travelling import DisputeCame, TravelParts
from beijiang.federation.service.watching import LinkWatch

__all__ = [
    "Cascade",
    "DisputeCame",
    "Identity",
    "Letters",
    "LinkEnded",
    "LinkWatch",
    "NodeKeys",
    "NodeParts",
    "Nodes",
    "ParcelWanted",
    "Reply",
    "TravelParts",
    "Travels",
]
