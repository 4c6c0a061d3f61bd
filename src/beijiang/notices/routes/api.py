"""The JSON API of one's own notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor
from beijiang.notices.models import NoticeKind, NoticeQuery, Way

if TYPE_CHECKING:
    from beijiang.notices.service import Notices

__all__ = ["router"]

_MOST = 100


class ReadOrder(BaseModel):
    """Which notices to mark as read: those of a kind, or all."""

    model_config = ConfigDict(extra="forbid")

    kind: NoticeKind | None = None


class ChoiceOrder(BaseModel):
    """How to hear of some kinds."""

    model_config = ConfigDict(extra="forbid")

    choices: dict[NoticeKind, Way] = Field(min_length=1)


def router(service: Notices) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["notices"])

    @routes.get("/notices", summary="One's own notices, newest first")
    def notices(
        request: Request,
        kind: NoticeKind | None = None,
        *,
        unread: bool = False,
        before: Annotated[str, Query(max_length=40)] = "",
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
    ) -> dict[str, Any]:
        query = NoticeQuery(kind=kind, unread_only=unread, before=before, limit=limit)
        return {"notices": [one.to_json() for one in service.notices(_actor(request), query)]}

    @routes.get("/notices/count", summary="How many of one's own notices are unread, by kind")
    def count(request: Request) -> dict[str, Any]:
        found = service.unread(_actor(request))
        return {"unread": sum(found.values()), "kinds": {kind.value: number for kind, number in found.items()}}

    @routes.get("/notices/choices", summary="How one wants to hear of each kind")
    def choices(request: Request) -> dict[str, Any]:
        return _chosen(service.choices(_actor(request)))

    @routes.put("/notices/choices", summary="Say how to hear of some kinds: none, page, mail")
    def choose(request: Request, order: ChoiceOrder) -> dict[str, Any]:
        return _chosen(service.choose(_actor(request), order.choices))

    @routes.post("/notices/read", summary="Mark all one's notices, or those of a kind, as read")
    def read_all(request: Request, order: ReadOrder) -> dict[str, int]:
        return {"read": service.read_all(_actor(request), order.kind)}

    @routes.post("/notices/{notice_id}/read", summary="Mark one notice as read")
    def read(request: Request, notice_id: str) -> dict[str, Any]:
        return service.open(_actor(request), notice_id).to_json()

    return routes


def _chosen(choices: dict[NoticeKind, Way]) -> dict[str, Any]:
    return {"choices": {kind.value: way.value for kind, way in choices.items()}}


def _actor(request: Request) -> Actor:
    found: Actor = request.state.actor
    return found
