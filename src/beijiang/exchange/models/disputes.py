"""Disputes (异议): a department does not agree with a decision on what it asked for or holds, or with an entry.

The decision refused, narrowed or ended something, found a correction unfounded, or did not come in time; of an entry it is how it is
shared, or who is its source.

They are talked over by the two sides first, and decided by the data authority where that fails; a decision is a record
with its basis (`standards.md` 2.11).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Self

from beijiang.kit import Conflict, Text, Word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from beijiang.catalog import Entry, Item
    from beijiang.exchange.models.requests import Step
    from beijiang.standards import Case, Deadline

__all__ = [
    "ASKER_MOVES",
    "DISPUTE_MOVES",
    "Dispute",
    "DisputeDraft",
    "DisputeGround",
    "DisputeKind",
    "DisputeMove",
    "DisputeMoveOf",
    "DisputeQuery",
    "DisputeSide",
    "DisputeState",
    "DisputeView",
    "Effect",
    "Outcome",
    "RaiseLimit",
    "check_dispute_move",
    "differs",
    "dispute_moves_from",
]


class DisputeKind(Word):
    """What one does not agree with."""

    REFUSAL = "refusal", "对不予共享决定的异议", "a refusal of a request"
    NARROWING = "narrowing", "对部分同意或收窄授权的异议", "less given than asked for, or a grant that was narrowed"
    REVOCATION = "revocation", "对暂停或撤销授权的异议", "a grant that was suspended or revoked"
    CORRECTION = "correction", "对校核结果的异议", "what came of a correction"
    SILENCE = "silence", "对逾期不答复的异议", "no answer in time"
    TYPE = "type", "对共享类型的异议", "how an entry is shared"
    SOURCE = "source", "对数源部门的异议", "who is the source of an entry"


class DisputeState(Word):
    """Where a dispute stands."""

    OPEN = "open", "待答复", "to be answered"
    NEGOTIATING = "negotiating", "协商中", "being talked over"
    MEDIATING = "mediating", "待裁定", "to be decided by the authority"
    SETTLED = "settled", "协商一致", "settled"
    DECIDED = "decided", "已裁定", "decided"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is done."""
        return self in {DisputeState.SETTLED, DisputeState.DECIDED, DisputeState.WITHDRAWN}


class DisputeSide(Word):
    """Whose move it is."""

    OPENER = "opener", "提出方", "who raised it"
    OTHER = "other", "对方部门", "the other department"
    AUTHORITY = "authority", "数据局", "the data authority"


class DisputeMove(Word):
    """What is done with a dispute."""

    RAISE = "raise", "提出异议", "raised"
    KEEP = "keep", "维持并说明", "kept, with reasons"
    YIELD = "yield", "接受异议", "yielded"
    AGREE = "agree", "接受说明", "accepted the reasons"
    REPLY = "reply", "再说明", "replied"
    APPEAL = "appeal", "提请数据局裁定", "taken to the authority"
    DECIDE = "decide", "裁定", "decided"
    WITHDRAW = "withdraw", "撤回", "withdrawn"
    URGE = "urge", "催办", "urged"
    ESCALATE = "escalate", "督办", "escalated"
    CARRIED_OUT = "carried_out", "已按结果修改", "carried out"


class Outcome(Word):
    """For whom the authority decided."""

    UPHELD = "upheld", "异议成立", "upheld"
    PARTLY = "partly", "部分成立", "upheld in part"
    REJECTED = "rejected", "异议不成立", "rejected"


class Effect(Word):
    """What became of the matter that was disputed, once the other side gave way or the authority decided for who raised it."""

    REOPENED = (
        "reopened",
        "申请退回有异议的环节重新办理，时限重新计算",
        "the request is worked at again from the disputed stage, in a new time",
    )
    RESTORED = "restored", "授权已恢复到有异议的决定之前", "the grant is as it was before the disputed decision"
    TAKEN_UP = "taken_up", "校核工单重新办理", "the correction is worked at again"
    TO_ANSWER = "to_answer", "须立即答复申请", "the request has to be answered at once"
    TO_REVISE = (
        "to_revise",
        "目录须在期限内按结果修改并重新发布",
        "the entry has to be revised and published anew in time",
    )
    REVISED = "revised", "目录已修改并重新发布", "the entry was revised and published anew"
    ASK_ANEW = "ask_anew", "原授权已到期或情况已变，请重新申请", "the grant has run out or moved on; ask anew"


@dataclass(frozen=True, slots=True)
class DisputeMoveOf:
    """From which states a move leads where, whose it is, whether it needs words, and whether the time starts anew."""

    at: frozenset[DisputeState]
    to: DisputeState
    side: DisputeSide
    words: bool = True
    timed: bool = False


