"""The JSON API of what comes after a grant: recalls, disputes, ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange.models import (
    DisputeDraft,
    DisputeKind,
    DisputeMove,
    DisputeQuery,
    Kept,
    Outcome,
    RecallDraft,
    RecallQuery,
    Remedy,
)
from beijiang.exchange.routes.sharing import actor_of, step_json
from beijiang.web.bounds import Whole

if TYPE_CHECKING:
    from beijiang.exchange.models import Dispute, Duty, Rating, Recall
    from beijiang.exchange.service import Disputes, RatingBook, Recalls
    from beijiang.standards import Deadline

__all__ = ["disputes", "ratings", "recalls"]

_Words = Annotated[str, Field(max_length=2000)]
_Find = Annotated[str, Query(max_length=200)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RecallOrder(_Order):
    """What is withdrawn, why, and what receivers have to do."""

    resource_id: str = Field(max_length=40)
    versions: list[Whole] = Field(min_length=1, max_length=1000)
    reason: _Words = ""
    remedy: Remedy = Remedy.DELETE

    def draft(self) -> RecallDraft:
        """Return it as the service takes it."""
        return RecallDraft(
            resource_id=self.resource_id, versions=tuple(self.versions), reason=self.reason, remedy=self.remedy
        )


class ConfirmOrder(_Order):
    """What became of a department's copies."""

    org_id: str = Field(max_length=60)
    kept: Kept
    words: _Words = ""


class ExcuseOrder(_Order):
    """Whom to free from the duty, and why."""

    org_id: str = Field(max_length=60)
    words: _Words


class DisputeOrder(_Order):
    """What is not agreed with, and why."""

    kind: DisputeKind
    subject: str = Field(max_length=40, description="Id of the request, grant, ticket or entry, as the kind has it.")
    words: _Words


class DisputeMoveOrder(_Order):
    """A step with what it says."""

    move: DisputeMove
    words: _Words = ""
    outcome: Outcome | None = Field(default=None, description="Of decide.")
    basis: _Words = Field(default="", description="Of decide: document and article.")


class RatingOrder(_Order):
    """Stars and words."""

    stars: int = Field(ge=1, le=5)
    words: _Words = ""


class AnswerOrder(_Order):
    """The provider's answer to a department's rating."""

    org_id: str = Field(max_length=60)
    words: _Words


def recalls(service: Recalls) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange/recalls``."""
    routes = APIRouter(prefix="/api/v1/exchange/recalls", tags=["exchange"])

    @routes.get("", summary="Recalls by and for your organisation, newest first")
    def all_(request: Request, q: _Find = "") -> dict[str, Any]:
        found, count = service.recalls(actor_of(request), RecallQuery(words=q))
        return {"count": count, "recalls": [_recall(one) for one in found]}

    @routes.get("/waiting", summary="Recalls that your organisation has to confirm")
    def waiting(request: Request) -> dict[str, Any]:
        return {"duties": [_duty(one) for one in service.waiting(actor_of(request))]}

    @routes.post("/plan", summary="Show whom a recall would reach and what readers would have instead")
    def plan(request: Request, order: RecallOrder) -> dict[str, Any]:
        made = service.plan(actor_of(request), order.draft())
        return {
            "table": made.table,
            "served_now": made.served_now,
            "would_serve": made.would_serve,
            "receivers": [
                {"org_id": one.org_id, "reads": one.reads, "last_at": one.last_at.isoformat()} for one in made.receivers
            ],
        }

    @routes.post("", status_code=201, summary="Recall versions; readers stop at the next request")
    def recall(request: Request, order: RecallOrder) -> dict[str, Any]:
        return _recall(service.recall(actor_of(request), order.draft()))

    @routes.get("/{recall}", summary="A recall with what its receivers confirmed")
    def one(request: Request, recall: str) -> dict[str, Any]:
        found = service.view(actor_of(request), recall)
        duties = [{**_duty(duty), "deadline": _due(found.deadlines.get(duty.org_id))} for duty in found.duties]
        return {**_recall(found.recall), "open": found.open, "duties": duties}

    @routes.post("/{recall}/confirm", summary="Confirm what became of your copies")
    def confirm(request: Request, recall: str, order: ConfirmOrder) -> dict[str, Any]:
        return _duty(service.confirm(actor_of(request), recall, order.org_id, order.kept, order.words))

    @routes.post("/{recall}/excuse", summary="Free a department from its duty")
    def excuse(request: Request, recall: str, order: ExcuseOrder) -> dict[str, Any]:
        return _duty(service.excuse(actor_of(request), recall, order.org_id, order.words))

    return routes


def disputes(service: Disputes) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange/disputes``."""
    routes = APIRouter(prefix="/api/v1/exchange/disputes", tags=["exchange"])

    @routes.get("", summary="Disputes of and against your organisation, newest first")
    def all_(request: Request, q: _Find = "", open: bool = False) -> dict[str, Any]:  # noqa: A002 - the word of the address
        found, count = service.disputes(actor_of(request), DisputeQuery(words=q, open_only=open))
        return {"count": count, "disputes": [_dispute(one) for one in found]}

    @routes.post(
        "",
        status_code=201,
        summary="Disagree with a decision on a request or grant, a correction, silence, a kind of sharing, or a source",
    )
    def raise_(request: Request, order: DisputeOrder) -> dict[str, Any]:
        draft = DisputeDraft(kind=order.kind, subject=order.subject, words=order.words)
        return _dispute(service.raise_(actor_of(request), draft))

    @routes.get("/waiting", summary="Disputes whose next step is yours")
    def waiting(request: Request) -> dict[str, Any]:
        return {"disputes": [_dispute(one) for one in service.waiting(actor_of(request))]}

    @routes.get("/terms", summary="By when and on what legal ground something may be disputed")
    def terms(request: Request, kind: DisputeKind, subject: Annotated[str, Query(max_length=100)]) -> dict[str, Any]:
        found = service.terms(actor_of(request), kind, subject)
        return {"against": found.against, "title": found.title, "late": found.late, **found.facts()}

    @routes.get("/{dispute}", summary="A dispute with both sides' words")
    def one(request: Request, dispute: str) -> dict[str, Any]:
        found = service.view(actor_of(request), dispute)
        return {
            **_dispute(found.dispute),
            "steps": [step_json(step) for step in found.steps],
            "deadline": _due(found.deadline),
            "moves": [move.value for move in found.moves],
            "ground": None if found.ground is None else found.ground.basis,
        }

    @routes.post("/{dispute}/move", summary="Take a step with a dispute")
    def move(request: Request, dispute: str, order: DisputeMoveOrder) -> dict[str, Any]:
        who = actor_of(request)
        return _dispute(service.move(who, dispute, order.move, order.words, outcome=order.outcome, basis=order.basis))

    return routes


