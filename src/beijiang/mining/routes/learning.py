"""The JSON API of learning: feature views, training sets, models and their register, scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor
from beijiang.mining.models import PARAMETERS, Algorithm, ModelDraft, ScoreDraft, SetDraft, ViewDraft
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.mining.service.learning import Learning

__all__ = ["learning_router"]

_Waiting = Annotated[bool, Query(description="Only those that wait for whoever asks.")]


class Note(BaseModel):
    """Why a step is taken."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=1000)


class Decision(Note):
    """Whether a model is approved, and why."""

    approve: bool
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the model as it was read; needed to approve."""


def learning_router(service: Learning) -> APIRouter:
    """Return the endpoints under ``/api/v1/learning``."""
    routes = APIRouter(prefix="/api/v1/learning", tags=["learning"])

    @routes.get("/algorithms", summary="The algorithms that are offered, and what may be set of each")
    def algorithms(request: Request) -> dict[str, Any]:
        service.models(_actor(request))  # whoever may see models may see what they are made by
        return {"algorithms": [_algorithm(one) for one in Algorithm]}

    _add_views(routes, service)
    _add_sets(routes, service)
    _add_models(routes, service)
    _add_scores(routes, service)
    return routes


def _add_views(routes: APIRouter, service: Learning) -> None:
    @routes.get("/views", summary="The feature views of one's department")
    def views(request: Request) -> dict[str, Any]:
        return {"views": [_plain(one) for one in service.views(_actor(request))]}

    @routes.post("/views", status_code=201, summary="Declare a feature view over a table")
    def declare(request: Request, order: ViewDraft) -> dict[str, Any]:
        return _plain(service.declare_view(_actor(request), order))

    @routes.get("/views/{view}", summary="A feature view")
    def view(request: Request, view: str) -> dict[str, Any]:
        return _plain(service.view(_actor(request), view))

    @routes.get("/views/{view}/revisions", summary="All revisions of a feature view, oldest first")
    def revisions(request: Request, view: str) -> dict[str, Any]:
        return {"revisions": [_plain(one) for one in service.view_revisions(_actor(request), view)]}

    @routes.put("/views/{view}", summary="Make a new revision of a feature view")
    def change(request: Request, view: str, order: ViewDraft) -> dict[str, Any]:
        return _plain(service.change_view(_actor(request), view, order))

    @routes.delete("/views/{view}", status_code=204, summary="Take a feature view out of use")
    def retire(request: Request, view: str) -> None:
        service.retire_view(_actor(request), view)


def _add_sets(routes: APIRouter, service: Learning) -> None:
    @routes.get("/training-sets", summary="The training sets of one's department, newest first")
    def sets(request: Request) -> dict[str, Any]:
        return {"training_sets": [_short(one) for one in service.training_sets(_actor(request))]}

    @routes.post(
        "/training-sets", status_code=202, summary="Have a training set made, through the gate, as one may see"
    )
    def make(request: Request, order: SetDraft) -> dict[str, Any]:
        made, job = service.make_set(_actor(request), order)
        return {"training_set": _short(made), "job": job}

    @routes.get("/training-sets/{set_id}", summary="A training set: versions, policy, digest, rows, grade")
    def one(request: Request, set_id: str) -> dict[str, Any]:
        return _plain(service.training_set(_actor(request), set_id))

    @routes.get(
        "/training-sets/{set_id}/models", summary="The models that learned from one training set, to be compared"
    )
    def compared(request: Request, set_id: str) -> dict[str, Any]:
        return {"models": [_short(one) for one in service.compared(_actor(request), set_id)]}


def _add_models(routes: APIRouter, service: Learning) -> None:
    @routes.get("/models", summary="The models of one's department, newest first")
    def models(request: Request, waiting: _Waiting = False) -> dict[str, Any]:
        who = _actor(request)
        return {"models": [_short(one) for one in (service.to_approve(who) if waiting else service.models(who))]}

    @routes.post("/models", status_code=202, summary="Have a model trained on a training set")
    def train(request: Request, order: ModelDraft) -> dict[str, Any]:
        made, job = service.train(_actor(request), order)
        return {"model": _short(made), "job": job}

    @routes.get(
        "/models/{model}", summary="A model with its card: figures, importance, curves, errors by group, history"
    )
    def one(request: Request, model: str) -> dict[str, Any]:
        found = service.model(_actor(request), model)
        return {**_plain(found), "seen": found.shown.token}

    @routes.post("/models/{model}/submit", summary="Hand a model in for review")
    def submit(request: Request, model: str, order: Note) -> dict[str, Any]:
        return _short(service.submit_model(_actor(request), model, order.note))

    @routes.post("/models/{model}/decide", summary="Approve a model or send it back; never one's own")
    def decide(request: Request, model: str, order: Decision) -> dict[str, Any]:
        return _short(
            service.decide_model(_actor(request), model, approve=order.approve, note=order.note, seen=order.seen)
        )

    @routes.post("/models/{model}/retire", summary="Take a model out of use")
    def retire(request: Request, model: str, order: Note) -> dict[str, Any]:
        return _short(service.retire_model(_actor(request), model, order.note))

    @routes.get(
        "/models/{model}/file",
        summary="A model as a file of numbers; one of sensitive data leaves after its approval only",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}, "description": "The model"}},
    )
    def file(request: Request, model: str) -> Response:
        found, content = service.export_model(_actor(request), model)
        headers = {
            "Content-Disposition": content_disposition(f"model_{found.grade}_{found.id}.json"),
            "X-Beijiang-Grade": found.grade,
            "X-Beijiang-Digest": found.digest,
        }
        return Response(content, media_type="application/json", headers=headers)


def _add_scores(routes: APIRouter, service: Learning) -> None:
    @routes.get("/scores", summary="The plans by which tables of scores are made")
    def plans(request: Request) -> dict[str, Any]:
        return {"plans": [_plain(one) for one in service.plans(_actor(request))]}

    @routes.post("/scores", status_code=201, summary="Set up a table of scores of an approved model")
    def add(request: Request, order: ScoreDraft) -> dict[str, Any]:
        return _plain(service.plan_scores(_actor(request), order))

    @routes.get("/scores/{plan}", summary="A plan and its runs, with how far the data had moved at each")
    def runs(request: Request, plan: str) -> dict[str, Any]:
        found, runs = service.runs(_actor(request), plan)
        return {"plan": _plain(found), "runs": [_plain(one) for one in runs]}

    @routes.post("/scores/{plan}/run", status_code=202, summary="Have scores made now")
    def run(request: Request, plan: str) -> dict[str, Any]:
        return {"job": service.score(_actor(request), plan)}

    @routes.delete("/scores/{plan}", status_code=204, summary="Let a plan make no more scores; its table stays")
    def end(request: Request, plan: str) -> None:
        service.end_plan(_actor(request), plan)


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _plain(one: BaseModel) -> dict[str, Any]:
    return one.model_dump(mode="json")


_SHORT = {"classes", "curves", "groups", "profiles", "confusion", "weights"}
"""What lists leave out: it is long, or holds values."""


def _short(one: BaseModel) -> dict[str, Any]:
    return one.model_dump(mode="json", exclude=_SHORT)


def _algorithm(one: Algorithm) -> dict[str, Any]:
    settings = {n: {"usual": usual, "least": low, "most": high} for n, (usual, low, high) in PARAMETERS[one].items()}
    return {
        "id": one.value,
        "name": {"zh": one.text.zh, "en": one.text.en},
        "task": one.task.value,
        "task_name": {"zh": one.task.text.zh, "en": one.task.text.en},
        "parameters": settings,
    }
