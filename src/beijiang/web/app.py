"""The door: every request gets an id, a language and an actor, and every answer the same protective headers.

HEAD is answered as GET without the body. A file for download is too dear for that, and reading it is recorded, so those
routes look at ``request.state.head`` and answer with the headers alone.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import unquote_plus, urlsplit

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beijiang import __version__
from beijiang.kit import ANONYMOUS, Actor, ActorKind, BeijiangError, Pace, SystemClock, Throttled, Unauthenticated
from beijiang.web import errors, language, limits, security
from beijiang.web.assets import Assets

if TYPE_CHECKING:
    from beijiang.kit import Clock
    from beijiang.settings import Settings
    from beijiang.web.templating import Pages

TITLE: Final[dict[str, Any]] = {
    "title": "云上北疆 Beijiang",
    "version": __version__,
    "summary": "Open government data: find it, look at it, take it away, with proof of every use.",
}
_PACE_HEADERS = ("RateLimit", "RateLimit-Policy", "Retry-After")
FORM_HEAD_BYTES = 64 << 10
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class IdentityProvider(Protocol):
    """Who stands behind a request; implemented by ``access``."""

    def actor_for(self, cookies: Mapping[str, str], authorization: str | None = None) -> Actor:
        """Turn the session cookie or an ``Authorization`` header into an actor; a dead session is a visitor.

        Raises:
            Unauthenticated: a key was sent and is not good.

        """
        ...

    def csrf(self, token: str) -> str:
        """Return the token that forms of this session must carry."""
        ...


class CallWatch(Protocol):
    """Who holds applications to their plans and counts their calls; implemented by ``apps``."""

    def admit(self, who: Actor, path: str) -> None:
        """Let a call pass.

        Raises:
            Denied: the application has no right to it.
            Throttled: it asks too often.

        """
        ...

    def done(self, who: Actor, path: str, status: int, seconds: float) -> None:
        """Count a call that was answered."""
        ...


def entered(request: Request, actor: Actor) -> None:
    """Note who asks at an address of a protocol that tells that by itself, and hold applications to their plans there too.

    Raises:
        Denied, Throttled: as ``CallWatch.admit`` does.

    """
    request.state.actor = actor
    if request.state.watch is not None and actor.kind is ActorKind.APPLICATION:
        request.state.watch.admit(actor, request.scope["path"])


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the door treats requests in a way of their own.

    Only ``uploads`` take bodies as large as a file, and only from somebody who has signed in. ``protocols`` are addresses of
    protocols that others wrote, by how they begin: they tell by themselves who asks, and have a shape of errors. At addresses
    that begin as one of ``metered``, visitors may call so often a minute as the setting ``visitor_calls`` says.
    """

    uploads: frozenset[str] = frozenset()
    protocols: Mapping[str, errors.Shape] = field(default_factory=dict)
    metered: tuple[str, ...] = ()
    said_of: Callable[[str], Mapping[str, str]] = lambda _: {}
    """The headers that an answer has because of the receipts that it names, unless its route gave them; none that is empty."""


ORDINARY: Final = Addresses()
RECEIPT: Final = "X-Beijiang-Receipt"


