"""Turn every error into one shape: JSON for programs, a page for people. Nothing internal ever gets out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from beijiang.kit import BeijiangError, Invalid, Language, NotFound, Text, Throttled, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue
    from beijiang.web.templating import Pages

log = logging.getLogger(__name__)

PROGRAM_PATHS = ("/api/", "/health", "/openapi.json", "/static/")
RETRY_AFTER = "5"


Shape: TypeAlias = "Callable[[int, dict[str, Any], Exception], tuple[int, dict[str, Any]]]"
"""Turns status and body of an error into those of a protocol that others wrote."""


class ErrorBody(BaseModel):
    """What went wrong and what to do next."""

    code: str = Field(description="Stable word for programs.")
    message: str = Field(description="A sentence for people, in the language of the request.")
    detail: dict[str, Any] = Field(description="Facts beside the message; may be empty.")
    request_id: str = Field(description="Name this to the operator; it is also in the header X-Request-ID.")


class ErrorAnswer(BaseModel):
    """The one shape of every error."""

    error: ErrorBody


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer, "description": "The request is wrong, not allowed, or too large"},
    "5XX": {"model": ErrorAnswer, "description": "The platform failed or is busy; nothing is lost"},
}
"""What every endpoint's description says of errors."""

_STATUS_WORDS = {
    400: ("bad_request", Text("请求的格式不对。", "The request is malformed.")),
    403: ("denied", Text("没有权限。", "Not allowed.")),
    404: ("not_found", Text("没有这个页面，或者您无权查看。", "There is no such page, or you may not see it.")),
    405: ("method_not_allowed", Text("这个地址不支持这种操作。", "This address does not support that method.")),
    413: ("too_large", Text("内容太大。", "The content is too large.")),
    415: (
        "unsupported_media_type",
        Text(
            "不支持这种内容类型。请以 application/json 发送。",
            "This content type is not supported; send application/json.",
        ),
    ),
}


def respond(request: Request, error: Exception, pages: Pages) -> Response:
    """Return the answer for ``error``; what is not ours is logged and shown as an internal error."""
    status, body, extra = _describe(request, error)
    answer: Response | None = None
    shape: Shape | None = getattr(request.state, "shape", None)
    if shape is not None:
        status, told = shape(status, body, error)
        answer = JSONResponse(told, status_code=status)
    elif wants_page(request):
        answer = _page(request, status, body, pages)
    if answer is None:
        answer = JSONResponse({"error": body}, status_code=status)
    answer.headers.update(extra)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(request: Request, status: int, body: dict[str, Any], pages: Pages) -> Response | None:
    """Draw the error as a page; None when even that fails, so that the reader still gets the words and the id."""
    try:
        answer = pages.render(request, "error.html", status=status, error=body)
    except Exception:  # the page is a courtesy, the answer a duty
        log.exception("the error page of request %s failed", body["request_id"])
        return None
    answer.status_code = status
    return answer


def wants_page(request: Request) -> bool:
    """Tell whether a person with a browser asked, not a program."""
    if request.url.path.startswith(PROGRAM_PATHS):
        return False
    return "text/html" in request.headers.get("accept", "")


def _describe(request: Request, error: Exception) -> tuple[int, dict[str, Any], dict[str, str]]:
    language: Language = getattr(request.state, "language", Language.ZH)
    request_id: str = getattr(request.state, "request_id", "")
    if isinstance(error, RequestValidationError):
        error = HTTPException(415) if _is_no_json(request, error) else _validation(error)
    if isinstance(error, BeijiangError):
        extra = {}
        if isinstance(error, Throttled | Unavailable):
            extra["Retry-After"] = str(error.detail.get("retry_after", RETRY_AFTER))
        if isinstance(error, Unauthenticated):
            extra["WWW-Authenticate"] = 'Bearer realm="beijiang"'
        return error.status, _body(error.reason, error.message(language), error.detail, request_id), extra
    if isinstance(error, HTTPException):
        code, words = _STATUS_WORDS.get(
            error.status_code, ("http_error", Text("请求没有完成。", "The request was not completed."))
        )
        return error.status_code, _body(code, words.in_language(language), {}, request_id), dict(error.headers or {})
    log.error("request %s failed", request_id, exc_info=error)
    words = Text(
        "平台内部出错，没有丢失数据。请稍后重试；若仍失败，请把请求编号告诉管理员。",
        "Something failed inside the platform; no data is lost. Try again later, or give the request id to the operator.",
    )
    return 500, _body("internal", words.in_language(language), {}, request_id), {}


def _is_no_json(request: Request, error: RequestValidationError) -> bool:
    """Tell whether a JSON body was expected and the sender says that it is something else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    return bool(kind) and not is_json and any(tuple(fault["loc"]) == ("body",) for fault in error.errors())


def _validation(error: RequestValidationError) -> Invalid:
    """Name the fields that are wrong, without echoing what was sent."""
    faults: list[JsonValue] = [
        {"field": ".".join(str(part) for part in fault["loc"]), "problem": str(fault["msg"])}
        for fault in error.errors()
    ]
    if any(fault["type"] == "json_invalid" for fault in error.errors()):
        return Invalid(
            "正文不是正确的 JSON。", "The body is not valid JSON.", code="bad_json", detail={"fields": faults}
        )
    first = error.errors()[0]["loc"][-1] if error.errors() else ""
    return Invalid(
        f"输入有误：{first}。请按 detail 中的说明改正后重试。",
        f"The input is wrong: {first}. Correct it as the detail says and try again.",
        code="invalid_input",
        detail={"fields": faults},
    )


def _body(code: str, message: str, detail: dict[str, JsonValue], request_id: str) -> dict[str, Any]:
    return {"code": code, "message": message, "detail": detail, "request_id": request_id}


def missing(zh: str = "没有找到，或者您无权查看。", en: str = "Not found, or you may not see it.") -> NotFound:
    """Return the one answer to what is missing and what is hidden."""
    return NotFound(zh, en)
