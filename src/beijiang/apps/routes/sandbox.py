"""The sandbox of developers: the shapes of the APIs, filled with synthetic rows, and saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.apps.models.sandbox import Try
    from beijiang.apps.service import Sandbox

__all__ = ["sandbox"]


class TryOrder(BaseModel):
    """Parameters of a call, as the service itself takes them; none at all: its sample."""

    model_config = ConfigDict(extra="forbid")

    parameters: dict[str, str | int | float | bool] = Field(default={}, max_length=60)


def sandbox(service: Sandbox) -> APIRouter:
    """Return the endpoints under ``/api/v1/sandbox``."""
    routes = APIRouter(prefix="/api/v1/sandbox", tags=["clients"])

    def said(request: Request, api: str, given: Mapping[str, Any]) -> JSONResponse:
        actor: Actor = request.state.actor
        found: Try = service.answer(actor, api, given)
        return JSONResponse(dict(found.body), headers={"X-Beijiang-Synthetic": "true"})

    @routes.get("/{resource_id}/rows", summary="Synthetic rows of the shape of a published entry")
    def rows(
        request: Request,
        resource_id: str,
        size: Annotated[int, Query(alias="_size", ge=1, le=1000)] = 100,
        after: Annotated[str, Query(alias="_next", max_length=9)] = "",
    ) -> JSONResponse:
        return said(request, f"rows:{resource_id}", {"_size": size, "_next": after})

    @routes.post(
        "/services/{service_id}/call", summary="A synthetic answer of the shape of a service's; nobody is called"
    )
    def call(request: Request, service_id: str, order: TryOrder) -> JSONResponse:
        return said(request, f"service:{service_id}", order.parameters)

    @routes.get("/apps/{app}/data/{end}", summary="A synthetic answer of the shape of an application's end-point")
    def data(request: Request, app: str, end: str, lang: Annotated[str, Query(max_length=10)] = "") -> JSONResponse:
        del lang  # which words an error is told in is the web kit's matter
        asked = {name: value for name, value in request.query_params.items() if name != "lang"}
        return said(request, f"app:{app}/{end}", asked)

    return routes
