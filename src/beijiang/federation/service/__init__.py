"""The verbs of linkage: which node this is, whom it is linked with, and the letters between them."""

from beijiang.federation.service.keys import NodeKeys
from beijiang.federation.service.letters import Letters
from beijiang.federation.service.nodes import Identity, Nodes
from beijiang.federation.service.parts import NodeParts, Reply

__all__ = ["Identity", "Letters", "NodeKeys", "NodeParts", "Nodes", "Reply"]
