"""Server-sent events: one stream for each open page, none of which holds a thread; a page without one asks by itself."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from beijiang.access import SESSION_COOKIE

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from beijiang.kit import Actor
    from beijiang.notices.service import Line, Live, State

__all__ = ["BEAT_SECONDS", "router"]

BEAT_SECONDS: Final = 15.0
"""How often an idle stream shows that it lives and asks whether its session still does."""
_LOOK_SECONDS: Final = 1.0
_RETRY_MILLIS: Final = 5000
_AT_ONCE: Final = 4
"""Streams that look at their state at once; the others wait for a turn, not in a thread."""


class Hub:
    """Wakes the streams of this process when something may have changed: one look a second for all of them."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.turn = asyncio.Semaphore(_AT_ONCE)
        self._bells: set[asyncio.Event] = set()
        self._watch: asyncio.Task[None] | None = None

    def join(self) -> asyncio.Event:
        """Return a bell that is rung whenever something may have changed, and when the server stops."""
        bell = asyncio.Event()
        self._bells.add(bell)
        if self._watch is None or self._watch.done() or self._watch.get_loop() is not asyncio.get_running_loop():
            self.turn = asyncio.Semaphore(_AT_ONCE)
            self._watch = asyncio.create_task(self._look())
        return bell

    def part(self, bell: asyncio.Event) -> None:
        """Ring no more."""
        self._bells.discard(bell)

    async def _look(self) -> None:
        last = ""
        while self._bells:
            with suppress(Exception):  # a database that is away for a moment changes nothing that can be told
                now = await run_in_threadpool(self.live.pulse)
                if now != last or self.live.ending:
                    last = now
                    for bell in self._bells:
                        bell.set()
            await asyncio.sleep(_LOOK_SECONDS)


class Stream(Response):
    """The answer that stays open; it ends with the session, the connection or the server, whichever is first."""

    def __init__(self, hub: Hub, line: Line, proof: tuple[Actor, str | None], *, last: str, once: bool) -> None:
        super().__init__(
            media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        self._hub = hub
        self._line = line
        self._proof = proof
        self._last = last
        self._once = once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        bell = self._hub.join()
        gone = asyncio.create_task(_disconnected(receive))
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
            await self._say(send, f"retry: {_RETRY_MILLIS}\n\n")
            while await self._tell(send):
                await _next(bell, gone)
                if gone.done():
                    return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._hub.part(bell)
            self._hub.live.leave(self._line)

    async def _tell(self, send: Send) -> bool:
        """Say what changed since the last time, or that the stream lives; tell whether it goes on."""
        if self._hub.live.ending:
            return False
        async with self._hub.turn:
            state = await run_in_threadpool(self._hub.live.state, *self._proof)
        if state is None:
            await self._say(send, "event: end\ndata: {}\n\n")
            return False
        await self._say(send, ": beat\n\n" if state.id == self._last else _written(state))
        self._last = state.id
        return not self._once

    @staticmethod
    async def _say(send: Send, words: str) -> None:
        await send({"type": "http.response.body", "body": words.encode(), "more_body": True})


def router(live: Live) -> APIRouter:
    """Return the endpoint."""
    routes = APIRouter(prefix="/api/v1", tags=["notices"])
    hub = Hub(live)

    @routes.get(
        "/notices/live",
        summary="Server-sent events: how many notices are unread, and that open jobs moved",
        response_class=Response,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def stream(request: Request, *, once: bool = False) -> Response:
        actor: Actor = request.state.actor
        line = await run_in_threadpool(live.enter, actor)
        if request.state.head:
            live.leave(line)
            return Response(media_type="text/event-stream")
        token = None if request.headers.get("authorization") else request.cookies.get(SESSION_COOKIE)
        last = request.headers.get("last-event-id", "")
        return Stream(hub, line, (actor, token), last=last, once=once)

    return routes


async def _next(bell: asyncio.Event, gone: asyncio.Task[None]) -> None:
    """Wait until something may have changed, the other side is gone, or it is time for a beat."""
    rung = asyncio.create_task(bell.wait())
    try:
        await asyncio.wait({rung, gone}, timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        rung.cancel()
        bell.clear()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _written(state: State) -> str:
    return "".join(
        f"id: {state.id}\nevent: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
        for name, data in state.events.items()
    )
