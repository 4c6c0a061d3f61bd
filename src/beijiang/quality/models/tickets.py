"""Tickets (校核): data that go back to who supplies them, by steps that are known, within a time that a rule sets.

States and path follow the correction workflow of the design (`standards.md` 2.11); the time limit is a dated rule of the
standards (``correction.handle.*``), copied into the ticket when its clock starts, so that a later rule does not touch it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import IntEnum
from statistics import median
from typing import TYPE_CHECKING, Final

from beijiang.kit import Conflict, Text, Word
from beijiang.quality.models.rules import Severity

if TYPE_CHECKING:
    from beijiang.standards import WorkingCalendar

__all__ = [
    "DEFAULT_SEVERITIES",
    "MOVES",
    "DepartmentTickets",
    "Doubt",
    "Move",
    "MoveOf",
    "Origin",
    "Side",
    "Stage",
    "Ticket",
    "TicketLimit",
    "TicketPolicy",
    "TicketQuery",
    "TicketReader",
    "TicketState",
    "TicketStep",
    "by_department",
    "check_move",
    "moves_from",
    "stage_on",
]

DEFAULT_SEVERITIES: Final = frozenset({Severity.CRITICAL, Severity.MAJOR})
"""Rules of these severities open a ticket when a new version fails them, where no policy says otherwise."""


class Origin(Word):
    """Who found that something is wrong."""

    RUN = "run", "质量规则", "a rule of quality"
    PERSON = "person", "用数方疑义", "a doubt of a reader"


class TicketState(Word):
    """Where a ticket stands."""

    DISPATCHED = "dispatched", "待受理", "sent to its supplier"
    ACCEPTED = "accepted", "处理中", "accepted"
    RETURNED = "returned", "已退回", "sent back by its supplier"
    CORRECTED = "corrected", "已更正待复核", "corrected, to be re-checked"
    CONFIRMED_RIGHT = "confirmed_right", "核实无误", "confirmed right"
    CLOSED = "closed", "已办结", "closed"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is expected of anybody."""
        return self in {TicketState.CLOSED, TicketState.WITHDRAWN}

    @property
    def runs(self) -> bool:
        """Tell whether the supplier's time runs."""
        return self in {TicketState.DISPATCHED, TicketState.ACCEPTED}


class Side(Word):
    """Whose turn it is."""

    SUPPLIER = "supplier", "供数部门", "the supplier"
    OPENER = "opener", "提出方", "who opened it"
    CHECK = "check", "下一版数据的检查", "the check of the next version"
    NOBODY = "nobody", "无", "nobody"


class Move(Word):
    """What somebody does with a ticket, or the platform by itself."""

    OPEN = "open", "提出", "opened"
    ACCEPT = "accept", "受理", "accept"
    SEND_BACK = "send_back", "退回", "send back"
    CORRECT = "correct", "已在源头更正", "corrected at the source"
    CONFIRM_RIGHT = "confirm_right", "核实无误", "confirm that it is right"
    TRANSFER = "transfer", "转办", "transfer"
    RESUBMIT = "resubmit", "重新提交", "hand in again"
    WITHDRAW = "withdraw", "撤回", "withdraw"
    CLOSE = "close", "办结", "close"
    REFUSE = "refuse", "不认可", "not accept the answer"
    REOPEN = "reopen", "重新打开", "reopen"
    REPLY = "reply", "回复", "reply"
    UPDATE = "update", "新版本仍未通过", "still failing in a new version"
    PASS = "pass", "复核通过", "passed the re-check"
    FAIL = "fail", "复核未通过", "failed the re-check"
    REMIND = "remind", "催办", "reminded"
    ESCALATE = "escalate", "督办", "escalated"


@dataclass(frozen=True, slots=True)
class MoveOf:
    """From which states a person's move leads where, whose it is, and whether it needs words."""

    at: frozenset[TicketState]
    to: TicketState
    side: Side
    words: bool = True
    restarts: bool = False
    """Whether the supplier's time starts anew."""


_S = TicketState
_OPEN_TO_SUPPLIER: Final = frozenset({_S.DISPATCHED, _S.ACCEPTED})
_ANSWERED: Final = frozenset({_S.CORRECTED, _S.CONFIRMED_RIGHT})

