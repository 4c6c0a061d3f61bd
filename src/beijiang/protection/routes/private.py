"""The JSON API of noisy statistics (differential privacy): offers, questions, the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor
from beijiang.protection.models.private import OfferDraft, PrivateKind, PrivateQuestion, epsilon_of, micro_of
from beijiang.protection.routes.grades import ConditionOrder
from beijiang.tables import Filter

if TYPE_CHECKING:
    from beijiang.protection.models.private import Budget, PrivateOffer, Spend
    from beijiang.protection.service import Private

__all__ = ["private"]


class DomainOrder(BaseModel):
    """What is publicly known of a column: its keys or a code set, or the bounds and the step of its numbers."""

    model_config = ConfigDict(extra="forbid")

    keys: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list, max_length=1000)
    code_set: str = Field(default="", max_length=100)
    low: str = Field(default="", max_length=40)
    high: str = Field(default="", max_length=40)
    step: str = Field(default="", max_length=40)


class OfferOrder(BaseModel):
    """Who a row is about, how many rows of a person count, what may be asked for, and why it is offered."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(min_length=1, max_length=400)
    rows_per_person: int = Field(default=1, ge=1, le=1000)
    domains: dict[str, DomainOrder] = Field(min_length=1, max_length=40)
    consumer_epsilon: str = Field(default="", max_length=20)
    total_epsilon: str = Field(default="", max_length=20)
    reason: str = Field(min_length=1, max_length=1000)


class QuestionOrder(BaseModel):
    """A count, sum or mean; in groups, under conditions; and the epsilon that it may cost."""

    model_config = ConfigDict(extra="forbid")

    kind: PrivateKind = PrivateKind.COUNT
    column: str | None = Field(default=None, max_length=400)
    by: list[Annotated[str, Field(max_length=400)]] = Field(default_factory=list, max_length=3)
    where: list[ConditionOrder] = Field(default_factory=list, max_length=10)
    epsilon: str = Field(min_length=1, max_length=20)


def private(service: Private) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["protection"])

    @routes.get("/private", summary="Tables that are offered for noisy statistics, with one's budget")
    def offers(request: Request) -> dict[str, Any]:
        return {"offers": [_offer(one, budget) for one, budget in service.offers(_actor(request))]}

    @routes.get("/tables/{name}/private", summary="What may be asked of a table, and the budget")
    def shown(request: Request, name: str) -> dict[str, Any]:
        return _offer(*service.shown(_actor(request), name))

    @routes.put("/tables/{name}/private", summary="Offer a table for noisy statistics")
    def offer(request: Request, name: str, order: OfferOrder) -> dict[str, Any]:
        who = _actor(request)
        made = service.offer(who, name, OfferDraft(**order.model_dump()))
        return _offer(*service.shown(who, made.table))

    @routes.post("/tables/{name}/private/approval", summary="Agree to an offer that needs a second person")
    def approve(request: Request, name: str, seen: Annotated[str, Query(max_length=300)] = "") -> dict[str, Any]:
        who = _actor(request)
        return _offer(*service.shown(who, service.approve(who, name, seen=seen).table))

    @routes.delete("/tables/{name}/private", status_code=204, summary="End an offer; nothing is answered any more")
    def withdraw(request: Request, name: str, reason: Annotated[str, Query(min_length=1, max_length=1000)]) -> None:
        service.withdraw(_actor(request), name, reason)

    @routes.post("/tables/{name}/private/estimate", summary="How good an answer would be; nothing is read or spent")
    def estimate(request: Request, name: str, order: QuestionOrder) -> dict[str, Any]:
        found = service.estimate(_actor(request), name, _question(order))
        return {"within": found.within, "confidence": 0.95, "cells": found.cells, "cost": epsilon_of(found.micro)}

    @routes.post("/tables/{name}/private/questions", summary="Ask; the same question gets the same answer at no cost")
    def ask(request: Request, name: str, order: QuestionOrder) -> dict[str, Any]:
        return service.ask(_actor(request), name, _question(order)).to_json()

    @routes.get("/tables/{name}/private/questions", summary="The ledger: what was asked and what it cost")
    def ledger(request: Request, name: str) -> dict[str, Any]:
        return {"questions": [_spend(one) for one in service.ledger(_actor(request), name)]}

    return routes


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _question(order: QuestionOrder) -> PrivateQuestion:
    where = tuple(Filter(one.column, one.op, one.value) for one in order.where)
    micro = micro_of(order.epsilon)
    return PrivateQuestion(kind=order.kind, column=order.column, by=tuple(order.by), where=where, micro=micro)


def _offer(offer: PrivateOffer, budget: Budget) -> dict[str, Any]:
    return {
        "table": offer.table,
        "person": offer.person,
        "rows_per_person": offer.rows_per_person,
        "domains": {name: domain.to_json() for name, domain in offer.domains.items()},
        "level": f"L{offer.level}",
        "approved": offer.approved,
        "approved_by": offer.approved_by,
        "seen": offer.shown.token,
        "expires": offer.expires.isoformat(),
        "reason": offer.reason,
        "by": offer.by,
        "at": offer.at.isoformat(),
        "budget": budget.to_json(),
        "spent_by": {name: epsilon_of(micro) for name, micro in budget.spenders.items()},
    }


def _spend(spend: Spend) -> dict[str, Any]:
    return {
        "id": spend.id,
        "version": spend.version,
        "consumer": spend.consumer,
        "question": dict(spend.question),
        "cost": epsilon_of(spend.micro),
        "answered": spend.cells is not None,
        "cells": None if spend.cells is None else [cell.to_json() for cell in spend.cells],
        "by": spend.by,
        "at": spend.at.isoformat(),
    }
