"""Nodes, the links between them, and letters."""

from beijiang.federation.models.letters import (
    LETTER_MOST,
    Kept,
    Letter,
    LetterState,
    Way,
    canonical,
    digest_of,
    node_actor,
)
from beijiang.federation.models.nodes import (
    Bearing,
    Card,
    Invitation,
    Link,
    LinkState,
    Offered,
    fingerprint,
    opened_invitation,
)
from beijiang.federation.models.sealed import NOTE_HEADER, Envelope, read_note, wrapped

__all__ = [
    "LETTER_MOST",
    "NOTE_HEADER",
    "Bearing",
    "Card",
    "Envelope",
    "Invitation",
    "Kept",
    "Letter",
    "LetterState",
    "Link",
    "LinkState",
    "Offered",
    "Way",
    "canonical",
    "digest_of",
    "fingerprint",
    "node_actor",
    "opened_invitation",
    "read_note",
    "wrapped",
]