MOVES: Final[Mapping[Move, MoveOf]] = {
    Move.ACCEPT: MoveOf(frozenset({_S.DISPATCHED}), _S.ACCEPTED, Side.SUPPLIER, words=False),
    Move.CORRECT: MoveOf(_OPEN_TO_SUPPLIER, _S.CORRECTED, Side.SUPPLIER, words=False),
    Move.CONFIRM_RIGHT: MoveOf(_OPEN_TO_SUPPLIER, _S.CONFIRMED_RIGHT, Side.SUPPLIER),
    Move.SEND_BACK: MoveOf(_OPEN_TO_SUPPLIER, _S.RETURNED, Side.SUPPLIER),
    Move.CLOSE: MoveOf(_ANSWERED, _S.CLOSED, Side.OPENER, words=False),
    Move.REFUSE: MoveOf(_ANSWERED, _S.ACCEPTED, Side.OPENER, restarts=True),
    Move.RESUBMIT: MoveOf(frozenset({_S.RETURNED}), _S.DISPATCHED, Side.OPENER, restarts=True),
    Move.TRANSFER: MoveOf(_OPEN_TO_SUPPLIER | {_S.RETURNED}, _S.DISPATCHED, Side.OPENER, restarts=True),
    Move.REOPEN: MoveOf(frozenset({_S.CLOSED}), _S.DISPATCHED, Side.OPENER, restarts=True),
    Move.WITHDRAW: MoveOf(_OPEN_TO_SUPPLIER | {_S.RETURNED}, _S.WITHDRAWN, Side.OPENER),
}
"""Every move of a person. The data authority may make those of the opener, and it alone transfers."""


class Stage(IntEnum):
    """How urgent a running ticket has become: at half and four fifths of its time, a day before, and past it.

    Past it the matter rises by one step per two working days: the supplier's head, the data authority, the authority above.
    """

    NONE = 0
    HALF = 1
    MOST = 2
    LAST_DAY = 3
    OVERDUE = 4
    AUTHORITY = 5
    ABOVE = 6

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _STAGES[self]

    @property
    def is_overdue(self) -> bool:
        """Tell whether the time is over."""
        return self >= Stage.OVERDUE


_STAGES: Final = {
    Stage.NONE: Text("期限内", "in time"),
    Stage.HALF: Text("期限过半", "half of the time is over"),
    Stage.MOST: Text("期限将尽", "most of the time is over"),
    Stage.LAST_DAY: Text("一个工作日内到期", "due within one working day"),
    Stage.OVERDUE: Text("已超期，督办至部门负责人", "overdue: the supplier's head is told"),
    Stage.AUTHORITY: Text("已超期，督办至数据局", "overdue: the data authority takes it up"),
    Stage.ABOVE: Text("已超期，报上级数据主管部门", "overdue: reported to the authority above"),
}
STEP_DAYS: Final = 2
"""Working days between two steps of an overdue ticket."""


@dataclass(frozen=True, slots=True)
class TicketLimit:
    """The rule that sets the time, as it was when the clock started."""

    rule: str
    days: int
    """Working days after the day on which it was sent, which is day 0."""
    basis: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One matter between who found something and who supplies the data."""

    id: str
    table: str
    org_id: str
    """Who has to answer: the provider of the table, or whom it was transferred to."""
    origin: Origin
    state: TicketState
    title: str
    words: str = ""
    """What a person doubts."""
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    """By what the person names the rows."""
    rule_id: str | None = None
    revision: int = 0
    severity: Severity = Severity.MAJOR
    indicator: str = ""
    run_id: str | None = None
    """The newest run that judged it."""
    version: int = 0
    failing: int = 0
    assessed: int = 0
    resource_id: str | None = None
    opened_by: str
    opened_name: str
    opened_org: str | None
    opened_at: datetime
    started_on: date
    limit: TicketLimit
    due_on: date
    provisional: bool
    """Whether the working-day calendar of a year was missing when the day was counted."""
    stage: Stage = Stage.NONE
    answer: Move | None = None
    """The last answer: corrected, confirmed right, or passed a re-check without one."""
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    reopened: int = 0
    changed_at: datetime

    @property
    def share(self) -> float | None:
        """Return which share of what was assessed fails."""
        return self.failing / self.assessed if self.assessed else None

    @property
    def turn(self) -> Side:
        """Return whose turn it is."""
        if self.state.is_over:
            return Side.NOBODY
        if self.state.runs:
            return Side.SUPPLIER
        if self.state is TicketState.CORRECTED and self.rule_id is not None:
            return Side.CHECK
        return Side.OPENER


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketStep:
    """One thing that happened to a ticket, in order."""

    ticket_id: str
    place: int
    at: datetime
    by: str
    name: str
    org_id: str | None
    move: Move
    state: TicketState
    words: Text
    detail: Mapping[str, str | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What a reader thinks is wrong with a value."""

    words: str
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPolicy:
    """Which failing rules open a ticket by themselves: of one rule, of one table, or (``*``) of all."""

    scope: str
    severities: frozenset[Severity]
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketQuery:
    """Which tickets are wanted; words stand in a title or a table's name."""

    words: str = ""
    states: frozenset[TicketState] = frozenset()
    org_id: str | None = None
    table: str | None = None
    origin: Origin | None = None
    overdue: bool = False
    mine: bool = False
    """Only those whose next step is the reader's; long lists know it."""
    limit: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketReader:
    """Who looks at tickets, and what that person may do with whose."""

    id: str
    orgs: Sequence[str]
    """Departments whose tickets are seen."""
    handles: Sequence[str]
    """Those for which the reader answers: the own one, or none."""
    supervises: Sequence[str]
    """Those whose answers to a rule the reader judges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentTickets:
    """A department's record over some time: facts, from which others make marks."""

    org_id: str
    opened: int
    open: int
    overdue: int
    """Open ones past their day."""
    closed: int
    on_time: int
    """Closed ones that were answered by their day."""
    confirmed_right: int
    withdrawn: int
    reopened: int
    median_days: float | None
    """Working days from the start to the answer, of closed ones."""

    @property
    def on_time_share(self) -> float | None:
        """Return ``correction_on_time``: answered in time of those that were due."""
        due = self.closed + self.overdue
        return self.on_time / due if due else None


