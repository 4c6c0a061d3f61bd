"""Share requests: what is asked for, where it stands, and what happened (`standards.md` 2.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from beijiang.exchange.models.afar import Elsewhere
from beijiang.exchange.models.applicants import Application
from beijiang.exchange.models.terms import GranteeKind, Terms
from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from beijiang.exchange.models.flows import Stage, Trait
    from beijiang.standards import Case, Deadline

__all__ = [
    "Delegation",
    "Move",
    "Plan",
    "PlannedStage",
    "Problem",
    "Request",
    "RequestDraft",
    "RequestQuery",
    "RequestState",
    "RequestView",
    "Step",
]


class RequestState(Word):
    """Where a request stands."""

    DRAFT = "draft", "未提交", "not handed in"
    FORMAL_REVIEW = "formal_review", "符合性审查", "formal review"
    SUPPLEMENT = "supplement", "待补正", "to be completed"
    PROVIDER_REVIEW = "provider_review", "提供部门审核", "with the provider"
    AUTHORITY_REVIEW = "authority_review", "数据局审定", "with the data authority"
    AWAY = "away", "在对方节点办理", "with another node"
    APPROVED = "approved", "同意", "approved"
    PARTLY_APPROVED = "partly_approved", "部分同意", "approved in part"
    REFUSED = "refused", "不同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is decided."""
        return self in _OVER

    @property
    def is_under_review(self) -> bool:
        """Tell whether a stage of the flow is being worked at."""
        return self in {RequestState.FORMAL_REVIEW, RequestState.PROVIDER_REVIEW, RequestState.AUTHORITY_REVIEW}


_OVER = frozenset({RequestState.APPROVED, RequestState.PARTLY_APPROVED, RequestState.REFUSED, RequestState.WITHDRAWN})


class Move(Word):
    """What was done with a request, a grant or a recall."""

    SUBMIT = "submit", "提交", "handed in"
    APPROVE = "approve", "同意", "approved"
    NARROW = "narrow", "收窄后同意", "approved with less"
    ASK_MORE = "ask_more", "一次性告知补正", "asked to complete it"
    SUPPLY = "supply", "补正", "completed"
    REFUSE = "refuse", "不同意", "refused"
    EXTEND = "extend", "延长期限", "extended"
    ASK_TIME = "ask_time", "请求延长期限", "asked for more time"
    DENY_TIME = "deny_time", "不同意延长", "more time not agreed to"
    WITHDRAW = "withdraw", "撤回", "withdrawn"
    URGE = "urge", "催办", "urged"
    ESCALATE = "escalate", "督办", "escalated"
    GRANT = "grant", "授权生效", "granted"
    SUSPEND = "suspend", "暂停", "suspended"
    RESUME = "resume", "恢复", "resumed"
    CUT = "cut", "收窄授权", "narrowed"
    REVOKE = "revoke", "撤销", "revoked"
    GIVE_UP = "give_up", "放弃", "given up"
    RECALL = "recall", "召回", "recalled"
    CONFIRM_RECALL = "confirm_recall", "确认处理", "confirmed"
    EXCUSE = "excuse", "免除", "excused"
    APPEAL = "appeal", "申诉", "appealed"
    REOPEN = "reopen", "按异议结果重新办理", "taken up again after a dispute"
    RESTORE = "restore", "按异议结果恢复", "restored after a dispute"
    UNDONE = "undone", "对方节点未能办理", "could not be done at the other node"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDraft:
    """What a consumer writes; what the terms may be follows from the entry."""

    resource_id: str
    terms: Terms
    purpose: str
    """Code of the controlled list."""
    use: str
    """In which business the data are used, and how."""
    basis: str = ""
    """The document and article that the business rests on."""
    grantee_kind: GranteeKind = GranteeKind.ORGANISATION
    grantee_id: str = ""
    """The person or application; empty for the organisation itself."""
    system: str = ""
    """The system that receives the data."""
    contact: str = ""
    impact: str = ""
    """Reference of the impact assessment, where personal information is asked for."""
    application: Application | None = None
    """What an applicant of the public says; None for departments."""

    @property
    def is_public(self) -> bool:
        """Tell whether a member of the public asks."""
        return self.application is not None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "resource_id": self.resource_id,
            "terms": self.terms.to_json(),
            "purpose": self.purpose,
            "use": self.use,
            "basis": self.basis,
            "grantee_kind": self.grantee_kind.value,
            "grantee_id": self.grantee_id,
            "system": self.system,
            "contact": self.contact,
            "impact": self.impact,
            **({} if self.application is None else {"application": self.application.to_json()}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RequestDraft:
        """Read a stored draft back."""
        terms, kind = Terms.from_json(value["terms"]), GranteeKind(value["grantee_kind"])
        said = value.get("application")
        application = None if said is None else Application.from_json(said)
        return cls(**{**value, "terms": terms, "grantee_kind": kind, "application": application})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request of one organisation for items of one resource."""

    id: str
    org_id: str
    by: str
    by_name: str
    draft: RequestDraft
    resource_name: str
    resource_version: int
    table: str
    provider_id: str
    state: RequestState
    stages: tuple[Stage, ...] = ()
    at_stage: int = 0
    offered: Terms
    """The terms as narrowed so far."""
    case: Case | None = None
    """The time limit that runs."""
    urged: int = 0
    """How often it was warned of, or gone up."""
    revision: int = 1
    created_at: datetime
    submitted_at: datetime | None = None
    decided_at: datetime | None = None
    grant_id: str | None = None
    afar: Elsewhere | None = None
    """The other node, of a request that travels."""

    @property
    def outward(self) -> Elsewhere | None:
        """Return the node that decides it, where that is another."""
        return self.afar if self.afar is not None and self.afar.outward else None

    @property
    def stage(self) -> Stage | None:
        """Return the stage that is worked at."""
        return self.stages[self.at_stage] if self.state.is_under_review else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened to a request or a grant, in order."""

    matter_id: str
    place: int = 0
    at: datetime
    by: str
    name: str
    org_id: str | None
    behalf: str = ""
    """Whom the person stood in for."""
    move: Word
    stage: str = ""
    words: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request cannot be handed in as it is; all are told at once."""

    code: str
    text: Text
    column: str = ""


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage with whom it waits for and by when it is due, were the request handed in now."""

    stage: Stage
    org_id: str | None
    """The department that decides; None for the data authority."""
    due_on: date | None
    limit: str
    """The rule that limits the time; empty where none is in force."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen to a request: what stands against it, what it is like, and its stages."""

    problems: tuple[Problem, ...]
    traits: frozenset[Trait]
    stages: tuple[PlannedStage, ...]


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request with its history, its time, and what this reader may do."""

    request: Request
    steps: tuple[Step, ...]
    deadline: Deadline | None
    may_decide: bool
    may_supply: bool
    may_withdraw: bool
    time_asked: Step | None = None
    """The step by which more time was asked of the data authority, which has not answered."""
    may_consent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestQuery:
    """Which requests are wanted."""

    words: str = ""
    states: frozenset[RequestState] = frozenset()
    org_id: str | None = None
    provider_id: str | None = None
    mine: bool = False
    """Only those whose stage the reader may decide now, the oldest first; long lists know it."""
    limit: int | None = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """Somebody stands in for another in deciding, for some days."""

    id: str
    org_id: str | None
    by: str
    by_name: str
    to: str
    to_name: str
    since: date
    until: date
    reason: str
    at: datetime
    ended_at: datetime | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether it is in force on a day."""
        return self.ended_at is None and self.since <= day <= self.until
