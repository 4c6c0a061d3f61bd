"""The JSON API of grades that concern a whole table, and of what waits for a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor
from beijiang.protection.models.assessing import AffectedObject, AssessmentDraft, Harm, factors, matrix, sectors
from beijiang.protection.plain import (
    assessment_json,
    cell_json,
    floor_json,
    grading_json,
    lowering_json,
    named_json,
    view_json,
)

if TYPE_CHECKING:
    from beijiang.protection.service import Protection

__all__ = ["levels"]


class AssessmentOrder(BaseModel):
    """The sector, the harm to each object that data of this table could do (none where it is not named), and why."""

    model_config = ConfigDict(extra="forbid")

    category: str = Field(max_length=60)
    harms: dict[AffectedObject, Harm] = Field(min_length=1, max_length=10)
    factors: list[str] = Field(default_factory=list, max_length=20)
    reason: str = Field(min_length=1, max_length=1000)


class DecisionOrder(BaseModel):
    """Whether somebody agrees; ``seen`` is the value that came with the proposal. Refusing needs a reason."""

    model_config = ConfigDict(extra="forbid")

    agree: bool
    reason: str = Field(default="", max_length=1000)
    seen: str = Field(default="", max_length=300)


class WithdrawalOrder(BaseModel):
    """Why a proposal is taken back."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=1000)


def levels(service: Protection) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["protection"])

    @routes.get("/protection/matrix", summary="What harm to whom makes of data, by GB/T 43697; sectors and factors")
    def the_matrix() -> dict[str, Any]:
        today = service.today()
        return {
            "cells": [cell_json(cell) for cell in matrix(today).values()],
            "categories": [named_json(one) for one in sectors(today).values()],
            "factors": [named_json(one) for one in factors(today).values()],
        }

    @routes.get("/protection/assessments", summary="The assessments in force: core and important data first")
    def assessed(request: Request) -> dict[str, Any]:
        return {"assessments": [assessment_json(one) for one in service.assessed(_actor(request))]}

    @routes.get("/tables/{name}/assessment", summary="How a table is graded as a whole, and all its assessments")
    def grading(request: Request, name: str) -> dict[str, Any]:
        return grading_json(service.grading(_actor(request), name))

    @routes.post("/tables/{name}/assessment", status_code=201, summary="Assess a table by the matrix")
    def assess(request: Request, name: str, order: AssessmentOrder) -> dict[str, Any]:
        draft = AssessmentDraft(
            category=order.category, harms=order.harms, factors=tuple(order.factors), reason=order.reason
        )
        made, lowering = service.assess(_actor(request), name, draft)
        return {**assessment_json(made), "waits": None if lowering is None else lowering_json(lowering)}

    @routes.get(
        "/tables/{name}/floors", summary="Least grades of a table's columns, from data elements and assessments"
    )
    def floors(request: Request, name: str) -> dict[str, Any]:
        return {"table": name, "floors": [floor_json(one) for one in service.floors(_actor(request), name)]}

    @routes.get("/tables/{name}/lowerings", summary="All that was ever proposed to lower of a table")
    def of_table(request: Request, name: str) -> dict[str, Any]:
        return {"lowerings": [view_json(one) for one in service.lowerings(_actor(request), name)]}

    @routes.get("/protection/lowerings", summary="Lowered grades that wait for a second person")
    def lowerings(request: Request) -> dict[str, Any]:
        return {"lowerings": [view_json(one) for one in service.lowerings(_actor(request))]}

    @routes.get("/protection/lowerings/{lowering}", summary="One proposal, with the value of seen to decide with")
    def lowering_of(request: Request, lowering: str) -> dict[str, Any]:
        return view_json(service.lowering(_actor(request), lowering))

    @routes.post("/protection/lowerings/{lowering}/decision", summary="Agree to a lowered grade, or refuse it")
    def decide(request: Request, lowering: str, order: DecisionOrder) -> dict[str, Any]:
        actor = _actor(request)
        return lowering_json(
            service.decide_lowering(actor, lowering, agree=order.agree, reason=order.reason, seen=order.seen)
        )

    @routes.post("/protection/lowerings/{lowering}/withdrawal", summary="Take a proposal back")
    def withdraw(request: Request, lowering: str, order: WithdrawalOrder) -> dict[str, Any]:
        return lowering_json(service.withdraw_lowering(_actor(request), lowering, order.reason))

    return routes


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