def moves_from(state: TicketState) -> tuple[Move, ...]:
    """Return which moves of a person there are from a state."""
    return tuple(move for move, spec in MOVES.items() if state in spec.at)


def check_move(state: TicketState, move: Move) -> MoveOf:
    """Return what a move means from a state.

    Raises:
        Conflict: it is not possible from there; says what is.

    """
    spec = MOVES.get(move)
    if spec is not None and state in spec.at:
        return spec
    possible = moves_from(state)
    zh = "、".join(one.text.zh for one in possible) or "只能回复"
    en = ", ".join(one.value for one in possible) or "a reply only"
    raise Conflict(
        f"工单当前为“{state.text.zh}”，不能{move.text.zh}。现在可以：{zh}。",
        f"The ticket is {state.text.en}; {move.value} is not possible. Possible now: {en}.",
        code="ticket_move",
        detail={"state": state.value, "possible": [one.value for one in possible]},
    )


def stage_on(ticket: Ticket, today: date, calendar: WorkingCalendar) -> Stage:
    """Return how urgent a running ticket is on a day (`standards.md` 8.3: warn at 50 %, 80 % and a day before)."""
    if not ticket.state.runs:
        return Stage.NONE
    if today > ticket.due_on:
        late = calendar.working_days_between(ticket.due_on, today)
        return Stage(min(Stage.OVERDUE + late // STEP_DAYS, Stage.ABOVE))
    left = calendar.working_days_between(today, ticket.due_on)
    used = calendar.working_days_between(ticket.started_on, today)
    if left <= 1:
        return Stage.LAST_DAY
    if used >= 0.8 * ticket.limit.days:
        return Stage.MOST
    return Stage.HALF if used >= ticket.limit.days / 2 else Stage.NONE


def by_department(
    tickets: Iterable[Ticket], today: date, calendar: WorkingCalendar, zone: tzinfo
) -> list[DepartmentTickets]:
    """Return the record of each department, as of a day."""
    mine: dict[str, list[Ticket]] = {}
    for ticket in tickets:
        mine.setdefault(ticket.org_id, []).append(ticket)
    found = []
    for org_id, some in sorted(mine.items()):
        closed = [t for t in some if t.state is TicketState.CLOSED]
        answered = [(t, t.answered_at.astimezone(zone).date()) for t in closed if t.answered_at is not None]
        days = [calendar.working_days_between(t.started_on, day) for t, day in answered]
        found.append(
            DepartmentTickets(
                org_id=org_id,
                opened=len(some),
                open=sum(not t.state.is_over for t in some),
                overdue=sum(t.state.runs and today > t.due_on for t in some),
                closed=len(closed),
                on_time=sum(day <= t.due_on for t, day in answered),
                confirmed_right=sum(t.answer is Move.CONFIRM_RIGHT for t in closed),
                withdrawn=sum(t.state is TicketState.WITHDRAWN for t in some),
                reopened=sum(t.reopened for t in some),
                median_days=float(median(days)) if days else None,
            )
        )
    return found
