"""The tree as others read it: checkpoints and tiles after C2SP tlog-tiles, and the witness after C2SP tlog-witness."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.evidence.models import TILE
from beijiang.kit import NotFound
from beijiang.web.bounds import Place

if TYPE_CHECKING:
    from beijiang.evidence.service import Receipts, Witnesses

__all__ = ["tlog_router"]

_NUMBER: Final = re.compile(r"(?:x(\d{3})/)*(\d{3})(?:\.p/(\d{1,3}))?")
_LEVELS: Final = 8
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_SECONDS: Final = "public, max-age=2"
_SIZE: Final = "text/x.tlog.size"
_OTHER_SIZE: Final = 409


def tlog_router(receipts: Receipts, witnesses: Witnesses) -> APIRouter:
    """Return ``/tlog`` and ``/witness``; both speak the protocols of transparency logs, so their answers are plain text."""
    api = APIRouter(tags=["evidence"])

    @api.get("/tlog/{shard}/checkpoint", summary="The newest signed checkpoint")
    def checkpoint(
        request: Request,
        shard: str,
        size: Annotated[Place | None, Query(ge=1, description="Of an earlier size.")] = None,
    ) -> Response:
        return PlainTextResponse(
            receipts.checkpoint(request.state.actor, shard, size), headers={"Cache-Control": _SECONDS}
        )

    @api.get("/tlog/{shard}/proof", summary="Proof of a receipt (tlog-proof)")
    def proof(request: Request, shard: str, receipt: str) -> Response:
        del shard  # a receipt knows its shard
        return PlainTextResponse(receipts.proof(request.state.actor, receipt), headers={"Cache-Control": "no-store"})

    @api.get("/tlog/{shard}/tile/{level}/{number:path}", summary="A tile of hashes, or of entries")
    def tile(request: Request, shard: str, level: str, number: str) -> Response:
        at, width = _place(number)
        if level == "entries":
            content = receipts.entries(request.state.actor, shard, at, width)
        elif level.isascii() and level.isdecimal() and int(level) < _LEVELS:
            content = receipts.tile(request.state.actor, shard, int(level), at, width)
        else:
            raise _no_tile()
        return Response(content, media_type="application/octet-stream", headers={"Cache-Control": _FOR_EVER})

    @api.post("/witness/add-checkpoint", include_in_schema=False)  # it answers as the protocol says, errors too
    async def add_checkpoint(request: Request) -> Response:
        answer = await run_in_threadpool(witnesses.add_checkpoint, await request.body())
        kind = _SIZE if answer.status == _OTHER_SIZE else "text/plain"
        return Response(answer.text, answer.status, media_type=kind, headers={"Cache-Control": "no-store"})

    @api.get("/witness/handover/{key_id}", summary="The note by which a key of this installation named the next")
    def handover(key_id: Annotated[str, Path(max_length=40)]) -> Response:
        return PlainTextResponse(witnesses.handover(key_id), headers={"Cache-Control": _SECONDS})

    return api


def _place(number: str) -> tuple[int, int]:
    """Read ``x001/x234/067`` and ``….p/12``: which tile, and how much of it."""
    if not _NUMBER.fullmatch(number):
        raise _no_tile()
    digits, _, width = number.partition(".p/")
    wide = int(width) if width else TILE
    if not 0 < wide <= TILE or width == str(TILE):
        raise _no_tile()
    return int("".join(part.removeprefix("x") for part in digits.split("/"))), wide


def _no_tile() -> NotFound:
    return NotFound("没有这一块。", "There is no such tile.", code="tile_not_found")
