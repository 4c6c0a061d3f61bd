"""Copies of governed tables that the platform keeps to serve them many times: what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

__all__ = ["CopyPart", "Shelved", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """A version that a copy was made of, and the obligations under which it was read."""

    version: int
    obligations: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPart:
    """One Parquet file of a copy; its bounds are those of the values in it, masked as they are."""

    rows: int
    bytes: int
    low: Mapping[str, Any]
    high: Mapping[str, Any]
    nulls: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A copy: of one version, or of what changed from one to another."""

    id: str
    table: str
    sources: tuple[Source, ...]
    """The version that is shown last; before it, for changes, the one that they are counted from."""
    written_at: datetime
    parts: tuple[CopyPart, ...]

    @property
    def bytes(self) -> int:
        """Return what it takes on the disk."""
        return sum(part.bytes for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "written_at": self.written_at.isoformat()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Shelved:
        """Read stored facts back."""
        return cls(
            id=value["id"],
            table=value["table"],
            sources=tuple(Source(**one) for one in value["sources"]),
            written_at=datetime.fromisoformat(value["written_at"]),
            parts=tuple(CopyPart(**one) for one in value["parts"]),
        )
