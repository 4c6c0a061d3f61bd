"""The JSON API of private intersection: three steps, and what a program at the other side works out itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange.routes.sharing import actor_of

if TYPE_CHECKING:
    from beijiang.exchange.models import Intersection
    from beijiang.exchange.service import Intersections

__all__ = ["POINTS_PATH", "intersections"]

POINTS_PATH = "/api/v1/exchange/intersection-points"
_BINARY = "application/octet-stream"


class IntersectionOrder(BaseModel):
    """How many values the own set has, and what is asked."""

    model_config = ConfigDict(extra="forbid")

    values: int = Field(ge=1, le=10_000_000)
    common: bool = Field(default=False, description="Which of the own values are there; else about how many.")


def intersections(service: Intersections) -> APIRouter:
    """Return the endpoints."""
    routes = APIRouter(prefix="/api/v1/exchange", tags=["exchange"])

    @routes.post(
        "/grants/{grant_id}/intersections", status_code=202, summary="Hold your own set against a grant's items"
    )
    def begin(request: Request, grant_id: str, order: IntersectionOrder) -> dict[str, Any]:
        return _told(service.begin(actor_of(request), grant_id, order.values, common=order.common))

    @routes.get("/intersections", summary="Your intersections")
    def mine(request: Request) -> dict[str, Any]:
        return {"intersections": [_told(one) for one in service.mine(actor_of(request))]}

    @routes.get("/intersections/{intersection_id}", summary="How far an intersection is, and what it came to")
    def show(request: Request, intersection_id: str) -> dict[str, Any]:
        return _told(service.show(actor_of(request), intersection_id))

    @routes.get("/intersections/{intersection_id}/theirs", summary="The table's points, 32 bytes each, in no order")
    def theirs(request: Request, intersection_id: str) -> Response:
        return _points(service.theirs(actor_of(request), intersection_id))

    @routes.post("/intersection-points", status_code=202, summary="Hand in your points, once")
    def give(
        request: Request,
        content: Annotated[bytes, Body(media_type=_BINARY)],
        of: Annotated[str, Query(max_length=60, description="Id of the intersection")],
    ) -> dict[str, Any]:
        return _told(service.give(actor_of(request), of, content))

    @routes.get(
        "/intersections/{intersection_id}/answer", summary="Your points as they were blinded again, in your order"
    )
    def answer(request: Request, intersection_id: str) -> Response:
        return _points(service.answer(actor_of(request), intersection_id))

    @routes.delete("/intersections/{intersection_id}", summary="Give an intersection up")
    def drop(request: Request, intersection_id: str) -> dict[str, Any]:
        return _told(service.drop(actor_of(request), intersection_id))

    return routes


def _points(content: bytes) -> Response:
    return Response(content, media_type=_BINARY, headers={"Cache-Control": "no-store"})


def _told(one: Intersection) -> dict[str, Any]:
    return {
        "id": one.id,
        "grant": one.grant_id,
        "table": one.table,
        "version": one.version,
        "columns": [*one.columns],
        "asks": str(one.exit),
        "values": one.mine,
        "points": one.theirs,
        "state": one.state.value,
        "about": one.told,
        "fewer_than": one.least
        if one.state.value == "done" and str(one.exit) == "overlap" and one.told is None
        else None,
        "receipt": one.receipt,
        "error": one.error,
        "at": one.at.isoformat(),
        "until": one.until.isoformat(),
        "url": f"/api/v1/exchange/intersections/{one.id}",
    }
