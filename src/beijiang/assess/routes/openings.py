"""The JSON API of what the public reads of the statistical indicators: open one, close it, list them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from beijiang.assess.models.opening import time_of
from beijiang.assess.routes.figures import ReasonOrder
from beijiang.assess.routes.plain import actor_of, words_json

if TYPE_CHECKING:
    from beijiang.assess.models import OpenFigure, Opening
    from beijiang.assess.service import PublicFigures

__all__ = ["openings_router"]


def openings_router(service: PublicFigures) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["assess"])

    @routes.get("/public-figures", summary="The statistical indicators that everybody may read, with their values")
    def every(request: Request) -> dict[str, Any]:
        return {"figures": [_figure(one) for one in service.every(actor_of(request))]}

    @routes.post("/figures/{code}/open", summary="Let everybody read an indicator's released values")
    def open_(request: Request, code: str, order: ReasonOrder) -> dict[str, Any]:
        return _opening(service.open(actor_of(request), code, order.reason))

    @routes.post("/figures/{code}/close", status_code=204, summary="Take an indicator from the public")
    def close(request: Request, code: str, order: ReasonOrder) -> None:
        service.close(actor_of(request), code, order.reason)

    return routes


def _opening(one: Opening) -> dict[str, Any]:
    return {"code": one.code, "reason": one.reason, "by": one.by_name, "at": one.at.isoformat()}


def _figure(one: OpenFigure) -> dict[str, Any]:
    return {
        "code": one.figure.code,
        "flow": one.flow,
        "version": one.version,
        "name": words_json(one.figure.name),
        "unit": words_json(one.figure.unit),
        "definition": one.figure.definition,
        "values": [
            {
                "period": time_of(v.period),
                "region": v.region,
                "group": v.dimension,
                "value": v.value,
                "stage": v.stage.value,
            }
            for v in one.values
        ],
    }
