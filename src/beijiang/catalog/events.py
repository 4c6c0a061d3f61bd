"""Facts about releases, and the question that is asked before readers are moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from beijiang.kit import Event, Text

__all__ = ["ReleaseCheck", "VersionCleared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCleared(Event):
    """Nothing keeps readers from a version any more: its critical rules pass, or a person decided so."""

    table: str
    version: int


class ReleaseCheck(Protocol):
    """Say whether readers may have a version; implemented by quality, wired in build.py."""

    def keeps_back(self, table: str, version: int) -> Text | None:
        """Return why readers must not get a version, None where nothing speaks against it."""
        ...
