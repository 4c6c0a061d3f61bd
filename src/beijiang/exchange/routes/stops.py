"""The JSON API of what of a grant is not shared any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from beijiang.exchange.routes.sharing import actor_of

if TYPE_CHECKING:
    from beijiang.exchange.service import Stops

__all__ = ["stops"]


def stops(service: Stops) -> APIRouter:
    """Return the endpoint under ``/api/v1/exchange/grants``."""
    routes = APIRouter(prefix="/api/v1/exchange/grants", tags=["exchange"])

    @routes.get("/{grant_id}/stops", summary="What of a grant is not shared any more, since when and why")
    def of(request: Request, grant_id: str) -> dict[str, Any]:
        return {"stops": [one.to_json() for one in service.of(actor_of(request), grant_id)]}

    return routes
