"""The servers of bundles: asked under their application's address, and looked after."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from beijiang.apps.models import wall_text
from beijiang.apps.models.relaying import safe_target
from beijiang.apps.service import RelayAsk
from beijiang.kit import Actor

if TYPE_CHECKING:
    from beijiang.apps.models import ServerStanding
    from beijiang.apps.service import AppServers

__all__ = ["served", "servers"]

T = TypeVar("T")
_PLACES: Final = 32
"""Threads in which servers are waited for, four applications' worth."""
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class _Places:
    """Threads of our own: servers that hang take none of the platform's."""

    def __init__(self) -> None:
        self._limiter: CapacityLimiter | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in one of them."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(_PLACES)
        return await to_thread.run_sync(work, limiter=self._limiter)

    async def each(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yield what comes, waited for in one of them."""
        while (piece := await self.run(partial(next, pieces, None))) is not None:
            yield piece


def served(service: AppServers) -> APIRouter:
    """Return the addresses under ``/apps/{app}/server/``."""
    routes, places = APIRouter(include_in_schema=False), _Places()

    async def ask(request: Request, app: str, path: str) -> Response:
        del path  # as it came over the wire, percent signs and all, stands in the scope
        prefix = f"/apps/{app}/server"
        raw = request.scope.get("raw_path") or request.url.path.encode()
        target = safe_target(raw.removeprefix(prefix.encode()) or b"/", request.scope["query_string"])
        given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
        body = await request.body()
        wish = RelayAsk(
            method="HEAD" if request.state.head else request.method,
            target=target,
            headers=given,
            body=iter([body]) if body else None,
        )
        return await places.run(partial(_answered, service, _actor(request), app, wish, places))

    routes.add_api_route("/apps/{app}/server/{path:path}", ask, methods=_METHODS)
    return routes


def _answered(service: AppServers, who: Actor, app: str, wish: RelayAsk, places: _Places) -> Response:
    with ExitStack() as whole:
        start = whole.enter_context(service.answered(who, app, wish))
        kept = whole.pop_all()

        def pieces() -> Iterator[bytes]:
            with kept:
                yield from start.pieces

        answer = StreamingResponse(places.each(pieces()), status_code=start.status)
        answer.raw_headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in start.headers]
        return answer


class ReasonedOrder(BaseModel):
    """Why a server is stopped or its folder emptied; kept in the evidence."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000)


def servers(service: AppServers) -> APIRouter:
    """Return the end-points that look after servers."""
    routes = APIRouter(prefix="/api/v1/apps", tags=["apps"])

    @routes.get("/{app}/server", summary="How the server of an application stands, and its last words")
    def one(request: Request, app: str) -> dict[str, Any]:
        found, log = service.standing(_actor(request), app)
        return {**_standing(found), "log": log}

    @routes.post("/{app}/server/restart", summary="Have the server of an application begun anew at the next request")
    def restart(request: Request, app: str) -> dict[str, Any]:
        return _standing(service.restart(_actor(request), app))

    @routes.post("/{app}/server/stop", summary="Stop the server of an application until it is started")
    def stop(request: Request, app: str, order: ReasonedOrder) -> dict[str, Any]:
        return _standing(service.hold(_actor(request), app, order.reason))

    @routes.post("/{app}/server/start", summary="Let the server of an application that was stopped run again")
    def start(request: Request, app: str) -> dict[str, Any]:
        return _standing(service.let_run(_actor(request), app))

    @routes.post("/{app}/server/clear", summary="Empty the own folder of an application's server, and begin it anew")
    def clear(request: Request, app: str, order: ReasonedOrder) -> dict[str, Any]:
        held = service.clear(_actor(request), app, order.reason)
        return {"app": app, "entries": held.entries, "bytes": held.bytes, "full": held.is_full}

    return routes


def _standing(found: ServerStanding | None) -> dict[str, Any]:
    if found is None:
        return {"state": "stopped", "starts": 0}
    return {
        "state": found.state.value,
        "version": found.version,
        "since": found.since.isoformat(),
        "starts": found.starts,
        "walls": {name: {"zh": wall_text(name).zh, "en": wall_text(name).en} for name in found.walls},
        "error": found.error,
        "restart_at": None if found.restart_at is None else found.restart_at.isoformat(),
        "held_at": None if found.held_at is None else found.held_at.isoformat(),
        "held_reason": found.held_reason,
    }


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
