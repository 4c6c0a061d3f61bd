"""The JSON API of standard entries and their claims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange.models import ClaimMove, TemplateDraft
from beijiang.exchange.routes.sharing import actor_of, step_json
from beijiang.web.bounds import Whole

if TYPE_CHECKING:
    from beijiang.exchange.models import ClaimTask, Template
    from beijiang.exchange.service import Templates
    from beijiang.standards import Deadline

__all__ = ["templates"]

_Words = Annotated[str, Field(max_length=2000)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TemplateOrder(_Order):
    """Which entry becomes the standard, for whom, on what basis."""

    resource_id: str = Field(max_length=40)
    tiers: list[Whole] = Field(default=[], max_length=3, description="2 league or city, 3 county.")
    words: str = Field(default="", max_length=100, description="In the names of the units.")
    orgs: list[str] = Field(default=[], max_length=2000, description="Further units, one by one.")
    basis: _Words = ""

    def draft(self) -> TemplateDraft:
        """Return it as the service takes it."""
        return TemplateDraft(
            resource_id=self.resource_id,
            tiers=frozenset(self.tiers),
            words=self.words,
            orgs=frozenset(self.orgs),
            basis=self.basis,
        )


class ClaimOrder(_Order):
    """With which entry of the unit; a new one is made where none is named."""

    resource_id: str = Field(default="", max_length=40)


class DeclineOrder(_Order):
    """Why, and whose it is."""

    words: _Words
    named: str = Field(default="", max_length=60, description="Id of the department that has to claim.")


class DecideOrder(_Order):
    """Excuse, move or back, with its words."""

    move: ClaimMove
    words: _Words = ""
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the task as it was read; without it nothing is decided."""


class RetireOrder(_Order):
    """Why."""

    words: _Words


def templates(service: Templates) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange/templates`` and ``/api/v1/exchange/claims``."""
    routes = APIRouter(prefix="/api/v1/exchange", tags=["exchange"])
    _add_templates(routes, service)
    _add_claims(routes, service)
    return routes


def _add_templates(routes: APIRouter, service: Templates) -> None:
    @routes.get("/templates", summary="Standard entries issued by or for your organisation, newest first")
    def all_(request: Request) -> dict[str, Any]:
        found = service.templates(actor_of(request))
        return {
            "templates": [
                {**_template(one), "tasks": {state.value: count for state, count in counts.items()}}
                for one, counts in found
            ]
        }

    @routes.post("/templates/plan", summary="Show which units issuing a standard would ask, and how long they have")
    def plan(request: Request, order: TemplateOrder) -> dict[str, Any]:
        made = service.plan(actor_of(request), order.draft())
        return {
            "name": made.entry.name,
            "version": made.version,
            "units": [*made.units],
            "kept": [*made.kept],
            "working_days": made.days,
        }

    @routes.post("/templates", status_code=201, summary="Issue an entry as the standard, or its next version")
    def issue(request: Request, order: TemplateOrder) -> dict[str, Any]:
        return _template(service.issue(actor_of(request), order.draft()))

    @routes.get("/templates/{template_id}", summary="A standard entry with the tasks of its units")
    def one(request: Request, template_id: str) -> dict[str, Any]:
        view = service.template(actor_of(request), template_id)
        return {
            **_template(view.template),
            "entry": view.template.entry.to_json(),
            "tasks": [_task(task, view.deadlines.get(task.id)) for task in view.tasks],
            "steps": [step_json(step) for step in view.steps],
            "may": {"issue": view.may_issue},
        }

    @routes.post("/templates/{template_id}/retire", summary="Retire a standard entry")
    def retire(request: Request, template_id: str, order: RetireOrder) -> dict[str, Any]:
        return _template(service.retire(actor_of(request), template_id, order.words))


def _add_claims(routes: APIRouter, service: Templates) -> None:
    @routes.get("/claims/waiting", summary="Claim tasks that wait for you")
    def waiting(request: Request) -> dict[str, Any]:
        return {"tasks": [_task(one, service.due(one)) for one in service.waiting(actor_of(request))]}

    @routes.get("/claims/{task_id}", summary="A claim task, and where the unit's entry differs from the standard")
    def one(request: Request, task_id: str) -> dict[str, Any]:
        view = service.task(actor_of(request), task_id)
        return {
            **_task(view.task, view.deadline),
            "deviations": [
                {"field": d.field, "column": d.column, "zh": d.text.zh, "en": d.text.en, "stops": d.stops}
                for d in view.deviations
            ],
            "steps": [step_json(step) for step in view.steps],
            "moves": [move.value for move in view.moves],
        }

    @routes.post("/claims/{task_id}/claim", summary="Claim a standard entry for your unit")
    def claim(request: Request, task_id: str, order: ClaimOrder) -> dict[str, Any]:
        return _task(service.claim(actor_of(request), task_id, order.resource_id), None)

    @routes.post("/claims/{task_id}/decline", summary="Say that it does not apply, or whose it is")
    def decline(request: Request, task_id: str, order: DeclineOrder) -> dict[str, Any]:
        return _task(service.decline(actor_of(request), task_id, order.words, order.named), None)

    @routes.post("/claims/{task_id}/decide", summary="Decide on what a unit said: excuse, move or back")
    def decide(request: Request, task_id: str, order: DecideOrder) -> dict[str, Any]:
        return _task(service.decide(actor_of(request), task_id, order.move, order.words, seen=order.seen), None)


def _template(one: Template) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.entry.name,
        "org_id": one.org_id,
        "resource_id": one.resource_id,
        "version": one.version,
        "retired": one.retired,
        "basis": one.basis,
        "by": one.by_name,
        "changed_at": one.changed_at.isoformat(),
    }


def _task(one: ClaimTask, due: Deadline | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "template_id": one.template_id,
        "template_version": one.template_version,
        "name": one.name,
        "org_id": one.org_id,
        "state": one.state.value,
        "resource_id": one.resource_id or None,
        "named": one.named or None,
        "due": None if due is None else due.last_day.isoformat(),
        "overdue": due is not None and due.state.value == "overdue",
        "seen": one.shown.token,
    }
