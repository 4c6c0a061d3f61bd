"""The JSON API of streams: set them up, start and pause them, and the address that senders post to."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from beijiang.ingest.models import Signature, StreamDraft, StreamKind
from beijiang.ingest.service import Streams, Windows
from beijiang.kit import SYSTEM, Actor
from beijiang.tables import WindowMeasure, WindowSpec
from beijiang.web.bounds import Number, Ordinal

__all__ = ["streams_router"]

_QUICK: Final = 8 << 10
"""Bytes of a signed request that is looked at sooner than another thread could be asked to."""
_Id = Annotated[str, Field(min_length=1, max_length=100)]


class _Order(BaseModel):
    """A body takes the fields that it names and no others."""

    model_config = ConfigDict(extra="forbid")


class StreamOrder(_Order):
    """A stream to be set up; secrets are among its options and are never given back."""

    name: str = Field(min_length=1, max_length=100)
    kind: StreamKind
    org_id: str = Field(min_length=1, max_length=60, description="The department that it belongs to.")
    table: str = Field(min_length=1, max_length=200)
    key: list[str] = Field(
        default_factory=list, max_length=20, description="A later message with the same key replaces the earlier."
    )
    options: dict[str, Any] = Field(description="See /api/v1/streams/kinds.")


class StreamChange(_Order):
    """Options to change; secrets that are not named stay."""

    options: dict[str, Any]


class WindowOrder(_Order):
    """A window table to be made from a stream's table."""

    table: str = Field(min_length=1, max_length=200)
    time: str = Field(min_length=1, max_length=200, description="Column of the moment to which a row belongs.")
    size: Ordinal = Field(description="Length of a window, in seconds.")
    slide: Number = Field(default=0, description="Seconds from one window to the next; 0: as long as a window.")
    groups: list[str] = Field(default_factory=list, max_length=20)
    measures: list[str] = Field(
        min_length=1, max_length=100, description="count, or NAME=FUNCTION:COLUMN: sum, mean, min, max, last."
    )
    lateness: Number = Field(default=0, description="Seconds for which a window takes late rows after its end.")


def streams_router(streams: Streams, windows: Windows) -> APIRouter:  # a list of small functions
    """Return the endpoints below ``/api/v1/streams``."""
    api = APIRouter(prefix="/api/v1", tags=["streams"])

    @api.get("/streams/kinds", summary="Kinds of stream and their options")
    def kinds(request: Request) -> dict[str, Any]:
        return {"kinds": streams.kinds(_actor(request))}

    @api.get("/streams", summary="Streams of a department with how they go, by name")
    def list_(request: Request) -> dict[str, Any]:
        return {"streams": [s.to_json() for s in streams.streams(_actor(request))]}

    @api.post("/streams", status_code=201, summary="Set up a stream; it begins when it is started")
    def add(request: Request, order: StreamOrder) -> dict[str, Any]:
        draft = StreamDraft(**{**order.model_dump(), "key": tuple(order.key)})
        return streams.add(_actor(request), draft).to_json()

    @api.get("/streams/{stream}", summary="One stream: state, connection, rate, what waits")
    def show(request: Request, stream: _Id) -> dict[str, Any]:
        return streams.stream(_actor(request), stream).to_json()

    @api.patch("/streams/{stream}", summary="Change options or secrets of a stream")
    def change(request: Request, stream: _Id, order: StreamChange) -> dict[str, Any]:
        return streams.change(_actor(request), stream, order.options).to_json()

    @api.delete("/streams/{stream}", summary="Forget a paused stream; its table stays")
    def remove(request: Request, stream: _Id) -> dict[str, Any]:
        streams.remove(_actor(request), stream)
        return {"removed": stream}

    @api.post("/streams/{stream}/start", summary="Begin to receive, or go on")
    def start(request: Request, stream: _Id) -> dict[str, Any]:
        return streams.start(_actor(request), stream).to_json()

    @api.post("/streams/{stream}/pause", summary="Receive no more until it is started again")
    def pause(request: Request, stream: _Id) -> dict[str, Any]:
        return streams.pause(_actor(request), stream).to_json()

    @api.post(
        "/streams/{stream}/verify", status_code=202, summary="Hold the table against every landed message, as a job"
    )
    def verify(request: Request, stream: _Id) -> dict[str, Any]:
        actor = _actor(request)
        return streams.ingest.jobs.job(SYSTEM, streams.verify_later(actor, stream)).to_json()

    @api.get("/streams/{stream}/certificates", summary="Proof of what went into the table, newest first")
    def certificates(request: Request, stream: _Id, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> dict[str, Any]:
        return {"certificates": [c.to_json() for c in streams.certificates(_actor(request), stream, limit)]}

    @api.get("/streams/{stream}/windows", summary="Window tables of a stream")
    def list_windows(request: Request, stream: _Id) -> dict[str, Any]:
        return {"windows": [w.to_json() for w in windows.windows(_actor(request), stream)]}

    @api.post("/streams/{stream}/windows", status_code=201, summary="Make a window table that follows a stream")
    def add_window(request: Request, stream: _Id, order: WindowOrder) -> dict[str, Any]:
        spec = WindowSpec(
            time=order.time,
            size=order.size,
            slide=order.slide or order.size,
            groups=tuple(order.groups),
            measures=tuple(WindowMeasure.parse(m) for m in order.measures),
            lateness=order.lateness,
        )
        return windows.add(_actor(request), stream, order.table, spec).to_json()

    @api.delete("/windows/{window}", summary="Let a window table follow no more; it stays")
    def remove_window(request: Request, window: _Id) -> dict[str, Any]:
        windows.remove(_actor(request), window)
        return {"removed": window}

    @api.post(
        "/streams/{stream}/messages",
        status_code=202,
        summary="Post messages: one JSON object, an array of them, or one a line",
        description="Answered once they are on disk. A request sent again under the same Idempotency-Key within a day counts once. "
        "Without an API key of scope ingest:message:send the request is signed: X-Beijiang-Signature is v1= and the hexadecimal "
        "HMAC-SHA256 of timestamp, dot, Idempotency-Key, dot, body.",
    )
    async def receive(
        request: Request,
        stream: _Id,
        idempotency_key: Annotated[str, Header(max_length=200)] = "",
        x_beijiang_signature: Annotated[str, Header(max_length=200)] = "",
        x_beijiang_timestamp: Annotated[str, Header(max_length=40)] = "",
    ) -> dict[str, Any]:
        body = await request.body()
        signature = Signature(x_beijiang_signature, x_beijiang_timestamp) if x_beijiang_signature else None
        actor = _actor(request)

        accept = partial(streams.accept, actor, stream, body, key=idempotency_key, signature=signature)
        quick = signature is not None and len(body) <= _QUICK and streams.serves(stream)
        promise = accept() if quick else await run_in_threadpool(accept)
        return (await promise.answer()).to_json()

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
