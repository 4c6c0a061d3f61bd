"""Legal holds as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.evidence.models.holds import HoldDraft, HoldKind

if TYPE_CHECKING:
    from beijiang.evidence.service import Holds
    from beijiang.kit import Actor

__all__ = ["holds_router"]


class HoldOrder(BaseModel):
    """What is to be kept, and on what basis."""

    model_config = ConfigDict(extra="forbid")

    kind: HoldKind
    name: str = Field(
        max_length=200, description="Id of the person or key, target as the log has it, or name of the table."
    )
    basis: str = Field(max_length=1000)
    to_come: bool = Field(default=False, description="Whether it is known that nothing of this name is there yet.")


class LiftOrder(BaseModel):
    """On what basis it is lifted."""

    model_config = ConfigDict(extra="forbid")

    basis: str = Field(max_length=1000)


class SecondOrder(BaseModel):
    """Whether the second person agrees."""

    model_config = ConfigDict(extra="forbid")

    agree: bool = True


class LiftSecondOrder(SecondOrder):
    """Whether the second person agrees to the end that was shown."""

    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the hold as it was read; needed to agree."""


def holds_router(service: Holds) -> APIRouter:
    """Return the endpoints under ``/api/v1/evidence/holds``."""
    routes = APIRouter(prefix="/api/v1/evidence/holds", tags=["evidence"])

    @routes.get("", summary="Legal holds, newest first")
    def all_(request: Request) -> dict[str, Any]:
        return {"holds": [one.to_json() for one in service.all(_actor(request))]}

    @routes.post("", status_code=201, summary="Ask for a hold; it keeps at once, another person confirms")
    def ask(request: Request, order: HoldOrder) -> dict[str, Any]:
        return service.ask(_actor(request), HoldDraft(order.kind, order.name, order.basis, order.to_come)).to_json()

    @routes.post("/{hold_id}/confirm", summary="Confirm or decline a hold as the second person")
    def confirm(request: Request, hold_id: str, order: SecondOrder) -> dict[str, Any]:
        return service.confirm(_actor(request), hold_id, agree=order.agree).to_json()

    @routes.post("/{hold_id}/lift", summary="Ask for the end of a hold")
    def lift(request: Request, hold_id: str, order: LiftOrder) -> dict[str, Any]:
        return service.ask_lift(_actor(request), hold_id, order.basis).to_json()

    @routes.post("/{hold_id}/confirm-lift", summary="Confirm or decline the end of a hold as the second person")
    def confirm_lift(request: Request, hold_id: str, order: LiftSecondOrder) -> dict[str, Any]:
        return service.confirm_lift(_actor(request), hold_id, agree=order.agree, seen=order.seen).to_json()

    return routes


def _actor(request: Request) -> Actor:
    found: Actor = request.state.actor
    return found
