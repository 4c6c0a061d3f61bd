"""The hosts of relayed applications: whatever comes there is answered here and never reaches a page of the platform."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qs, quote

import anyio
import anyio.from_thread
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beijiang.apps.errors import no_sockets, relay_busy, relay_closed, visitor_slow
from beijiang.apps.models.relaying import NONCE_COOKIE, OWN, VISIT_COOKIE, cookie_values, safe_target
from beijiang.apps.service import RelayAsk
from beijiang.kit import BeijiangError, NotFound, Refused, Unauthenticated
from beijiang.web import check_origin, local_path

if TYPE_CHECKING:
    from beijiang.apps.models import Client
    from beijiang.apps.service import Passage, Relay

__all__ = ["RelayDoor"]

T = TypeVar("T")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS: Final = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}
_BAD_GATEWAY: Final = 502
_SHARE: Final = 4
"""One application has this part of all exchanges that may go on at once."""


@dataclass(slots=True)
class _Exchange:
    """What goes on between one visitor and the application, while another thread waits for the application."""

    receive: Receive
    send: Send
    started: bool = False
    gone: bool = False
    more: bool = True
    status: int = 502
    until: float = math.inf
    """When it is over, by the clock of the loop, whether or not the visitor goes on."""
    request_id: str = field(default_factory=lambda: secrets.token_hex(8))

    async def take(self) -> Message:
        return await self._in_time(self.receive())

    async def give(self, message: Message) -> None:
        await self._in_time(self.send(message))

    async def _in_time(self, what: Awaitable[T]) -> T:
        """Wait for the visitor no longer than the exchange lasts."""
        try:
            with anyio.fail_after(self.until - anyio.current_time()):
                return await what
        except TimeoutError:
            raise visitor_slow() from None

    def body(self) -> Iterator[bytes]:
        """Yield the visitor's body as it comes; called in the other thread."""
        while self.more and not self.gone:
            message: Message = anyio.from_thread.run(self.take)
            if message["type"] != "http.request":
                self.gone = True
                return
            self.more = bool(message.get("more_body", False))
            if message.get("body"):
                yield message["body"]


