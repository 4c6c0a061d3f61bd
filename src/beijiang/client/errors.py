"""What can go wrong, as a tree of classes.

ApiTrouble
├── Unreachable          no answer: network, name, certificate, time
└── ApiError             an answer that says no, or is none of the platform's (a redirect, a page; code ``http_error``);
    |                    ``code``, ``status``, ``detail``, ``request_id`` are the server's
    ├── InvalidRequest   400, 413, 415, 422
    ├── NotSignedIn      401
    ├── Denied           403
    ├── NotFound         404: missing, or hidden from this key
    ├── Conflict         409, 410
    ├── Throttled        429, after all retries
    └── ServerFailed     500 and above, after all retries
"""

from __future__ import annotations

from typing import Any, Final

__all__ = [
    "ELSEWHERE",
    "ApiError",
    "ApiTrouble",
    "Conflict",
    "Denied",
    "InvalidRequest",
    "NotFound",
    "NotSignedIn",
    "ServerFailed",
    "Throttled",
    "Unreachable",
    "error_of",
    "failure_of",
]


ELSEWHERE: Final = "http_error"
"""Code of an answer that is none of the platform's: a redirect, a proxy's page, another program's."""


class ApiTrouble(Exception):
    """Anything that kept an answer from coming."""


class Unreachable(ApiTrouble):
    """No answer came; nothing is known of what the server did."""


class ApiError(ApiTrouble):
    """The server answered that it will not, and why."""

    def __init__(self, status: int, code: str, message: str, detail: dict[str, Any], request_id: str) -> None:
        super().__init__(f"{message} [{code}, {status}]")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.request_id = request_id

    @property
    def is_ours(self) -> bool:
        """Whether the platform itself said so, not something before it or in its place."""
        return self.code != ELSEWHERE


class InvalidRequest(ApiError):
    """What was asked cannot be taken as it is."""


class NotSignedIn(ApiError):
    """The key is missing, unknown or no longer good."""


class Denied(ApiError):
    """The key may not do this."""


class NotFound(ApiError):
    """There is no such thing for this key."""


class Conflict(ApiError):
    """The present state does not allow it."""


class Throttled(ApiError):
    """Too often, and it did not get better while the client waited."""


class ServerFailed(ApiError):
    """The server failed or was busy, and it did not get better while the client waited."""


_KINDS: dict[int, type[ApiError]] = {
    401: NotSignedIn,
    403: Denied,
    404: NotFound,
    409: Conflict,
    410: Conflict,
    429: Throttled,
}
_SERVER = 500
_GOOD = range(200, 300)
_NO = 400


def failure_of(status: int, body: Any, *, strange: bool = False) -> ApiError | None:
    """Return the error of an answer that does not do what was asked, or nothing; ``strange`` is one whose body is no JSON."""
    return None if status in _GOOD and not strange else error_of(status, body)


def error_of(status: int, body: Any) -> ApiError:
    """Return the error that an answer stands for; one that is not ours (a proxy's page) keeps its status."""
    told = body.get("error") if isinstance(body, dict) else None
    told = told if isinstance(told, dict) else {}
    words = f"HTTP {status}"
    if status < _NO:
        words += "：这不是平台的应答，请检查地址。This is no answer of the platform; check the address."
    kind = _KINDS.get(status, ServerFailed if status >= _SERVER else InvalidRequest if status >= _NO else ApiError)
    return kind(
        status,
        str(told.get("code", ELSEWHERE)),
        str(told.get("message", words)),
        dict(told.get("detail") or {}),
        str(told.get("request_id", "")),
    )
