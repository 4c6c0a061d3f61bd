"""What every version of an entry of the registry says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

__all__ = ["UNDECIDED", "Edition"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a version says of itself: since when it counts, who decided it and why; it never changes afterwards."""

    version: int = 0
    """0: proposed, not decided."""
    valid_from: date | None = None
    """The first day it counts; None: as long as anybody asks."""
    valid_to: date | None = None
    """The first day it counts no longer, because the next version does; None: open."""
    retired: bool = False
    """Whether the entry ends with this version, which then says what it said last."""
    verified: bool = False
    """Whether the data authority stands for it; what came with the platform awaits a comparison with the official text."""
    reason: str = ""
    by: str = ""
    at: datetime | None = None
    proposal: str = ""


UNDECIDED: Final = Edition()
"""Of an entry that is proposed."""
