"""Private intersection (隐私求交): a department's set is held against a table, and neither side is shown to the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Word

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.kit import Actor
    from beijiang.tables import Exit

__all__ = ["MOST_VALUES", "PADDED_TO", "WAITS", "Intersection", "IntersectionState"]

MOST_VALUES: Final = 1_000_000
"""Values of either side."""
PADDED_TO: Final = 1024
"""The points of a table are filled up to a multiple of this many, so that they do not tell how many values it has."""
WAITS: Final = timedelta(hours=24)


class IntersectionState(Word):
    """How far an intersection is."""

    OFFERING = "offering", "准备对方集合", "the other side's points are being made"
    OFFERED = "offered", "待提交本方集合", "waits for your points"
    COMPARING = "comparing", "比对中", "being compared"
    DONE = "done", "已答复", "answered"
    FAILED = "failed", "未成", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intersection:
    """One set held against one table, under one grant."""

    id: str
    grant_id: str
    org_id: str
    """Of the department that asks."""
    by: Actor
    table: str
    version: int
    columns: tuple[str, ...]
    """What the parts of a value are, in order."""
    exit: Exit
    """``overlap``: about how many both have; ``common``: which of the asker's are there."""
    purpose: str
    obligations: str
    mine: int
    """How many values the asker said to have."""
    theirs: int
    """Points of the table, those that fill up included; 0 while they are being made."""
    least: int
    """A number below this is not told."""
    state: IntersectionState
    told: int | None
    """The number that was told; None where it was below ``least``, and where points were."""
    receipt: str
    error: dict[str, Any] | None
    at: datetime
    until: datetime
    job: str = ""
    """The work that its last step set going; not kept."""
