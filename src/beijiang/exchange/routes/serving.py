"""The JSON API of serving copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange.routes.sharing import actor_of

if TYPE_CHECKING:
    from beijiang.exchange.models import ServingCopy, ServingView
    from beijiang.exchange.service import Servings

__all__ = ["servings"]


class ServingOrder(BaseModel):
    """The columns that are looked up, beside the key of the table."""

    model_config = ConfigDict(extra="forbid")

    columns: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=100)


def servings(service: Servings) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange/serving``."""
    routes = APIRouter(prefix="/api/v1/exchange/serving", tags=["exchange"])

    @routes.get("", summary="Tables with serving copies that you look after")
    def all_(request: Request) -> dict[str, Any]:
        return {"tables": [_view(one) for one in service.views(actor_of(request))]}

    @routes.get("/{table}", summary="The serving copies of a table, and whom each is for")
    def one(request: Request, table: str) -> dict[str, Any]:
        return _view(service.view(actor_of(request), table))

    @routes.put("/{table}", summary="Have serving copies of a table made; they follow its releases and grants")
    def ask(request: Request, table: str, order: ServingOrder) -> dict[str, Any]:
        return _view(service.ask(actor_of(request), table, order.columns))

    @routes.post("/{table}/refresh", summary="Make what is missing now")
    def refresh(request: Request, table: str) -> dict[str, Any]:
        return _view(service.refresh(actor_of(request), table))

    @routes.delete("/{table}", status_code=204, summary="Have no serving copies of a table any more")
    def end(request: Request, table: str) -> None:
        service.end(actor_of(request), table)

    return routes


def _view(one: ServingView) -> dict[str, Any]:
    return {
        "table": one.serving.table,
        "provider_id": one.serving.provider_id,
        "columns": [*one.serving.columns],
        "by": one.serving.by_name,
        "at": one.serving.at.isoformat(),
        "copies": [{**_copy(copy), "for": [*whose]} for copy, whose in one.copies],
        "job": one.job,
    }


def _copy(one: ServingCopy) -> dict[str, Any]:
    return {
        "print": one.print,
        "version": one.version,
        "state": one.state.value,
        "indexes": [*one.indexes],
        "rows": one.rows,
        "bytes": one.bytes,
        "note": {"zh": one.note.zh, "en": one.note.en},
        "at": None if one.at is None else one.at.isoformat(),
    }
