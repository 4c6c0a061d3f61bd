"""What a delivery is made under: declared here, so that what is agreed on may live on a floor above the gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

__all__ = ["Announced", "DeliveryTerms"]


@dataclass(frozen=True, slots=True)
class Announced:
    """The contract that a delivery names: its id, its version, and the SHA-256 of its text."""

    id: str
    version: str
    digest: str

    @property
    def words(self) -> str:
        """Return it as one line of a header (RFC 9110): ASCII, other characters percent-encoded."""
        return f"{quote(self.id, safe=':/.-_~')};version={quote(self.version)};sha256={self.digest}"


class DeliveryTerms(Protocol):
    """Say under which terms a version of a table may be handed over; ``contracts`` does."""

    def announced(self, table: str, version: int) -> Announced | None:
        """Return what to announce, None where nothing was agreed; raise where the version may not be delivered."""
        ...