def ratings(service: RatingBook) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange/ratings``."""
    routes = APIRouter(prefix="/api/v1/exchange/ratings", tags=["exchange"])

    @routes.get("/{resource}", summary="What departments think of an entry that they got")
    def of(request: Request, resource: str) -> dict[str, Any]:
        found = service.of(actor_of(request), resource)
        return {"average": found.average, "ratings": [_rating(one) for one in found.ratings]}

    @routes.put("/{resource}", summary="Say what your department thinks of it")
    def rate(request: Request, resource: str, order: RatingOrder) -> dict[str, Any]:
        return _rating(service.rate(actor_of(request), resource, order.stars, order.words))

    @routes.post("/{resource}/answer", summary="Answer a rating for the provider")
    def answer(request: Request, resource: str, order: AnswerOrder) -> dict[str, Any]:
        return _rating(service.answer(actor_of(request), resource, order.org_id, order.words))

    return routes


def _due(time: Deadline | None) -> dict[str, Any] | None:
    return None if time is None else {"due": time.due.isoformat(), "state": time.state.value}


def _recall(one: Recall) -> dict[str, Any]:
    return {
        "id": one.id,
        "resource_id": one.resource_id,
        "name": one.resource_name,
        "table": one.table,
        "provider_id": one.provider_id,
        "versions": [*one.versions],
        "reason": one.reason,
        "remedy": one.remedy.value,
        "by": one.by_name,
        "at": one.at.isoformat(),
        "served": one.served,
        "outside": one.outside,
    }


def _duty(one: Duty) -> dict[str, Any]:
    return {
        "recall_id": one.recall_id,
        "org_id": one.org_id,
        "reads": one.reads,
        "last_at": one.last_at.isoformat(),
        "state": one.state.value,
        "kept": None if one.kept is None else one.kept.value,
        "words": one.words,
        "by": one.by_name,
        "at": None if one.at is None else one.at.isoformat(),
    }


def _dispute(one: Dispute) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind.value,
        "state": one.state.value,
        "org_id": one.org_id,
        "by": one.by_name,
        "against": one.against,
        "subject": one.subject,
        "title": one.title,
        "words": one.words,
        "outcome": None if one.outcome is None else one.outcome.value,
        "basis": one.basis,
        "effect": None if one.effect is None else one.effect.value,
        "created_at": one.created_at.isoformat(),
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
        "raise_limit": None if one.limit is None else one.limit.to_json(),
    }


def _rating(one: Rating) -> dict[str, Any]:
    return {
        "org_id": one.org_id,
        "stars": one.stars,
        "words": one.words,
        "by": one.by_name,
        "at": one.at.isoformat(),
        "answer": one.answer,
        "answered_by": one.answered_by,
    }
