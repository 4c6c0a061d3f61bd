"""The JSON API of demands: raise, match, dispatch, supply, evaluate; and the ledger."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange.models import DemandDraft, DemandMove, DemandQuery, DemandState, Evaluation
from beijiang.exchange.routes.sharing import actor_of, step_json
from beijiang.exchange.service import Answer
from beijiang.standards import SheetFormat
from beijiang.web import content_disposition
from beijiang.web.described import CSV, XLSX, files_of

if TYPE_CHECKING:
    from beijiang.exchange.models import Demand, DemandView
    from beijiang.exchange.service import Demands

__all__ = ["demands"]

_Words = Annotated[str, Field(max_length=2000)]


class DemandOrder(BaseModel):
    """What a department needs."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=200)
    items: _Words
    purpose: str = Field(max_length=40)
    use: _Words
    basis: _Words = ""
    wished_by: date | None = None


class ReviseOrder(DemandOrder):
    """The returned demand in other words, and what was changed."""

    words: _Words


class MoveOrder(BaseModel):
    """A step with what it says."""

    model_config = ConfigDict(extra="forbid")

    move: DemandMove
    words: _Words = ""
    org_id: str = Field(default="", max_length=60, description="Of dispatch: to whom; of deny: who it is instead.")
    resource_id: str = Field(default="", max_length=40, description="Of match and complete: the entry.")
    supply_by: date | None = Field(default=None, description="Of confirm and postpone: the day of the duty.")
    evaluation: Evaluation | None = Field(default=None, description="Of evaluate.")


def demands(service: Demands) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange/demands``."""
    routes = APIRouter(prefix="/api/v1/exchange/demands", tags=["exchange"])

    @routes.get("", summary="Demands of and to your organisation, newest first")
    def all_(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        state: Annotated[list[DemandState], Query()] = [],  # noqa: B006 - FastAPI copies it
        duties: bool = False,
    ) -> dict[str, Any]:
        found, count = service.demands(actor_of(request), DemandQuery(words=q, states=frozenset(state), duties=duties))
        return {"count": count, "demands": [_demand(one) for one in found]}

    @routes.post("", status_code=201, summary="Say what your department needs")
    def raise_(request: Request, order: DemandOrder) -> dict[str, Any]:
        return _demand(service.raise_(actor_of(request), DemandDraft(**order.model_dump())))

    @routes.get("/similar", summary="Entries of the catalog that may be what is needed")
    def similar(
        request: Request,
        q: Annotated[str, Query(max_length=200)],
        items: Annotated[str, Query(max_length=2000, description="The data items, with commas between")] = "",
    ) -> dict[str, Any]:
        hits = service.similar(actor_of(request), q, items)
        return {"entries": [{"id": hit.id, "name": hit.title, "provider": hit.provider_name} for hit in hits]}

    @routes.get("/waiting", summary="Demands whose next step is yours, oldest first")
    def waiting(request: Request) -> dict[str, Any]:
        return {"demands": [_demand(one) for one in service.waiting(actor_of(request))]}

    @routes.get(
        "/ledger",
        summary="The ledger of supply and demand as a workbook or CSV",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def ledger(request: Request, form: SheetFormat = SheetFormat.XLSX, duties: bool = False) -> Response:
        made = service.ledger(actor_of(request), form, request.state.language, duties=duties)
        headers = {"Content-Disposition": content_disposition(made.name), "Cache-Control": "no-store"}
        return Response(made.content, media_type=made.media_type, headers=headers)

    @routes.get("/{demand}", summary="A demand with its history, its time and your steps")
    def one(request: Request, demand: str) -> dict[str, Any]:
        return _view(service.demand(actor_of(request), demand))

    @routes.get(
        "/{demand}/hints", summary="Entries that may be it, duties to supply the same, lines of the negative list"
    )
    def hints(request: Request, demand: str) -> dict[str, Any]:
        found = service.hints(actor_of(request), demand)
        return {
            "entries": [{"id": hit.id, "name": hit.title, "provider": hit.provider_name} for hit in found.entries],
            "duties": [_demand(one) for one in found.duties],
            "not_shared": [
                {"id": one.resource_id, "name": one.name, "item": one.item, "basis": one.basis}
                for one in found.not_shared
            ],
        }

    @routes.put("/{demand}", summary="Hand a returned demand in again")
    def revise(request: Request, demand: str, order: ReviseOrder) -> dict[str, Any]:
        draft = DemandDraft(**order.model_dump(exclude={"words"}))
        return _demand(service.revise(actor_of(request), demand, draft, order.words))

    @routes.post(
        "/{demand}/plan",
        summary="What a step would do: where it would stand, with whom, until when; nothing is changed",
    )
    def plan(request: Request, demand: str, order: MoveOrder) -> dict[str, Any]:
        answer = Answer(**order.model_dump(exclude={"move", "words"}))
        found = service.plan_move(actor_of(request), demand, order.move, answer)
        return {
            "move": found.move.value,
            "after": found.after.value,
            "org_id": found.org_id,
            "due_on": None if found.deadline is None else found.deadline.last_day.isoformat(),
            "rule": found.rule,
            "basis": found.basis,
            "has": [_demand(one) for one in found.has],
        }

    @routes.post("/{demand}/move", summary="Take a step with a demand")
    def move(request: Request, demand: str, order: MoveOrder) -> dict[str, Any]:
        answer = Answer(**order.model_dump(exclude={"move", "words"}))
        return _demand(service.move(actor_of(request), demand, order.move, order.words, answer))

    return routes


def _demand(one: Demand) -> dict[str, Any]:
    draft = one.draft
    return {
        "id": one.id,
        "state": one.state.value,
        "title": draft.title,
        "items": draft.items,
        "purpose": draft.purpose,
        "use": draft.use,
        "basis": draft.basis,
        "wished_by": None if draft.wished_by is None else draft.wished_by.isoformat(),
        "org_id": one.org_id,
        "by": one.by_name,
        "source_org": one.source_org,
        "named_org": one.named_org,
        "fulfilment": None if one.fulfilment is None else one.fulfilment.value,
        "resource_id": one.resource_id,
        "supply_by": None if one.supply_by is None else one.supply_by.isoformat(),
        "evaluation": None if one.evaluation is None else one.evaluation.value,
        "created_at": one.created_at.isoformat(),
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
    }


def _view(one: DemandView) -> dict[str, Any]:
    time = one.deadline
    return {
        **_demand(one.demand),
        "steps": [step_json(step) for step in one.steps],
        "deadline": None if time is None else {"due": time.due.isoformat(), "state": time.state.value},
        "moves": [move.value for move in one.moves],
    }
