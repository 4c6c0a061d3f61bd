"""JSON API of tables that follow the log of their source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

if TYPE_CHECKING:
    from beijiang.ingest.service import Captures
    from beijiang.kit import Actor

__all__ = ["captures_router"]

_Id = Annotated[str, Field(min_length=1, max_length=100)]


def captures_router(captures: Captures) -> APIRouter:
    """Return the endpoints below ``/api/v1/syncs/{sync}`` that concern a log."""
    api = APIRouter(prefix="/api/v1", tags=["sources"])

    @api.get("/syncs/{sync}/lag", summary="How far behind the source's log a table is, measured now")
    def lag(request: Request, sync: _Id) -> dict[str, Any]:
        found = captures.lag(_actor(request), sync)
        return {"begun": False} if found is None else {"begun": True, **found.to_json()}

    @api.post("/syncs/{sync}/follow", status_code=202, summary="Take what the log holds by now; no run if nothing")
    def follow(request: Request, sync: _Id) -> dict[str, Any]:
        actor = _actor(request)
        run_id = captures.catch_up(actor, sync)
        return {"run": None if run_id is None else captures.ingest.run(actor, run_id).to_json()}

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