_S = DisputeState
DISPUTE_MOVES: Final[Mapping[DisputeMove, DisputeMoveOf]] = {
    DisputeMove.YIELD: DisputeMoveOf(frozenset({_S.OPEN, _S.NEGOTIATING}), _S.SETTLED, DisputeSide.OTHER),
    DisputeMove.KEEP: DisputeMoveOf(frozenset({_S.OPEN}), _S.NEGOTIATING, DisputeSide.OTHER),
    DisputeMove.AGREE: DisputeMoveOf(frozenset({_S.NEGOTIATING}), _S.SETTLED, DisputeSide.OPENER, words=False),
    DisputeMove.REPLY: DisputeMoveOf(frozenset({_S.NEGOTIATING}), _S.OPEN, DisputeSide.OPENER, timed=True),
    DisputeMove.APPEAL: DisputeMoveOf(frozenset({_S.NEGOTIATING}), _S.MEDIATING, DisputeSide.OPENER, timed=True),
    DisputeMove.DECIDE: DisputeMoveOf(frozenset({_S.MEDIATING}), _S.DECIDED, DisputeSide.AUTHORITY),
    DisputeMove.WITHDRAW: DisputeMoveOf(
        frozenset({_S.OPEN, _S.NEGOTIATING, _S.MEDIATING}), _S.WITHDRAWN, DisputeSide.OPENER, words=False
    ),
}
"""Every move of a person. An overdue answer goes to the authority by itself."""
ASKER_MOVES: Final = (
    DisputeMove.RAISE,
    *(move for move, spec in DISPUTE_MOVES.items() if spec.side is DisputeSide.OPENER),
)
"""What the side may do that raises a dispute; the rest is for the others to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeDraft:
    """What is not agreed with, and why."""

    kind: DisputeKind
    subject: str
    """Id of the request, grant, ticket or entry, as its kind has it."""
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseLimit:
    """The last day on which a decision can be disputed, and the rule that says so."""

    until: date
    rule: str
    days: int
    """Working days from the decision on."""
    basis: str
    since: str
    """The day from which the rule holds; empty where none is on file."""
    is_default: bool
    """Whether the time is the project's own, which is no legal value."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "until": self.until.isoformat()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read a stored limit back."""
        return cls(**{**value, "until": date.fromisoformat(value["until"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """One dispute."""

    id: str
    kind: DisputeKind
    org_id: str
    by: str
    by_name: str
    against: str
    """The department whose decision, entry or claim it is."""
    subject: str
    title: str
    words: str
    state: DisputeState
    outcome: Outcome | None = None
    basis: str = ""
    """What the decision rests on."""
    effect: Effect | None = None
    """What became of the matter; None while the dispute is open, and where it changed nothing."""
    barred: frozenset[str] = frozenset()
    """Who asked for what is disputed, took the disputed step, raised the dispute or answered it: they do not decide it."""
    case: Case | None = None
    limit: RaiseLimit | None = None
    """By when it could be raised, as the rule was then; None where no time ran, or where that was not kept yet."""
    urged: int = 0
    revision: int = 1
    created_at: datetime
    changed_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeGround:
    """The text that lets departments dispute something, from a day on."""

    kinds: frozenset[DisputeKind]
    basis: str
    since: date
    verified: bool
    """Whether somebody has compared it with the text and named the article; until then a page says so."""
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeView:
    """A dispute with both sides' words, its time, and the reader's moves."""

    dispute: Dispute
    steps: tuple[Step, ...]
    deadline: Deadline | None
    moves: tuple[DisputeMove, ...]
    ground: DisputeGround | None
    """The text in force on the day when it was raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeQuery:
    """Which disputes are wanted."""

    words: str = ""
    open_only: bool = False
    mine: bool = False
    """Only those whose next move is the reader's; long lists know it."""
    limit: int = 500


def differs(kind: DisputeKind, before: Entry, after: Entry) -> bool:
    """Tell whether what is disputed of an entry was changed: how it or an item that is still there is shared, or whose it is."""
    was, now = _disputed(kind, before), _disputed(kind, after)
    return was[0] != now[0] or any(was[1][column] != now[1][column] for column in was[1].keys() & now[1].keys())


def _disputed(kind: DisputeKind, entry: Entry) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    if kind is DisputeKind.SOURCE:
        return (entry.provider_id,), {one.column: (one.source_org or "",) for one in entry.items}
    return _sharing(entry, entry), {one.column: _sharing(entry, one) for one in entry.items}


def _sharing(entry: Entry, of: Entry | Item) -> tuple[str, ...]:
    kind = of.share_type or entry.share_type
    return (
        "" if kind is None else kind.value,
        of.share_condition or entry.share_condition,
        of.no_share_basis or entry.no_share_basis,
    )


def dispute_moves_from(state: DisputeState) -> tuple[DisputeMove, ...]:
    """Return which moves there are from a state."""
    return tuple(move for move, spec in DISPUTE_MOVES.items() if state in spec.at)


def check_dispute_move(state: DisputeState, move: DisputeMove) -> DisputeMoveOf:
    """Return what a move means from a state.

    Raises:
        Conflict: it is not possible from there; says what is.

    """
    possible = dispute_moves_from(state)
    if move in possible:
        return DISPUTE_MOVES[move]
    zh = "、".join(one.text.zh for one in possible) or "没有可办的步骤"
    en = ", ".join(one.value for one in possible) or "nothing"
    raise Conflict(
        f"异议现为“{state.text.zh}”，不能{move.text.zh}。现在可以：{zh}。",
        f"The dispute is {state.text.en}; {move.value} is not possible. Possible now: {en}.",
        code="dispute_move",
        detail={"state": state.value, "possible": [one.value for one in possible]},
    )
