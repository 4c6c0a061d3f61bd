"""What proves an application that was written elsewhere: a token, which a floor above keeps and access asks about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork

__all__ = ["APPLICATION_ITSELF", "PEER_NODE", "TOKEN_PREFIX", "TokenProof", "TokenProofs"]

TOKEN_PREFIX = "bjt_"  # noqa: S105 - how tokens begin
"""How access tokens begin, so that scanners know them."""

APPLICATION_ITSELF = "application"
"""The one role of an application that asks for itself; policies/roles.cedar says how little it may do."""

PEER_NODE = "peer_node"
"""The one role of another node that asks for a department of its own; policies/roles.cedar says how little it may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenProof:
    """What a token stands for: a person within an application's scopes, or an application itself."""

    id: str
    """Stands in the evidence as what proved the identity; begins with the application's id."""
    person_id: str | None
    """None: the application itself."""
    client_id: str
    client_name: str
    org_id: str
    scopes: frozenset[str]


class TokenProofs(Protocol):
    """Who knows tokens; implemented by ``apps`` and wired in build.py."""

    def proof(self, secret: str) -> TokenProof | None:
        """Return what a token proves now; None when it is unknown, over or revoked, or its application is suspended."""
        ...

    def standing(self, proof_id: str) -> TokenProof | None:
        """Return what began under a token as of now: its application and its sign-on still hold, though it may be over."""
        ...

    def said_farewell(self, tx: UnitOfWork, person_id: str, session_id: str | None) -> None:
        """Hear that a session of a person ends, or all of them, in the transaction that ends it."""
        ...
