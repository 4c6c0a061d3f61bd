"""Appeals: a department says that a mark is wrong, the authority looks at the raw facts and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from beijiang.assess.models.marks import Fact, Mark
from beijiang.assess.models.periods import Period
from beijiang.kit import Word

__all__ = ["Appeal", "AppealState", "AppealView"]


class AppealState(Word):
    """How an appeal stands (`standards.md` 2.11)."""

    OPEN = "open", "待答复", "open"
    RECOMPUTED = "recomputed", "已重新计算", "recomputed"
    KEPT = "kept", "维持原结果", "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """One appeal against one mark, with both sides' words."""

    id: str
    period: Period
    sheet_id: str
    org_id: str
    indicator: str
    mark_id: str
    """The mark that it is against."""
    words: str
    by: str
    by_name: str
    at: datetime
    state: AppealState = AppealState.OPEN
    decided_by: str = ""
    decided_name: str = ""
    decided_at: datetime | None = None
    decision: str = ""
    mark_after: str = ""
    """The mark that was made of it."""


@dataclass(frozen=True, slots=True)
class AppealView:
    """An appeal with the mark that it is against, the raw facts behind it, and the mark that came of it."""

    appeal: Appeal
    mark: Mark
    facts: Sequence[Fact]
    after: Mark | None
