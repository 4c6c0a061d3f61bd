"""Demands: data that a department needs and the catalog may not have; who is its source, and when it is there (`standards.md` 2.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Conflict, Word

if TYPE_CHECKING:
    from beijiang.catalog import NotShared, SearchHit
    from beijiang.exchange.models.requests import Step
    from beijiang.standards import Case, Deadline

__all__ = [
    "AT_WILL",
    "DEMAND_MOVES",
    "Demand",
    "DemandDraft",
    "DemandHints",
    "DemandMove",
    "DemandPlan",
    "DemandQuery",
    "DemandSide",
    "DemandState",
    "DemandView",
    "Evaluation",
    "Fulfilment",
    "check_demand_move",
    "demand_moves_from",
]


class DemandState(Word):
    """Where a demand stands."""

    SUBMITTED = "submitted", "待初审", "to be pre-audited"
    RETURNED = "returned", "已退回", "returned"
    ANALYZING = "analyzing", "分析中", "being analysed"
    DISPATCHED = "dispatched", "已派发", "dispatched"
    CORRECTION = "correction", "异议处理", "its source is in dispute"
    CONFIRMED = "confirmed", "已确认", "its source is confirmed"
    COMPLETED = "completed", "已办结", "completed"
    REJECTED = "rejected", "已驳回", "rejected"
    CANCELLED = "cancelled", "已取消", "cancelled"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is done."""
        return self in _OVER


_OVER: Final = frozenset({DemandState.COMPLETED, DemandState.REJECTED, DemandState.CANCELLED, DemandState.WITHDRAWN})


class DemandSide(Word):
    """Whose move it is."""

    CONSUMER = "consumer", "需求方", "who needs it"
    AUTHORITY = "authority", "数据局", "the data authority"
    SOURCE = "source", "数源部门", "the source"


class DemandMove(Word):
    """What is done with a demand."""

    RAISE = "raise", "提出", "raised"
    PASS = "pass", "初审通过", "passed the pre-audit"
    RETURN = "return", "退回", "returned"
    REJECT = "reject", "驳回", "rejected"
    RESUBMIT = "resubmit", "重新提交", "handed in again"
    CANCEL = "cancel", "取消", "cancelled"
    WITHDRAW = "withdraw", "撤回", "withdrawn"
    MATCH = "match", "目录已有", "matched with an entry"
    DISPATCH = "dispatch", "派发", "dispatched"
    CONFIRM = "confirm", "确认是数源", "confirmed as its source"
    DENY = "deny", "不是数源", "denied to be its source"
    COMPLETE = "complete", "已供数，办结", "supplied"
    RECEIVE = "receive", "已取得数据，办结", "received"
    POSTPONE = "postpone", "改定供数日期", "another day of supply was set"
    GIVE_BACK = "give_back", "不能供数，退回", "given back by its source"
    EVALUATE = "evaluate", "评价", "evaluated"
    URGE = "urge", "催办", "urged"
    ESCALATE = "escalate", "督办", "escalated"


@dataclass(frozen=True, slots=True)
class DemandMoveOf:
    """From which states a move leads where, whose it is, and what it needs."""

    at: frozenset[DemandState]
    to: DemandState
    side: DemandSide
    words: bool = False
    limit: str = ""
    """Topic of the dated rules whose time begins with it."""


_S = DemandState
DEMAND_MOVES: Final[Mapping[DemandMove, DemandMoveOf]] = {
    DemandMove.PASS: DemandMoveOf(
        frozenset({_S.SUBMITTED}), _S.ANALYZING, DemandSide.AUTHORITY, limit="demand.analyse"
    ),
    DemandMove.RETURN: DemandMoveOf(frozenset({_S.SUBMITTED}), _S.RETURNED, DemandSide.AUTHORITY, words=True),
    DemandMove.REJECT: DemandMoveOf(
        frozenset({_S.SUBMITTED, _S.ANALYZING, _S.CORRECTION}), _S.REJECTED, DemandSide.AUTHORITY, words=True
    ),
    DemandMove.MATCH: DemandMoveOf(
        frozenset({_S.ANALYZING, _S.CORRECTION}), _S.CONFIRMED, DemandSide.AUTHORITY, limit="share.deliver"
    ),
    DemandMove.DISPATCH: DemandMoveOf(
        frozenset({_S.ANALYZING, _S.CORRECTION}), _S.DISPATCHED, DemandSide.AUTHORITY, limit="share.uncatalogued"
    ),
    DemandMove.CONFIRM: DemandMoveOf(
        frozenset({_S.DISPATCHED}), _S.CONFIRMED, DemandSide.SOURCE, limit="share.deliver"
    ),
    DemandMove.DENY: DemandMoveOf(
        frozenset({_S.DISPATCHED}), _S.CORRECTION, DemandSide.SOURCE, words=True, limit="dispute.mediate"
    ),
    DemandMove.COMPLETE: DemandMoveOf(
        frozenset({_S.CONFIRMED}), _S.COMPLETED, DemandSide.SOURCE, limit="demand.evaluate"
    ),
    DemandMove.GIVE_BACK: DemandMoveOf(
        frozenset({_S.CONFIRMED}), _S.CORRECTION, DemandSide.SOURCE, words=True, limit="dispute.mediate"
    ),
    DemandMove.POSTPONE: DemandMoveOf(
        frozenset({_S.CONFIRMED}), _S.CONFIRMED, DemandSide.AUTHORITY, words=True, limit="share.deliver"
    ),
    DemandMove.RECEIVE: DemandMoveOf(
        frozenset({_S.CONFIRMED}), _S.COMPLETED, DemandSide.CONSUMER, limit="demand.evaluate"
    ),
    DemandMove.RESUBMIT: DemandMoveOf(
        frozenset({_S.RETURNED}), _S.SUBMITTED, DemandSide.CONSUMER, limit="demand.pre_audit"
    ),
    DemandMove.CANCEL: DemandMoveOf(frozenset({_S.RETURNED}), _S.CANCELLED, DemandSide.CONSUMER, words=True),
    DemandMove.WITHDRAW: DemandMoveOf(
        frozenset({_S.SUBMITTED, _S.ANALYZING, _S.DISPATCHED, _S.CORRECTION, _S.CONFIRMED}),
        _S.WITHDRAWN,
        DemandSide.CONSUMER,
        words=True,
    ),
    DemandMove.EVALUATE: DemandMoveOf(frozenset({_S.COMPLETED}), _S.COMPLETED, DemandSide.CONSUMER),
}
"""Every move of a person."""
AT_WILL: Final = frozenset({DemandMove.WITHDRAW, DemandMove.RECEIVE, DemandMove.POSTPONE})
"""Moves that somebody may take, and that nobody waits for."""


