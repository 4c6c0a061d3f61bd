"""What provider and reviewer say to each other about an entry or one of its items, with what they looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.catalog.models.resource import Change

REMARK_LIMIT: Final = 1000
"""Characters of one remark."""
REMARKS_MOST: Final = 200
"""Remarks of one thread."""
THREADS_MOST: Final = 1000
"""Threads of one entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing that somebody said."""

    id: str
    at: datetime
    actor_id: str
    actor_name: str
    org_id: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation about one item, or about the entry as a whole."""

    id: str
    resource_id: str
    column: str | None
    """The item; None for the entry itself."""
    subject: str
    """Name of the item, as it was when the thread began."""
    revision: int
    """Which state of the entry was looked at."""
    version: int
    """Which version it was going to become, counted from 1."""
    seen: str
    """Canonical JSON of what was looked at: the item, or the entry's own fields."""
    opened_at: datetime
    remarks: tuple[Remark, ...] = ()
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolved_name: str = ""
    since: tuple[Change, ...] = field(default=())
    """What has changed in the subject since it was looked at."""
    gone: bool = False
    """Whether the item is no longer there."""

    @property
    def is_open(self) -> bool:
        """Tell whether it still waits for an answer or a change."""
        return self.resolved_at is None


__all__ = ["REMARKS_MOST", "REMARK_LIMIT", "THREADS_MOST", "Remark", "Thread"]
