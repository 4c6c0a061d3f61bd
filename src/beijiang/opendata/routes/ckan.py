"""CKAN's Action API v3 on the wire: both addresses of an action, every way of sending parameters, answers as its clients read them."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import AsyncGenerator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from beijiang.kit import ANONYMOUS, BeijiangError, Denied, Invalid, TooLarge, Unauthenticated
from beijiang.opendata.ckan import ACTIONS, MEDIA_TYPES, Accepted, Ckan, Parameters, Told, Upload, dump, form_of, told
from beijiang.opendata.routes.api import under, with_receipt
from beijiang.opendata.routes.citizens import source
from beijiang.protection import files
from beijiang.web import entered, request_line
from beijiang.web.limits import DOCUMENT_BYTES
from beijiang.web.waiting import WaitingRoom

if TYPE_CHECKING:
    from beijiang.kit import Actor

__all__ = ["PREFIXES", "protocol_error", "router"]

DUMPS: Final = "/datastore/dump/"
PREFIXES: Final = ("/api/action/", "/api/3/", "/api/2/", "/api/util/", DUMPS)
"""Addresses that tell by themselves who asks."""
BODY_BYTES: Final = 2 << 20
FILE_BYTES: Final = DOCUMENT_BYTES
"""With a key, of a form that brings a file; the door itself lets no more of it in."""
SEATS: Final = 8
"""Writes of rows that wait for their run at a time; the others queue at the door and hold no thread."""
JSON_TYPE: Final = "application/json;charset=utf-8"
ANY_SITE: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_CALLBACK: Final = re.compile(r"[A-Za-z_$][\w$.]{0,60}", re.ASCII)
_FEW: Final = 200
FILE_NAME: Final = re.compile(r"[^\w.-]", re.ASCII)


def protocol_error(status: int, body: dict[str, Any], error: Exception) -> tuple[int, dict[str, Any]]:
    """Return status and body of an error that the door itself found."""
    status, said = told(status, error)
    return status, {"success": False, "error": {**said, "request_id": body["request_id"]}}


def router(ckan: Ckan) -> APIRouter:
    """Return the fixed addresses of the API."""
    routes = APIRouter(include_in_schema=False)
    room = WaitingRoom(SEATS)

    async def act(request: Request, name: str) -> Response:
        sent = b"" if request.method == "GET" else await _sent(request, name)
        work = partial(_acted, ckan, request, name, sent, time.monotonic())
        if name in ACTIONS and ACTIONS[name].waits:
            return await room.serve(request, work, _goes_on)
        return await run_in_threadpool(work)

    for path in ("/api/action/{name}", "/api/3/action/{name}"):
        routes.add_api_route(path, act, methods=["GET", "POST"])

    @routes.get("/api/3")
    def version() -> Response:
        return Response(b'{"version":3}', media_type=JSON_TYPE, headers=ANY_SITE)

    @routes.get("/api/util/status")
    def status(request: Request) -> Response:
        return _acted(ckan, request, "status_show", b"")

    @routes.get(DUMPS + "{resource_id}")
    def dump_(request: Request, resource_id: str) -> Response:
        try:
            return _dumped(ckan, request, resource_id)
        except BeijiangError as error:
            words = f"{error.text.zh}\n{error.text.en}\n{error.reason} {request.state.request_id}\n"
            status = 400 if isinstance(error, Invalid) else error.status
            return Response(words, status_code=status, media_type="text/plain; charset=utf-8", headers=ANY_SITE)

    @routes.get("/api/2/util/{what:path}/autocomplete")
    def complete(request: Request, what: str) -> Response:
        found = ckan.completed(_who(ckan, request), what, Parameters(_from_query(request)))
        return Response(orjson.dumps({"ResultSet": {"Result": found}}), media_type=JSON_TYPE, headers=ANY_SITE)

    return routes


async def _sent(request: Request, name: str) -> bytes | dict[str, Any]:
    """Return the body, or what a form with parts says; only an action that takes a file may bring one, with a key."""
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"
    takes_file = is_form and name in ACTIONS and ACTIONS[name].files and bool(_token(request))
    content = await _body(request, FILE_BYTES if takes_file else BODY_BYTES)
    return await _parts(request, content, takes_file=takes_file) if is_form and content else content


async def _body(request: Request, most: int) -> bytes:
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > most:
            raise TooLarge(
                f"请求正文最大 {most >> 20} MB。更大的文件请提交到 /api/v1/ingest/files，再以其 SHA-256 作为 hash 调用 resource_create 或 resource_update。",
                f"A body has at most {most >> 20} MB here. Hand a larger file in at /api/v1/ingest/files, then name its SHA-256 as hash in resource_create or resource_update.",
            )
    return bytes(parts)


def _who(ckan: Ckan, request: Request) -> Actor:
    """Return who asks; cookies count for nothing here, a bad key is never a visitor, and visitors' calls are counted."""
    found = _known(ckan, request)
    entered(request, found)
    ckan.pace.admit(found, source(request))
    return found


