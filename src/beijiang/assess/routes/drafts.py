"""The JSON API of drafts of a work plan: read from a document, decided line by line, taken over."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.assess.routes.plain import actor_of
from beijiang.web.bounds import Whole

if TYPE_CHECKING:
    from beijiang.assess.models import DraftLine, PlanDraft
    from beijiang.assess.service import PlanDrafts

__all__ = ["drafts_router"]

_Word = Annotated[str, Field(max_length=300)]


class ReadOrder(BaseModel):
    """The document that a plan is read from, and what it does not say."""

    model_config = ConfigDict(extra="forbid")

    document: str = Field(max_length=40)
    plan: str = Field(default="", max_length=40)
    since: date | None = None
    due_on: date | None = None


class SaidOrder(BaseModel):
    """What a line is to say; what is left out stays as it was read."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[str, Field(max_length=20)] | None = None
    part: _Word | None = None
    title: _Word | None = None
    summary: Annotated[str, Field(max_length=2000)] | None = None
    leads: list[_Word] | None = Field(default=None, max_length=40)
    joint: list[_Word] | None = Field(default=None, max_length=40)
    joint_words: _Word | None = None
    targets: list[_Word] | None = Field(default=None, max_length=40)
    due_on: date | None = None


class DecideOrder(BaseModel):
    """Whether a line is accepted, in which words."""

    model_config = ConfigDict(extra="forbid")

    accept: bool
    said: SaidOrder | None = None
    note: str = Field(default="", max_length=1000)
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the line as it was read; without it nothing is decided."""


def drafts_router(service: PlanDrafts) -> APIRouter:
    """Return the endpoints under ``/api/v1/plan/drafts``."""
    routes = APIRouter(prefix="/api/v1/plan/drafts", tags=["plan"])

    @routes.post("", status_code=201, summary="Read the tasks of a document into a draft of the work plan")
    def read(request: Request, order: ReadOrder) -> dict[str, Any]:
        made = service.read(actor_of(request), order.document, plan=order.plan, since=order.since, due_on=order.due_on)
        return _draft(made)

    @routes.get("", summary="Drafts of one's department, newest first")
    def drafts(request: Request) -> dict[str, Any]:
        return {"drafts": [_head(one) for one in service.drafts(actor_of(request))]}

    @routes.get("/{draft}", summary="A draft, line by line beside its source")
    def one(request: Request, draft: str) -> dict[str, Any]:
        return _draft(service.draft(actor_of(request), draft))

    @routes.post("/{draft}/lines/{place}", summary="Accept or reject a line of a draft")
    def decide(request: Request, draft: str, place: Whole, order: DecideOrder) -> dict[str, Any]:
        said = None if order.said is None else order.said.model_dump(exclude_unset=True)
        made = service.decide(actor_of(request), draft, place, said, order.note, accept=order.accept, seen=order.seen)
        return _line(made)

    @routes.post("/{draft}/taken", summary="Put the accepted lines of a draft on the work plan")
    def take(request: Request, draft: str) -> dict[str, Any]:
        return {"tasks": service.take(actor_of(request), draft)}

    @routes.delete("/{draft}", status_code=204, summary="Give up a draft")
    def drop(request: Request, draft: str) -> None:
        service.drop(actor_of(request), draft)

    return routes


def _head(one: PlanDraft) -> dict[str, Any]:
    return {
        "id": one.id,
        "plan": one.plan,
        "document": one.document_id,
        "title": one.document,
        "sha256": one.sha256,
        "grade": one.grade,
        "since": one.since.isoformat(),
        "due_on": one.due_on.isoformat(),
        "state": str(one.state),
        "by": one.by_name,
        "at": one.at.isoformat(),
    }


def _draft(one: PlanDraft) -> dict[str, Any]:
    return {**_head(one), "waiting": one.waiting, "lines": [_line(line) for line in one.lines]}


def _line(one: DraftLine) -> dict[str, Any]:
    return {
        "place": one.place,
        "verdict": str(one.verdict),
        "said": one.said.to_json(),
        "found": one.found.to_json(),
        "changed": one.changed,
        "doubts": [dict(doubt) for doubt in one.doubts],
        "sentences": list(one.sentences),
        "by": one.by_name,
        "note": one.note,
        "seen": one.shown.token,
    }
