"""Recalls (召回, GB/T 39477): a version that was handed over is withdrawn, and everyone who has it confirms what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.kit import Word
from beijiang.tables import Exit

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.standards import Case, Deadline

__all__ = [
    "LOOKED_AT",
    "Duty",
    "DutyState",
    "Kept",
    "Recall",
    "RecallDraft",
    "RecallPlan",
    "RecallQuery",
    "RecallView",
    "Receiver",
    "Remedy",
]

LOOKED_AT: Final = frozenset(
    {
        Exit.CHART,
        Exit.COMMON,
        Exit.COUNT,
        Exit.OVERLAP,
        Exit.PAGE,
        Exit.PREVIEW,
        Exit.PUSH_PLAN,
        Exit.QUALITY,
        Exit.SEARCH,
        Exit.VERIFY,
    }
)
"""Exits after which nobody has a copy; whoever read by any other one has received."""


class Remedy(Word):
    """What receivers are asked to do with what they have."""

    DELETE = "delete", "删除已取得的数据", "delete what was received"
    REPLACE = "replace", "以现行版本替换", "replace it by the version that is served now"


class Kept(Word):
    """What a receiver says became of its copies."""

    DELETED = "deleted", "已删除", "deleted"
    REPLACED = "replaced", "已替换", "replaced"
    NOT_KEPT = "not_kept", "未留存", "nothing was kept"


class DutyState(Word):
    """Where a receiver's duty stands."""

    WAITING = "waiting", "待确认", "to be confirmed"
    CONFIRMED = "confirmed", "已确认", "confirmed"
    EXCUSED = "excused", "已免除", "excused"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who received the versions, how often, and when last; None for people of no department."""

    org_id: str | None
    reads: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallDraft:
    """What is withdrawn, why, and what has to be done about it."""

    resource_id: str
    versions: tuple[int, ...]
    """Versions of the table."""
    reason: str
    remedy: Remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """One recall."""

    id: str
    resource_id: str
    resource_name: str
    table: str
    provider_id: str
    versions: tuple[int, ...]
    reason: str
    remedy: Remedy
    by: str
    by_name: str
    at: datetime
    served: int | None
    """The version that readers have had since; None where they have none until the next one."""
    outside: int
    """Reads by people of no department, who cannot be told by name: the portal tells them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What one department has to confirm."""

    recall_id: str
    org_id: str
    reads: int
    last_at: datetime
    state: DutyState = DutyState.WAITING
    kept: Kept | None = None
    words: str = ""
    by_name: str = ""
    at: datetime | None = None
    case: Case | None = None
    urged: int = 0
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallPlan:
    """What a recall would do, before it does it."""

    draft: RecallDraft
    table: str
    served_now: int | None
    would_serve: int | None
    receivers: tuple[Receiver, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallView:
    """A recall with the duties that its reader may see, their times, and what the reader may do."""

    recall: Recall
    duties: tuple[Duty, ...]
    deadlines: dict[str, Deadline]
    may_confirm: frozenset[str]
    """Departments for which the reader may confirm."""
    may_excuse: bool

    @property
    def open(self) -> int:
        """Return how many duties are not confirmed."""
        return sum(duty.state is DutyState.WAITING for duty in self.duties)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallQuery:
    """Which recalls are wanted."""

    words: str = ""
    table: str = ""
    ids: frozenset[str] | None = None
    """Only these; None for all."""
    limit: int = 500
