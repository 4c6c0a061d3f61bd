"""Entries of nodes below, and what is told of the catalog to nodes above, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from beijiang.federation.models.entries import Rule
    from beijiang.federation.service import Cascade
    from beijiang.kit import Actor

__all__ = ["entries"]

Id = Annotated[str, Path(max_length=40)]


class RuleOrder(BaseModel):
    """What is told to a node above."""

    model_config = ConfigDict(extra="forbid")

    on: bool = Field(description="Off takes back what was told.")
    divisions: list[str] = Field(
        default_factory=list, max_length=50, description="Beginnings of category codes; none: all."
    )


def entries(cascade: Cascade) -> APIRouter:
    """Return the endpoints of ``/api/v1/federation`` about entries that travel."""
    api = APIRouter(prefix="/api/v1/federation", tags=["federation"])

    @api.get("/catalogs", summary="How the catalog of each linked node stands, those above first")
    def catalogs(request: Request) -> dict[str, Any]:
        return {"catalogs": [one.to_json() for one in cascade.standings(_actor(request))]}

    @api.get("/catalogs/{node_id}", summary="What is told to a node above, and how much it does not know yet")
    def rule(request: Request, node_id: Id) -> dict[str, Any]:
        found = cascade.rule(_actor(request), node_id)
        return {**_rule(found), "untold": asdict(cascade.untold(_actor(request), node_id))}

    @api.put("/catalogs/{node_id}", summary="Decide what is told to a node above")
    def set_rule(request: Request, node_id: Id, order: RuleOrder) -> dict[str, Any]:
        return _rule(cascade.set_rule(_actor(request), node_id, on=order.on, divisions=order.divisions))

    @api.get("/entries", summary="Entries of nodes below, by name, at most 50 at a time")
    def all_(
        request: Request,
        words: Annotated[str, Query(max_length=200)] = "",
        origin: Annotated[str, Query(max_length=40)] = "",
        skip: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    ) -> dict[str, Any]:
        found, total = cascade.entries(_actor(request), words, origin, skip)
        return {"entries": [one.to_json() for one in found], "total": total}

    @api.get("/entries/{entry_id}", summary="One entry of a node below, as it was told")
    def one(request: Request, entry_id: Id) -> dict[str, Any]:
        found = cascade.entry(_actor(request), entry_id)
        return {**found.to_json(), "entry": found.entry.to_json()}

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "on": rule.on,
        "divisions": list(rule.divisions),
        "decided_by": rule.decided_by,
        "decided_at": rule.decided_at.isoformat() if rule.decided_at else None,
    }