class RelayDoor:
    """Middleware: take requests to hosts of applications out of the way of all others."""

    def __init__(self, app: ASGIApp, relay: Relay) -> None:
        self._app = app
        self._relay = relay
        self._most = relay.clients.settings.relay_at_once
        self._going: Counter[str] = Counter()
        self._places: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        label = self._relay.label_of(Headers(scope=scope).get("host", ""))
        if label is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await _refuse_socket(scope, receive, send)
        else:
            await self._answer(label, scope, receive, send)

    async def _answer(self, label: str, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(receive, send)
        try:
            client = await self._in_thread(self._relay.client_of, label)
            if scope["path"].startswith(OWN):
                await (await self._own(client, scope))(scope, receive, send)
                return
            await self._through(client, scope, exchange)
        except BeijiangError as error:
            if exchange.started:
                raise
            await _told(error, scope, exchange.request_id)(scope, receive, send)

    async def _own(self, client: Client, scope: Scope) -> Response:
        """Answer an address of the platform on the application's host: come in, and leave."""
        said = parse_qs(scope["query_string"].decode("latin-1"))
        given = _headers(scope)
        if scope["path"] == f"{OWN}enter" and scope["method"] in {"GET", "HEAD"}:
            nonces = cookie_values(given, NONCE_COOKIE)
            ticket, to = said.get("ticket", [""])[0], said.get("to", ["/"])[0]
            secret = await self._in_thread(self._relay.redeem, client, ticket, nonces[0] if len(nonces) == 1 else "")
            answer = RedirectResponse(local_path(to), 303)
            answer.set_cookie(VISIT_COOKIE, secret, secure=True, httponly=True, samesite="lax", path="/")
            answer.delete_cookie(NONCE_COOKIE, secure=True, httponly=True, samesite="lax", path="/")
        elif scope["path"] == f"{OWN}leave":
            for secret in cookie_values(given, VISIT_COOKIE):
                await self._in_thread(self._relay.leave, client, secret)
            answer = RedirectResponse(f"{self._relay.sign_on.issuer}/outside/{quote(client.id)}", 303)
            answer.delete_cookie(VISIT_COOKIE, secure=True, httponly=True, samesite="lax", path="/")
        else:
            raise NotFound("没有这个页面。", "There is no such page.", code="not_found")
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    async def _through(self, client: Client, scope: Scope, exchange: _Exchange) -> None:
        given, address = _headers(scope), self._relay.address(client)
        if "upgrade" in Headers(scope=scope):
            raise no_sockets()
        if scope["method"] not in _METHODS:
            raise NotFound("不支持这种操作。", "That method is not relayed.", code="method_not_allowed")
        if scope["method"] not in _SAFE:
            check_origin(Headers(scope=scope), frozenset({address}))
        target = safe_target(scope.get("raw_path") or quote(scope["path"]).encode(), scope["query_string"])
        visits = cookie_values(given, VISIT_COOKIE)
        try:
            passage = await self._in_thread(self._relay.admit, client, visits[0] if len(visits) == 1 else "")
        except Unauthenticated:
            if scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", ""):
                await self._sent_to_enter(client, target)(scope, exchange.receive, exchange.send)
                return
            raise
        ask = RelayAsk(
            method=scope["method"],
            target=target,
            headers=given,
            body=exchange.body() if _has_body(given) else None,
        )
        await self._relayed(passage, address, ask, exchange)

    def _sent_to_enter(self, client: Client, target: str) -> Response:
        nonce = secrets.token_urlsafe(32)
        answer = RedirectResponse(self._relay.entrance(client, nonce, target), 303)
        answer.set_cookie(NONCE_COOKIE, nonce, max_age=600, secure=True, httponly=True, samesite="lax", path="/")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def _relayed(self, passage: Passage, address: str, ask: RelayAsk, exchange: _Exchange) -> None:
        client, began = passage.client, time.monotonic()
        if self._going.total() >= self._most or self._going[client.id] >= max(1, self._most // _SHARE):
            raise relay_busy()
        self._going[client.id] += 1
        exchange.until = anyio.current_time() + self._relay.clients.settings.relay_seconds
        try:
            await self._run(partial(self._exchanged, passage, address, ask, exchange))
        except Refused as error:
            if error.reason == "relay_redirect":
                raise
            raise relay_closed() from error  # which address it was is none of the visitor's business
        finally:
            self._going[client.id] -= 1
            self._going += Counter()  # those at nothing are forgotten
            await self._in_thread(self._relay.done, client, exchange.status, time.monotonic() - began)

    async def _run(self, work: partial[None]) -> None:
        """Work in a thread of our own places: applications that hang take none of the platform's."""
        if self._places is None:
            self._places = anyio.CapacityLimiter(self._most)
        await anyio.to_thread.run_sync(work, limiter=self._places)

    def _exchanged(self, passage: Passage, address: str, ask: RelayAsk, exchange: _Exchange) -> None:
        own = self._relay.own_headers(passage)
        with self._relay.passed(passage.client, address, ask, own) as start:
            exchange.status = start.status
            heads = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in start.headers]
            heads.append((b"x-request-id", exchange.request_id.encode()))
            begin: Message = {"type": "http.response.start", "status": start.status, "headers": heads}
            exchange.started = True
            anyio.from_thread.run(exchange.give, begin)
            for piece in start.pieces:
                anyio.from_thread.run(exchange.give, {"type": "http.response.body", "body": piece, "more_body": True})
                if anyio.from_thread.run(_left, exchange):
                    return
            anyio.from_thread.run(exchange.give, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _in_thread(self, call: Any, *arguments: Any) -> Any:
        return await anyio.to_thread.run_sync(partial(call, *arguments))


async def _left(exchange: _Exchange) -> bool:
    """Tell whether the visitor has gone, without waiting."""
    if exchange.gone:
        return True
    if exchange.more:  # nothing of a body was read; what waits there first is its end
        with anyio.move_on_after(0):
            message = await exchange.receive()
            exchange.more = message["type"] == "http.request" and bool(message.get("more_body", False))
            exchange.gone = message["type"] == "http.disconnect"
        return exchange.gone
    with anyio.move_on_after(0):
        exchange.gone = (await exchange.receive())["type"] == "http.disconnect"
    return exchange.gone


def _headers(scope: Scope) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]


def _has_body(given: list[tuple[str, str]]) -> bool:
    heads = {name.lower(): value for name, value in given}
    return "transfer-encoding" in heads or heads.get("content-length", "0") != "0"


def _told(error: BeijiangError, scope: Scope, request_id: str) -> Response:
    """Return an error as programs and people read it; there is no page of the platform on this host."""
    status = _BAD_GATEWAY if isinstance(error, Refused) else error.status
    heads = {"Cache-Control": "no-store", "X-Request-ID": request_id, "X-Content-Type-Options": "nosniff"}
    heads["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    if "text/html" in Headers(scope=scope).get("accept", ""):
        words = f"{error.text.zh}\n{error.text.en}\n\n{request_id}\n"
        return Response(words, status, heads, media_type="text/plain; charset=utf-8")
    body = {"code": error.reason, "message": error.text.en, "detail": error.detail, "request_id": request_id}
    content = json.dumps({"error": body}, ensure_ascii=False)
    return Response(content, status, heads, media_type="application/json")


async def _refuse_socket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    why = no_sockets().text
    if "websocket.http.response" in scope.get("extensions", {}):
        heads = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "websocket.http.response.start", "status": 501, "headers": heads})
        words = f"{why.zh}\n{why.en}\n"
        await send({"type": "websocket.http.response.body", "body": words.encode()})
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": why.en[:120]})
