"""Ask an application in its own process, as its server would: for tests that ask thousands of times and test no connection.

A connection costs more than most answers: the client's and the server's parsing, two threads and the socket between them.
The application gets the same scope as from the server that the suite and the product use (uvicorn).
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.from_thread import BlockingPortal
    from fastapi import FastAPI


@lru_cache(maxsize=20_000)
def _url(base: str, target: str) -> httpx.URL:
    return httpx.URL(base).join(target)


class Inside:
    """One application, asked on the loop of ``portal``; ``base`` is the address that a browser would know it by."""

    def __init__(self, app: FastAPI, portal: BlockingPortal, base: str) -> None:
        self._app, self._portal, self._base = app, portal, base

    def get(self, target: str, headers: Mapping[str, str], params: Mapping[str, Any] | None = None) -> httpx.Response:
        """Return the whole answer; what fails inside is the 500 that its server would send."""
        url = (
            _url(self._base, target) if params is None else httpx.URL(self._base).join(target).copy_merge_params(params)
        )
        path, _, query = url.raw_path.partition(b"?")
        told = {"host": url.netloc.decode(), "accept": "*/*", "accept-encoding": "gzip, deflate", **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": url.scheme,
            "server": (url.host, url.port),
            "client": ("127.0.0.1", 50_000),
            "root_path": "",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "headers": [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in told.items()],
            "state": {},
        }
        status, answered, body = self._portal.call(self._asked, scope)
        return httpx.Response(status, headers=answered, content=body, request=httpx.Request("GET", url))

    async def _asked(self, scope: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        begun: list[dict[str, Any]] = []
        parts: list[bytes] = []
        sent = [{"type": "http.request", "body": b"", "more_body": False}]
        over = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if sent:
                return sent.pop()
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                begun.append(message)
            else:
                parts.append(message.get("body", b""))

        try:
            await self._app(scope, receive, send)  # type: ignore[arg-type]
        except Exception:
            if begun and begun[0]["status"] != 500:
                raise
            begun = begun or [{"status": 500, "headers": []}]
        return begun[0]["status"], list(begun[0]["headers"]), b"".join(parts)
