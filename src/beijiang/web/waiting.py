"""A room of its own for requests that may wait long: the threads of all other pages stay free for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

__all__ = ["WaitingRoom"]

T = TypeVar("T")


class WaitingRoom:
    """So many threads, and somebody at the door who sees a reader leave."""

    def __init__(self, seats: int) -> None:
        self._seats = seats
        self._limiter: CapacityLimiter | None = None

    async def serve(self, request: Request, work: Callable[[], T], gone: Callable[[], object]) -> T:
        """Do the work in a thread of this room; ``gone`` is called if the reader leaves before it is done."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._seats)
        door = asyncio.create_task(_watch(request, gone))
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            door.cancel()


async def _watch(request: Request, gone: Callable[[], object]) -> None:
    message = await request.receive()
    while message["type"] != "http.disconnect":
        message = await request.receive()
    await to_thread.run_sync(gone)
