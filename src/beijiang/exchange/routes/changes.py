"""The JSON API of plans: what a decision on a request or a grant would do, before it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from pydantic import Field

from beijiang.exchange.models import Move
from beijiang.exchange.routes.sharing import DraftOrder, NarrowOrder, actor_of
from beijiang.protection import written

if TYPE_CHECKING:
    from beijiang.exchange.models import Problem
    from beijiang.exchange.models.changes import ChangePlan, DecisionPlan, Less
    from beijiang.exchange.service import Exchange

__all__ = ["changes"]


class ChangeOrder(NarrowOrder):
    """Which change of a grant is looked at: suspend, resume, cut (narrow), revoke or give_up; and what a narrowing takes away."""

    move: Move


class GivingOrder(DraftOrder):
    """What a department would be given without having asked, and which."""

    org_id: str = Field(max_length=60)


def changes(service: Exchange) -> APIRouter:
    """Return the endpoints of plans under ``/api/v1/exchange``."""
    routes = APIRouter(prefix="/api/v1/exchange", tags=["exchange"])

    @routes.post("/requests/{request_id}/plan", summary="What approving a request would do; nothing is changed")
    def decision(request: Request, request_id: str, order: NarrowOrder) -> dict[str, Any]:
        return _decision(service.plan_decision(actor_of(request), request_id, order.narrowing()))

    @routes.post(
        "/grants/{grant_id}/plan", summary="What a change of a grant would take away, from whom; nothing is changed"
    )
    def change(request: Request, grant_id: str, order: ChangeOrder) -> dict[str, Any]:
        return _change(service.plan_change(actor_of(request), grant_id, order.move, order.narrowing()))

    @routes.post("/grants/plan-give", summary="What giving a department a grant would do; nothing is changed")
    def give(request: Request, order: GivingOrder) -> dict[str, Any]:
        draft = DraftOrder(**order.model_dump(exclude={"org_id"})).draft()
        found = service.plan_give(actor_of(request), order.org_id, draft)
        return {
            "ready": not found.problems,
            "problems": [_problem(one) for one in found.problems],
            "org_id": found.org_id,
            "offered": found.terms.to_json(),
            "held": [*found.held],
            "applications": [*found.applications],
        }

    return routes


def _problem(one: Problem) -> dict[str, str]:
    return {"code": one.code, "column": one.column, "zh": one.text.zh, "en": one.text.en}


def _less(one: Less) -> dict[str, Any]:
    return {
        "columns": [*one.columns],
        "masked": [*one.masked],
        "ways": [way.value for way in one.ways],
        "until": None if one.until is None else one.until.isoformat(),
        "where": [written(condition) for condition in one.filters],
        "calls_per_day": one.calls_per_day,
        "rows_per_day": one.rows_per_day,
    }


def _decision(one: DecisionPlan) -> dict[str, Any]:
    return {
        "ready": not one.problems,
        "problems": [_problem(problem) for problem in one.problems],
        "offered": one.offered.to_json(),
        "less": _less(one.less),
        "grants": not one.stages and not one.leaves,
        "leaves": one.leaves,
        "stages": [
            {
                "id": planned.stage.id,
                "org_id": planned.org_id,
                "due_on": None if planned.due_on is None else planned.due_on.isoformat(),
                "limit": planned.limit,
            }
            for planned in one.stages
        ],
    }


def _change(one: ChangePlan) -> dict[str, Any]:
    return {
        "move": one.move.value,
        "grant_id": one.grant.id,
        "org_id": one.grant.org_id,
        "after": one.after.value,
        "ends": one.ends,
        "less": _less(one.less),
        "kept": [*one.kept],
        "pushes": [{"id": push.id, "name": push.name, "target": push.target} for push in one.pushes],
        "keys": one.keys,
        "links": one.links,
        "applications": [*one.applications],
        "calls": one.calls,
        "rows": one.rows,
        "last_used": None if one.last_used is None else one.last_used.isoformat(),
    }
