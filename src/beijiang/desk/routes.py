"""The JSON API of a person's own views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request

from beijiang.desk.models import ViewDraft
from beijiang.kit import Actor

if TYPE_CHECKING:
    from beijiang.desk.service import Desk

__all__ = ["router"]


def router(service: Desk) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["desk"])

    @routes.get("/desk/views", summary="One's own views of the console's lists")
    def views(
        request: Request, list_key: Annotated[str | None, Query(alias="list", max_length=40)] = None
    ) -> dict[str, Any]:
        return {"views": [view.to_json() for view in service.views(_actor(request), list_key)]}

    @routes.post("/desk/views", summary="Keep a view; the same list and name again replaces it", status_code=201)
    def keep(request: Request, draft: ViewDraft) -> dict[str, Any]:
        return service.keep(_actor(request), draft).to_json()

    @routes.delete("/desk/views/{view_id}", summary="Remove a view", status_code=204)
    def remove(request: Request, view_id: str) -> None:
        service.remove(_actor(request), view_id)

    return routes


def _actor(request: Request) -> Actor:
    found: Actor = request.state.actor
    return found
