"""Facts about releases, and the question that is asked before readers are moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from beijiang.kit import Event, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.catalog.models import Gap, Release, Resource

__all__ = ["EntryCheck", "EntryMoved", "ReleaseCheck", "VersionCleared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCleared(Event):
    """Nothing keeps readers from a version any more: its critical rules pass, or a person decided so."""

    table: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryMoved(Event):
    """An entry was published, or anew, or taken offline, or the grades of one in force changed."""

    resource_id: str


class EntryCheck(Protocol):
    """Say what else an entry lacks; implemented by exchange for entries that were claimed, wired in build.py."""

    def gaps(self, resource: Resource) -> Sequence[Gap]:
        """Return what is missing or not as it has to be."""
        ...


class ReleaseCheck(Protocol):
    """Say whether readers may have a version; implemented by quality and protection, wired in build.py."""

    def keeps_back(self, candidate: Release) -> Text | None:
        """Return why readers must not get what would be released, None where nothing speaks against it."""
        ...
