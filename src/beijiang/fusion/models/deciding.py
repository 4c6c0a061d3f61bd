"""What persons decide about records: pairs that wait for them, and that two are the same or are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from beijiang.kit import Word

__all__ = ["Decision", "Pair", "PairState", "Verdict"]


class Verdict(Word):
    """What was decided about two records."""

    SAME = "same", "同一主体", "the same"
    DIFFERENT = "different", "不同主体", "not the same"


class PairState(Word):
    """What became of a pair that was not sure enough."""

    WAITING = "waiting", "待判定", "waits"
    SAME = "same", "同一主体", "the same"
    DIFFERENT = "different", "不同主体", "not the same"
    GONE = "gone", "已不存在", "no longer there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two records of which the platform is not sure; what they hold is shown through the gate only."""

    id: str
    library_id: str
    left: str
    right: str
    left_source: int
    right_source: int
    probability: float
    levels: Mapping[str, int]
    """By compared field, how alike it is: the higher, the more; -1 where one side has no value."""
    against: bool = False
    """Sure enough, but both have valid keys, and different ones."""
    state: PairState = PairState.WAITING
    found_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """That two records are the same, or not; it holds in all later runs until it is revoked."""

    id: str
    library_id: str
    left: str
    right: str
    verdict: Verdict
    taken_out: bool = False
    """The left record was taken out of a subject: its key no longer unites it with others."""
    reason: str
    by: str
    at: datetime
    revoked_by: str = ""
    revoked_at: datetime | None = None
    why_revoked: str = ""
