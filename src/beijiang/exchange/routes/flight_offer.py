"""Where Flight SQL is served, and what one may read by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from beijiang.exchange.routes.sharing import actor_of

if TYPE_CHECKING:
    from beijiang.exchange.service import FlightSql

__all__ = ["flight_door"]


def flight_door(service: FlightSql) -> APIRouter:
    """Return the router."""
    api = APIRouter(prefix="/api/v1/exchange", tags=["exchange"])

    @api.get("/flight", summary="Where Flight SQL is served and which tables one may read by it")
    def offer(request: Request) -> dict[str, Any]:
        state, tables = service.offer(actor_of(request))
        return {
            "address": state.address,
            "tls": state.tls,
            "tables": [{"department": one.schema, "table": one.name} for one in tables],
        }

    return api
