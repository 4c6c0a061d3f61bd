"""The sandbox of developers: the shape of the row API, filled with synthetic rows, and saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from beijiang.kit import Actor

if TYPE_CHECKING:
    from beijiang.apps.service import Sandbox

__all__ = ["sandbox"]

SAID = {
    "zh": "合成数据：只按公开的数据项和标准生成，不来自任何真实记录。",
    "en": "Synthetic: made from the published items and the standards alone; no row comes from a record.",
}


def sandbox(service: Sandbox) -> APIRouter:
    """Return the endpoint under ``/api/v1/sandbox``."""
    routes = APIRouter(prefix="/api/v1/sandbox", tags=["clients"])

    @routes.get("/{resource_id}/rows", summary="Synthetic rows of the shape of a published entry")
    def rows(
        request: Request,
        resource_id: str,
        size: Annotated[int, Query(alias="_size", ge=1, le=1000)] = 100,
        after: Annotated[str, Query(alias="_next", max_length=9)] = "",
    ) -> JSONResponse:
        actor: Actor = request.state.actor
        found = service.rows(actor, resource_id, size, after)
        body: dict[str, Any] = {
            "dataset": found.resource_id,
            "version": found.version,
            "columns": [{"name": i.column, "type": i.type, "grade": i.grade, "masked": False} for i in found.items],
            "rows": list(found.rows),
            "count": None,
            "next": found.next,
            "next_url": None,
            "synthetic": SAID,
        }
        return JSONResponse(body, headers={"X-Beijiang-Synthetic": "true"})

    return routes