def new_app(
    settings: Settings,
    identity: IdentityProvider,
    pages: Pages,
    addresses: Addresses = ORDINARY,
    watch: CallWatch | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Return an application with the door in front, errors in one shape, and the static files."""
    app = FastAPI(**TITLE, docs_url=None, redoc_url=None)
    app.add_middleware(
        Door,
        settings=settings,
        identity=identity,
        pages=pages,
        addresses=addresses,
        watch=watch,
        clock=clock or SystemClock(),
    )

    async def answer(request: Request, error: Exception) -> object:
        return await run_in_threadpool(errors.respond, request, error, pages)

    from fastapi.exceptions import RequestValidationError

    for kind in (BeijiangError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)  # type: ignore[arg-type]  # one handler for the whole tree
    app.mount("/static", Assets(), name="static")
    return app


def describe(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Let the OpenAPI description be made of ``routers`` when somebody first asks for it."""
    app.openapi = cache(lambda: description(routers))  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def description(routers: Sequence[APIRouter]) -> dict[str, Any]:
    """Return the OpenAPI description of ``routers``; of all of them it takes seconds to make."""
    return get_openapi(**TITLE, routes=[route for router in routers for route in router.routes])


def session_cookie(settings: Settings) -> str:
    """Return the name of the session cookie that ``access`` sets.

    The prefix binds it to this host and to https; browsers take it from 127.0.0.1 over http too.
    """
    del settings  # one name for every installation: a second one would be a second door
    return security.SESSION_COOKIE


class Door:
    """Middleware: identify, check, pass on, protect the answer."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        identity: IdentityProvider,
        pages: Pages,
        addresses: Addresses = ORDINARY,
        watch: CallWatch | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._app = app
        self._addresses = addresses
        self._pace = Pace(clock or SystemClock(), settings.visitor_calls)
        self._watch = watch
        self._settings = settings
        self._identity = identity
        self._pages = pages
        self._cookie = session_cookie(settings)
        self._headers = security.headers(https=settings.public_url.startswith("https://"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        started, began = False, time.monotonic()
        request.state.request_id = (
            f"{random.getrandbits(64):016x}"  # a name, no secret: asking the system lets other threads in between
        )
        request.state.actor = ANONYMOUS
        request.state.csrf = ""
        request.state.shape = next(
            (s for start, s in self._addresses.protocols.items() if request.url.path.startswith(start)), None
        )
        request.state.watch, request.state.pace = self._watch, self._pace
        request.state.head = request.method == "HEAD"
        request.state.language = language.choose(
            request.query_params, request.cookies, request.headers.get("accept-language", ""), self._settings.language
        )

        async def protected(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                request.state.status = message["status"]
                self._protect(request, MutableHeaders(scope=message))
            elif request.state.head:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._identify(request)
            await self._admit(request)
            receive = await self._check_change(request, receive)
            await self._app({**scope, "method": "GET"} if request.state.head else scope, receive, protected)
        except Exception as error:
            if started:
                raise
            response = await run_in_threadpool(errors.respond, request, error, self._pages)
            await response(scope, receive, protected)
        finally:
            await self._done(request, time.monotonic() - began)

    async def _admit(self, request: Request) -> None:
        """Hold applications to their plans, and count what visitors call; people and their keys have no plan."""
        if request.url.path.startswith(self._addresses.metered) and (await self._known(request)).is_anonymous:
            source = request.client.host if request.client else "unknown"
            try:
                request.state.calls_left = self._pace.admit(ANONYMOUS, source)
            except Throttled:
                request.state.calls_left = 0
                raise
        if self._watch is not None and request.state.actor.kind is ActorKind.APPLICATION:
            await run_in_threadpool(self._watch.admit, request.state.actor, request.scope["path"])

    async def _known(self, request: Request) -> Actor:
        """Return who calls, also at the addresses of protocols that give everybody what a visitor gets."""
        token, authorization = request.cookies.get(self._cookie), request.headers.get("authorization")
        if request.state.shape is None or not (token or authorization):
            known: Actor = request.state.actor
            return known
        try:
            return await run_in_threadpool(self._identity.actor_for, request.cookies, authorization)
        except Unauthenticated:
            return ANONYMOUS

    async def _done(self, request: Request, seconds: float) -> None:
        if self._watch is not None and request.state.actor.kind is ActorKind.APPLICATION:
            status = getattr(request.state, "status", 500)
            await run_in_threadpool(self._watch.done, request.state.actor, request.scope["path"], status, seconds)

    async def _identify(self, request: Request) -> None:
        token, authorization = request.cookies.get(self._cookie), request.headers.get("authorization")
        if request.url.path.startswith("/static/") or request.state.shape or not (token or authorization):
            return
        request.state.actor = await run_in_threadpool(self._identity.actor_for, request.cookies, authorization)
        if token and not request.state.actor.is_anonymous:
            request.state.csrf = self._identity.csrf(token)

    async def _check_change(self, request: Request, receive: Receive) -> Receive:
        """Let a state-changing request pass only if this site sent it; programs with a key and no cookie are exempt."""
        if request.method in security.SAFE_METHODS:
            return receive
        takes_files = request.url.path in self._addresses.uploads
        if takes_files and request.state.actor.is_anonymous:
            raise Unauthenticated("请先登录，再上传文件。", "Sign in before you hand in a file.")
        limit = limits.body_limit(request.headers, self._settings.upload_limit_bytes, takes_files=takes_files)
        limits.check_declared(request.headers, limit)
        receive = limits.capped(receive, limit)
        token = request.cookies.get(self._cookie)
        if token is None and security.sent_by_program(request.headers.get("authorization")):
            return receive
        security.check_origin(request.headers, self._own_origins(request))
        if token is None or request.state.actor.is_anonymous:
            return receive
        sent = request.headers.get(security.CSRF_HEADER)
        if sent is None and request.headers.get("content-type", "").startswith(FORM_TYPES):
            sent, receive = await _token_in_form(request.headers, receive)
        security.check_token(sent, request.state.csrf)
        return receive

    def _own_origins(self, request: Request) -> frozenset[str]:
        public = urlsplit(self._settings.public_url)
        own = {f"{public.scheme}://{public.netloc}"}
        if urlsplit(f"//{request.headers.get('host', '')}").hostname in {"127.0.0.1", "localhost", "::1", "testserver"}:
            own.add(f"{request.url.scheme}://{request.headers['host']}")
        return frozenset(own)

    def _protect(self, request: Request, answer: MutableHeaders) -> None:
        for name, value in self._headers.items():
            answer.setdefault(name, value)
        answer["X-Request-ID"] = request.state.request_id
        for name, value in self._addresses.said_of(answer.get(RECEIPT, "")).items():
            if not answer.setdefault(name, value):
                del answer[name]  # nothing to say: so the receipts, or the route, which knows its own answer better
        if "cache-control" not in answer:
            answer["Cache-Control"] = "no-cache" if request.state.actor.is_anonymous else "no-store"
        if not request.url.path.startswith("/static/"):
            answer.add_vary_header("Cookie, Authorization, Accept, Accept-Language")
        left = getattr(request.state, "calls_left", None)
        if left is not None:
            answer["RateLimit-Policy"] = f'"visitor";q={self._pace.most};w=60'
            answer["RateLimit"] = f'"visitor";r={left}'
            answer.setdefault("Access-Control-Allow-Origin", "*")  # a page of another site reads why it has to wait
            shown = answer.get("Access-Control-Expose-Headers")
            answer["Access-Control-Expose-Headers"] = ", ".join(filter(None, (shown, *_PACE_HEADERS)))
        asked = request.query_params.get("lang")
        if asked == request.state.language.value and request.cookies.get(language.COOKIE) != asked:
            secure = "; Secure" if "Strict-Transport-Security" in self._headers else ""
            answer.append("Set-Cookie", f"{language.COOKIE}={asked}; Path=/; Max-Age=31536000; SameSite=Lax{secure}")


async def _token_in_form(headers: Headers, receive: Receive) -> tuple[str | None, Receive]:
    """Look for the token at the beginning of a form; hand the bytes on unchanged."""
    messages: list[Message] = []
    head = b""
    while len(head) < FORM_HEAD_BYTES:
        message = await receive()
        messages.append(message)
        head += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body", False):
            break
    queue = iter(messages)

    async def replay() -> Message:
        for message in queue:
            return message
        return await receive()

    return _find_token(
        head[:FORM_HEAD_BYTES], multipart=headers.get("content-type", "").startswith("multipart/")
    ), replay


def _find_token(head: bytes, *, multipart: bool) -> str | None:
    field = security.CSRF_FIELD.encode()
    if multipart:
        found = re.search(rb'name="' + field + rb'"\r\n\r\n([^\r\n]{1,256})\r\n', head)
        return found.group(1).decode("ascii", "replace") if found else None
    for pair in head.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == field:
            return unquote_plus(value.decode("ascii", "replace"))
    return None