class Fulfilment(Word):
    """How a demand is met."""

    EXISTING = "authorize_existing", "目录已有，申请授权", "the entry is there: ask for it"
    COLLECT = "need_collect", "需新增采集或编目", "to be collected and catalogued"


class Evaluation(Word):
    """What who needed it thinks of what came."""

    MATCHED = "matched", "满足", "met"
    PARTIAL = "partial", "部分满足", "met in part"
    UNMATCHED = "unmatched", "不满足", "not met"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandDraft:
    """What a department needs, in its own words."""

    title: str
    items: str
    """The data items, as the department calls them."""
    purpose: str
    use: str
    basis: str = ""
    wished_by: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One demand, and the duty that came of it."""

    id: str
    org_id: str
    by: str
    by_name: str
    draft: DemandDraft
    state: DemandState
    source_org: str | None = None
    """Who is asked, or confirmed, to be its source."""
    named_org: str | None = None
    """Whom a department that denied has named instead."""
    fulfilment: Fulfilment | None = None
    resource_id: str | None = None
    supply_by: date | None = None
    """The day by which the source has promised it: its duty."""
    evaluation: Evaluation | None = None
    case: Case | None = None
    urged: int = 0
    revision: int = 1
    created_at: datetime
    changed_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DemandView:
    """A demand with its history, its time, and the moves that are this reader's."""

    demand: Demand
    steps: tuple[Step, ...]
    deadline: Deadline | None
    moves: tuple[DemandMove, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandPlan:
    """What a move of a demand would do: where it would stand, whose turn it would be, and by when."""

    move: DemandMove
    after: DemandState
    org_id: str | None
    """The department that would be its source, or be asked whether it is."""
    deadline: Deadline | None
    """None where no time would run."""
    rule: str
    """The dated rule of that time."""
    basis: str
    has: tuple[Demand, ...]
    """What that department has to answer or to supply already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandHints:
    """What may help to answer a demand."""

    entries: tuple[SearchHit, ...]
    """Of the catalog, what was found by most of its words first."""
    duties: tuple[Demand, ...]
    """Demands that are somebody's duty to supply and ask for the same."""
    not_shared: tuple[NotShared, ...]
    """Lines of the negative list (不予共享清单) about these entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandQuery:
    """Which demands are wanted."""

    words: str = ""
    states: frozenset[DemandState] = frozenset()
    duties: bool = False
    """Only those that are somebody's duty to supply."""
    mine: bool = False
    """Only those whose next move is the reader's; long lists know it."""
    limit: int = 500


def demand_moves_from(demand: Demand) -> tuple[DemandMove, ...]:
    """Return which moves there are from where a demand stands.

    It is evaluated once; who needs it says that it is there where the catalog had it, and a day is set where it had not.
    """
    gone = {
        DemandMove.EVALUATE: demand.evaluation is not None,
        DemandMove.RECEIVE: demand.fulfilment is not Fulfilment.EXISTING,
        DemandMove.POSTPONE: demand.fulfilment is not Fulfilment.COLLECT,
    }
    return tuple(move for move, spec in DEMAND_MOVES.items() if demand.state in spec.at and not gone.get(move, False))


def check_demand_move(demand: Demand, move: DemandMove) -> DemandMoveOf:
    """Return what a move means where a demand stands.

    Raises:
        Conflict: it is not possible from there; says what is.

    """
    possible = demand_moves_from(demand)
    if move in possible:
        return DEMAND_MOVES[move]
    zh = "、".join(one.text.zh for one in possible) or "没有可办的步骤"
    en = ", ".join(one.value for one in possible) or "nothing"
    raise Conflict(
        f"需求现为“{demand.state.text.zh}”，不能{move.text.zh}。现在可以：{zh}。",
        f"The demand is {demand.state.text.en}; {move.value} is not possible. Possible now: {en}.",
        code="demand_move",
        detail={"state": demand.state.value, "possible": [one.value for one in possible]},
    )


def draft_to_json(draft: DemandDraft) -> dict[str, Any]:
    """Return plain JSON values."""
    return {
        "title": draft.title,
        "items": draft.items,
        "purpose": draft.purpose,
        "use": draft.use,
        "basis": draft.basis,
        "wished_by": None if draft.wished_by is None else draft.wished_by.isoformat(),
    }


def draft_from_json(value: Mapping[str, Any]) -> DemandDraft:
    """Read a stored draft back."""
    wished = value["wished_by"]
    return DemandDraft(**{**value, "wished_by": None if wished is None else date.fromisoformat(wished)})