def _known(ckan: Ckan, request: Request) -> Actor:
    token = _token(request)
    if not token or "callback" in request.query_params:
        return ANONYMOUS
    try:
        return ckan.access.actor_for({}, f"Bearer {token}")
    except Unauthenticated as error:
        raise Denied(error.text.zh, error.text.en, code=error.reason) from None


def _token(request: Request) -> str:
    sent = request.headers.get("authorization") or request.headers.get("x-ckan-api-key") or ""
    return sent.removeprefix("Bearer ").strip()


def _account(request: Request) -> str:
    """Return a word for where a request comes from; visitors' queries are counted by it, and it tells nobody's address."""
    return hashlib.sha256(source(request).encode()).hexdigest()[:12]


def _goes_on() -> None:
    """Leave a run alone whose sender has left: what was handed in is taken in."""


def _acted(
    ckan: Ckan, request: Request, name: str, sent: bytes | dict[str, Any], came: float | None = None
) -> Response:
    if name not in ACTIONS:
        return Response(
            orjson.dumps(f"Bad request: Action name not known: {name[:100]}"), status_code=400, media_type=JSON_TYPE
        )
    help_ = f"{ckan.base}/api/3/action/help_show?name={name}"
    try:
        if request.method == "GET" and ACTIONS[name].changes:
            raise Invalid(
                "这个操作会改变数据，请用 POST。", "This action changes something; call it by POST.", code="post_only"
            )
        parameters = _from_query(request) if request.method == "GET" else _from_body(request, sent)
        parameters.pop("callback", None)
        result = ckan.act(_who(ckan, request), name, Parameters(parameters, _account(request), came))
        if isinstance(result, Told):
            return _delivered(request, help_, result)
        status, result = (202, result.result) if isinstance(result, Accepted) else (200, result)
        answer = {"help": help_, "success": True, "result": result}
    except BeijiangError as error:
        status, said = told(error.status, error)
        answer = {"help": help_, "success": False, "error": {**said, "request_id": request.state.request_id}}
        response = _answered(request, status, orjson.dumps(answer, default=files.plain))
        if "retry_after" in error.detail:
            response.headers["Retry-After"] = str(error.detail["retry_after"])
        return response
    return _answered(request, status, orjson.dumps(answer, default=files.plain))


def _delivered(request: Request, help_: str, told_: Told) -> Response:
    """Return rows; their receipt learns what was asked and sent, and the reader by which id it is fetched."""
    governed = told_.governed
    answer = {"help": help_, "success": True, "result": told_.result}
    response = _answered(request, 200, orjson.dumps(answer, default=files.plain))
    content = bytes(response.body)
    governed.delivered(files.digests(request_line(request), content), len(content))
    response.headers.update(under(governed.contract) | with_receipt(governed.receipt))
    return response


