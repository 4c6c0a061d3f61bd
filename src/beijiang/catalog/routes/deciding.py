"""The JSON API by which several entries are decided on together: ``/api/v1/catalog/decisions``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.catalog.models import DECIDED_MOST, seen_once
from beijiang.catalog.plain import as_plain, as_planned
from beijiang.catalog.service import Catalog

__all__ = ["router"]

_Id = Annotated[str, Field(max_length=40, pattern=r"^[!-~]*$")]


class Decision(BaseModel):
    """One entry to decide on, as it was shown."""

    model_config = ConfigDict(extra="forbid")

    resource_id: _Id
    seen: str = Field(max_length=300, description="The `seen` of the entry in the plan; another does not count.")


class Decisions(BaseModel):
    """Entries to decide on, one by one."""

    model_config = ConfigDict(extra="forbid")

    decisions: list[Decision] = Field(min_length=1, max_length=DECIDED_MOST)


def router(service: Catalog) -> APIRouter:
    """Return the end-points."""
    api = APIRouter(prefix="/api/v1/catalog", tags=["catalog"])

    @api.get(
        "/decisions", summary="What deciding on several entries would do, and which cannot be decided by you, and why"
    )
    def plan(
        request: Request,
        entry: Annotated[list[_Id], Query(max_length=DECIDED_MOST, description="Ids of entries.")],
    ) -> dict[str, Any]:
        found = service.plan_decisions(request.state.actor, entry)
        return {"decisions": [as_planned(one) for one in found]}

    @api.post("/decisions", summary="Register or publish several entries, each as it was shown and on record by itself")
    def decide(request: Request, body: Decisions) -> dict[str, Any]:
        seen = seen_once((one.resource_id, one.seen) for one in body.decisions)
        return {"decided": [as_plain(one) for one in service.decide_together(request.state.actor, seen)]}

    return api
