"""One number, one source (一数一源): which department answers for a field, and what others hold against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from beijiang.kit import Word

__all__ = ["Claim", "ClaimState", "Dispute", "DisputeState"]


class ClaimState(Word):
    """Where a declaration stands."""

    PROPOSED = "proposed", "待数据局确认", "waits for the data bureau"
    IN_FORCE = "in_force", "数源部门", "source department"
    REFUSED = "refused", "未通过", "refused"
    ENDED = "ended", "已终止", "ended"


class DisputeState(Word):
    """Where an objection stands."""

    RAISED = "raised", "待裁定", "waits for a ruling"
    UPHELD = "upheld", "成立", "upheld"
    DISMISSED = "dismissed", "不成立", "dismissed"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A department says that it is the one source of a field of a library."""

    id: str
    library_id: str
    element: str
    org_id: str
    basis: str
    """By which duty, law or order."""
    state: ClaimState = ClaimState.PROPOSED
    by: str
    at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """Another department objects to a declaration that is in force, and the data bureau rules."""

    id: str
    claim_id: str
    org_id: str
    reason: str
    state: DisputeState = DisputeState.RAISED
    by: str
    at: datetime
    ruled_by: str = ""
    ruled_at: datetime | None = None
    ruling: str = ""
