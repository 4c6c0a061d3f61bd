"""Servers of applications that hang take no thread of the platform's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpx
import pytest
from anyio import to_thread
from fastapi import FastAPI

from beijiang.apps.routes.serving import served
from beijiang.apps.service import RelayStart

MANY = 60
"""More than the threads that all pages share."""


class Hanging:
    """Stands for servers that begin an answer late, or never go on with it."""

    def __init__(self, *, begins: bool) -> None:
        self.go = threading.Event()
        self._begins = begins

    @contextmanager
    def answered(self, *_: Any) -> Iterator[RelayStart]:
        if not self._begins:
            self.go.wait(300)
        yield RelayStart(status=200, headers=[], pieces=self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        yield b"first "
        self.go.wait(300)
        yield b"last"


@pytest.mark.parametrize("begins", [False, True])
def test_servers_that_hang_leave_the_platform_its_threads(*, begins: bool) -> None:
    service, app = Hanging(begins=begins), FastAPI()
    app.include_router(served(service))  # type: ignore[arg-type]
    answers: list[str] = []

    async def told(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": {"actor": None, "head": False}}, receive, send)

    async def asked(http: httpx.AsyncClient) -> None:
        answers.append((await http.get("/apps/a/server/x", timeout=300)).text)

    async def all_at_once() -> None:
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(told), base_url="http://test") as http,
            anyio.create_task_group() as group,
        ):
            for _ in range(MANY):
                group.start_soon(asked, http)
            await anyio.sleep(0.5)
            try:
                with anyio.fail_after(60):
                    assert await to_thread.run_sync(lambda: "free") == "free"
            finally:
                service.go.set()

    anyio.run(all_at_once)
    assert answers == ["first last"] * MANY
