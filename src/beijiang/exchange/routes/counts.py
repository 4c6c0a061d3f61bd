"""The JSON API of counts: a number, no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange.routes.sharing import PURPOSE, actor_of
from beijiang.protection import read_where

if TYPE_CHECKING:
    from beijiang.exchange.service import Exchange

__all__ = ["counts"]


class CountOrder(BaseModel):
    """Conditions, all of which must hold."""

    model_config = ConfigDict(extra="forbid")

    where: list[Annotated[str, Field(max_length=1000)]] = Field(
        default=[], max_length=20, description="COLUMN=VALUE or COLUMN__op=VALUE, on items of the grant."
    )


def counts(service: Exchange) -> APIRouter:
    """Return the endpoint."""
    routes = APIRouter(prefix="/api/v1/exchange", tags=["exchange"])

    @routes.post("/tables/{table}/count", summary="How many rows meet conditions; a small number is not told")
    def count(
        request: Request,
        response: Response,
        table: str,
        order: CountOrder,
        purpose: Annotated[str, Header(alias=PURPOSE)] = "",
    ) -> dict[str, Any]:
        found = service.count(actor_of(request), table, [read_where(one) for one in order.where], purpose)
        response.headers.update({"X-Beijiang-Receipt": found.receipt, "Cache-Control": "no-store"})
        return {
            "count": found.count,
            "fewer_than": found.least if found.count is None else None,
            "version": found.version,
            "receipt": found.receipt,
            "salt": found.salt,
            "in_doubt": [*found.in_doubt],
        }

    return routes
