"""Where other nodes knock: what is said here is signed, both ways, and no session counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from beijiang.federation.models import NOTE_HEADER

if TYPE_CHECKING:
    from beijiang.federation.service import Letters, Nodes, Reply

__all__ = ["doors"]


def doors(nodes: Nodes, letters: Letters) -> APIRouter:
    """Return the endpoints of ``/api/v1/federation`` that nodes call."""
    api = APIRouter(prefix="/api/v1/federation", tags=["federation"])

    @api.get("/node", summary="What this node says of itself: id, names, tier, address, public key")
    def card() -> dict[str, Any]:
        return nodes.card().model_dump()

    @api.post("/links", include_in_schema=False)  # signed notes in the header; docs/adr/0025 has the form
    async def greet(request: Request) -> Response:
        body = await request.body()
        return _signed(await run_in_threadpool(nodes.greet, request.headers.get(NOTE_HEADER, ""), body))

    @api.post("/letters", include_in_schema=False)
    async def receive(request: Request) -> Response:
        body = await request.body()
        return _signed(await run_in_threadpool(letters.receive, request.headers.get(NOTE_HEADER, ""), body))

    return api


def _signed(reply: Reply) -> Response:
    headers = {NOTE_HEADER: reply.note, "Cache-Control": "no-store"}
    return Response(reply.body, reply.status, headers=headers, media_type="application/json")