def _dumped(ckan: Ckan, request: Request, resource_id: str) -> Response:
    """Return a table as a file; once its last byte is out, the receipt learns what was sent."""
    who = _who(ckan, request)
    asked = Parameters(_from_query(request))
    form, encoding = form_of(asked)
    headers = {**ANY_SITE, "Content-Disposition": f'attachment; filename="{FILE_NAME.sub("_", resource_id)}.{form}"'}
    media = f"{MEDIA_TYPES[form]}; charset={encoding if form in {'csv', 'tsv'} else 'utf-8'}"
    if request.state.head:
        ckan.rows.check(who, resource_id)
        return Response(media_type=media, headers=headers)
    opened, content = dump(ckan.rows, who, resource_id, asked)
    governed = opened.governed

    def pieces() -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        for piece in content:
            digest.update(piece)
            size += len(piece)
            yield piece
        line = hashlib.sha256(request_line(request).encode()).hexdigest()
        governed.delivered({"request": line, "response": digest.hexdigest()}, size)

    headers |= under(governed.contract) | with_receipt(governed.receipt)
    return StreamingResponse(pieces(), media_type=media, headers=headers)


def _answered(request: Request, status: int, content: bytes) -> Response:
    wanted = request.query_params.get("callback", "") if request.method == "GET" else ""
    if wanted and _CALLBACK.fullmatch(wanted):
        headers = {**ANY_SITE, "X-Content-Type-Options": "nosniff"}
        script = b"/**/" + wanted.encode() + b"(" + content + b");"
        return Response(script, media_type="application/javascript;charset=utf-8", headers=headers)
    return Response(content, status_code=status, media_type=JSON_TYPE, headers=ANY_SITE)


def _from_query(request: Request) -> dict[str, Any]:
    """Return the query string's values; what is repeated, or is JSON of a list or an object, is that."""
    found: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _from_body(request: Request, content: bytes | dict[str, Any]) -> dict[str, Any]:
    if isinstance(content, dict):
        return content
    if not content.strip():
        return _from_query(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        found = orjson.loads(content)
    except ValueError:
        found = None
        if kind == "application/x-www-form-urlencoded":
            return _form(content)
    if not isinstance(found, dict):
        raise Invalid(
            "正文应是一个 JSON 对象。",
            "The body has to be one JSON object.",
            code="bad_json",
            detail={"field": "message"},
        )
    return found


def _form(content: bytes) -> dict[str, Any]:
    """Return a form's values; ``curl -d '{...}'`` sends JSON as the only key of a form."""
    from urllib.parse import parse_qs, unquote_plus

    text = content.decode("utf-8", "replace")
    spoken = unquote_plus(text.removesuffix("="))
    if spoken.lstrip().startswith("{"):
        try:
            found = json.loads(spoken)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
    values = parse_qs(text, keep_blank_values=True, max_num_fields=_FEW)
    return {name: listed[0] if len(listed) == 1 else listed for name, listed in values.items()}


async def _parts(request: Request, content: bytes, *, takes_file: bool) -> dict[str, Any]:
    """Return the values of a form with parts; a file where none is taken is refused by name."""
    from starlette.datastructures import UploadFile
    from starlette.formparsers import MultiPartException, MultiPartParser

    async def whole() -> AsyncGenerator[bytes]:
        yield content

    try:
        form = await MultiPartParser(request.headers, whole(), max_files=1, max_fields=_FEW).parse()
    except MultiPartException as error:
        raise Invalid(
            f"表单无法读取：{error.message}。每次至多一个文件。",
            f"The form cannot be read: {error.message} One file a call at most.",
            code="bad_form",
            detail={"field": "message"},
        ) from None
    found: dict[str, Any] = {}
    try:
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                found[name] = value
            elif takes_file and name == "upload":
                found[name] = Upload(value.filename or "upload", await value.read())
            else:
                raise Invalid(
                    "文件只能随 resource_create、resource_update、resource_patch 的 upload 提交，并携带密钥。",
                    "A file comes as upload of resource_create, resource_update or resource_patch, with a key.",
                    code="upload_elsewhere",
                    detail={"field": name},
                )
    finally:
        await form.close()
    return found
