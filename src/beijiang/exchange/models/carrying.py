"""Who brings requests to other nodes, as exchange needs to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.exchange.models.afar import EntryAfar
    from beijiang.exchange.models.requests import Request

__all__ = ["Afar"]


class Afar(Protocol):
    """Knows which entries are another node's, and brings requests there; ``federation`` does."""

    def entry(self, resource_id: str) -> EntryAfar | None:
        """Return where the data of an entry are; None where they are here."""
        ...

    def leave(self, tx: UnitOfWork, request: Request, words: str) -> None:
        """Send a request that was let out, anew where it was completed, in the transaction that lets it out."""
        ...

    def take_back(self, tx: UnitOfWork, request: Request, words: str) -> bool:
        """Say that a request, or what was granted on it, is given back; False where nobody can be told any more."""
        ...

    def dispute(self, tx: UnitOfWork, request: Request, move: str, words: str) -> None:
        """Say what the department that asked does about a decision that it does not agree with."""
        ...
