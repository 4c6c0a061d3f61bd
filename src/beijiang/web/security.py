"""Rules that hold for every answer and every change: headers, who may send a form, names that are safe to write.

Sources: ``security.md`` 8; OWASP ASVS 5.0.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from beijiang.kit import Denied

if TYPE_CHECKING:
    from starlette.requests import Request

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "_csrf"
SESSION_COOKIE = "__Host-beijiang-session"
"""The name that ``access`` gives its cookie; it stands above this floor, so a test holds the two equal."""

_AMBIENT_SCHEMES = ("basic ", "digest ", "negotiate ", "ntlm ")

_CSP = "; ".join(  # noqa: FLY002  # one rule a line reads better
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)  # controls, line ends, bidi overrides


def headers(*, https: bool) -> dict[str, str]:
    """Return the security headers of every answer, errors included."""
    rules = {
        "Content-Security-Policy": _CSP,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if https:
        rules["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return rules


def embeddable() -> dict[str, str]:
    """Return the headers of the one kind of page that other sites may show in a frame: it has no form and no session."""
    rules = {"Content-Security-Policy": _CSP.replace("frame-ancestors 'none'", "frame-ancestors *")}
    rules["Content-Security-Policy"] = rules["Content-Security-Policy"].replace(
        "form-action 'self'", "form-action 'none'"
    )
    return {**rules, "Cross-Origin-Resource-Policy": "cross-origin"}


def form_may_go_to(address: str) -> dict[str, str]:
    """Return the header of a page whose form leads on to another site: browsers hold redirects after a form to this too."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    return {"Content-Security-Policy": _CSP.replace("form-action 'self'", f"form-action 'self' {origin}")}


def check_origin(request_headers: Mapping[str, str], own_origins: frozenset[str]) -> None:
    """Refuse a state-changing request that another site sent.

    Raises:
        Denied: ``cross_site``.

    """
    site = request_headers.get("sec-fetch-site")
    origin = request_headers.get("origin")
    foreign = (site is not None and site not in {"same-origin", "none"}) or (
        origin is not None and origin not in own_origins
    )
    if foreign:
        raise Denied(
            "这个请求来自另一个网站，已拒绝。请在本站页面上重新操作。",
            "Another site sent this request, so it was refused. Start again from a page of this site.",
            code="cross_site",
        )


def sent_by_program(authorization: str | None) -> bool:
    """Tell whether a key came with the request that no browser adds by itself, so no other site can have caused it."""
    return bool(authorization) and not str(authorization).lower().startswith(_AMBIENT_SCHEMES)


def check_token(sent: str | None, expected: str) -> None:
    """Refuse a form that does not carry its session's token.

    Raises:
        Denied: ``csrf``.

    """
    if sent is None or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise Denied(
            "页面已过期或不是从本站打开，请刷新页面后重试。",
            "The page is out of date or was not opened here; reload it and try again.",
            code="csrf",
        )


def local_path(target: str | None, default: str = "/") -> str:
    """Return ``target`` if it is a path of this site with exactly one leading slash, else ``default``."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return default
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or _CONTROL.search(target):
        return default
    return target


def request_line(request: Request) -> str:
    """Return what was asked as it came over the wire, percent signs and all; its digest stands in the receipt."""
    path = request.scope.get("raw_path") or quote(request.url.path).encode()
    return f"{request.method} {path.decode('ascii', 'replace')}?{request.url.query}".removesuffix("?")


def content_disposition(file_name: str) -> str:
    """Return an attachment header that keeps a Chinese file name (RFC 5987) and cannot carry a second header."""
    clean = _CONTROL.sub("", file_name).replace("/", "_").replace("\\", "_").replace('"', "'") or "download"
    plain = clean.encode("ascii", "ignore").decode().strip()
    if not plain.strip(" ._-()") or plain.startswith("."):
        plain = "download" + (plain if plain.startswith(".") and plain.strip(". ") else "")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe='', errors='replace')}"
