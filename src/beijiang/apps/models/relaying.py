"""What may pass between a visitor and a relayed application: addresses, headers and cookies, cleaned both ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from beijiang.kit import Invalid, Refused

__all__ = [
    "NONCE_COOKIE",
    "OWN",
    "VIEWER_HEADER",
    "VISIT_COOKIE",
    "answer_headers",
    "asked_headers",
    "cookie_values",
    "led_to",
    "safe_target",
]

OWN: Final = "/.beijiang/"
"""Addresses on an application's host that the platform answers itself."""
VISIT_COOKIE: Final = "__Host-beijiang-visit"
NONCE_COOKIE: Final = "__Host-beijiang-nonce"
VIEWER_HEADER: Final = "X-Beijiang-Viewer"
_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "trailers", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_NOT_ASKED: Final = _HOP | {
    "accept-encoding", "client-ip", "content-length", "cookie", "expect", "forwarded", "host", "origin", "referer", "via",
    "true-client-ip", "x-ckan-api-key",
}  # fmt: skip
_NOT_ASKED_STARTS: Final = (
    "x-forwarded",
    "x-real-",
    "x-beijiang",
    "x-csrf-token",
    "x-client-",
    "x-original-",
    "x-rewrite-",
    "cf-",
)
_NOT_ANSWERED: Final = _HOP | {
    "alt-svc", "clear-site-data", "content-encoding", "content-security-policy", "content-security-policy-report-only",
    "date", "expect-ct", "link", "location", "nel", "origin-agent-cluster", "permissions-policy", "public-key-pins",
    "referrer-policy", "refresh", "report-to", "reporting-endpoints", "server", "service-worker-allowed", "set-cookie",
    "sourcemap", "strict-transport-security", "timing-allow-origin", "via", "x-content-type-options", "x-frame-options",
    "x-powered-by", "x-request-id",
}  # fmt: skip
_NOT_ANSWERED_STARTS: Final = ("access-control-", "cross-origin-", "x-beijiang", "x-accel-", "x-sendfile")
_OWN_SECRET: Final = re.compile(r"\s*(bearer\s+)?bj[a-z]?_", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f\\]")
_CSP: Final = (
    "default-src 'self' 'unsafe-inline' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def safe_target(raw_path: bytes, query: bytes) -> str:
    """Return path and query as they are sent on.

    Raises:
        Invalid: the path climbs, names another host, or holds what no path holds (``relay_path``).

    """
    path, said = raw_path.decode("latin-1"), query.decode("latin-1")
    plain = unquote(unquote(path))
    climbs = any(part in {".", ".."} for part in plain.split("/"))
    if not path.startswith("/") or path.startswith("//") or plain.startswith("//") or climbs or _CONTROL.search(plain):
        raise Invalid(
            "地址不合规：路径不能含 ..、反斜杠、控制字符，也不能指向别的主机。",
            "The address will not do: a path holds no .., backslash or control character and names no other host.",
            code="relay_path",
        )
    return path + (f"?{said}" if said else "")


def asked_headers(given: Sequence[tuple[str, str]], own: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that go to the application; what only the platform may say is said by ``own`` alone."""
    named = _named_by_connection(given)
    found: dict[str, str] = {}
    for name, value in given:
        low = name.lower()
        plain = low.replace("_", "-")  # many servers take the one for the other
        if plain in _NOT_ASKED or {low, plain} & named or plain.startswith(_NOT_ASKED_STARTS):
            continue
        if plain == "authorization" and _OWN_SECRET.match(value):
            continue  # a key of the platform is none of the application's business
        found[low] = f"{found[low]}, {value.strip()}" if low in found else value.strip()
    cookies = "; ".join(f"{name}={value}" for name, value in _cookies(given) if not _is_own(name))
    if cookies:
        found["cookie"] = cookies
    return {**found, **own}


def unpacked(headers: Mapping[str, str]) -> bool:
    """Tell whether a body came as it is: one that was packed is unpacked on its way, and its length does not hold."""
    return headers.get("content-encoding", "").strip().lower() in {"", "identity"}


def answer_headers(given: Iterable[tuple[str, str]], host: str, *, whole: bool, https: bool) -> list[tuple[str, str]]:
    """Return the headers that go to the visitor; ``whole``: the body goes on as it came, so its length holds."""
    given = list(given)
    named = _named_by_connection(given)
    found: list[tuple[str, str]] = []
    private = "no-store"
    for name, value in given:
        low = name.lower()
        if low == "set-cookie":
            kept = _own_cookie(value, host)
            found += [("set-cookie", kept)] if kept else []
        elif low == "cache-control":
            private = _private(value)
        elif low == "content-length":
            found += [(low, value)] if whole else []
        elif low not in _NOT_ANSWERED and low not in named and not low.startswith(_NOT_ANSWERED_STARTS):
            found.append((low, value))
    found += [
        ("cache-control", private),
        ("content-security-policy", _CSP),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ]
    return [*found, ("strict-transport-security", "max-age=31536000")] if https else found


def led_to(location: str, upstream: str, asked: str, own: str, platform: str) -> str:
    """Return where a redirect of the application may lead: within it, or to the platform.

    Raises:
        Refused: it leads elsewhere (``relay_redirect``).

    """
    try:
        target = urlsplit(urljoin(f"{upstream}{asked}", location.strip()))
    except ValueError:
        raise _leads_away() from None
    origin = f"{target.scheme}://{target.netloc}"
    if not _CONTROL.search(location.strip()):
        if origin in {upstream, own}:
            path = target.path or "/"
            if path.startswith("/") and not path.startswith("//"):
                return (
                    path
                    + (f"?{target.query}" if target.query else "")
                    + (f"#{target.fragment}" if target.fragment else "")
                )
        if origin == platform:
            return target.geturl()
    raise _leads_away()


def cookie_values(given: Sequence[tuple[str, str]], wanted: str) -> list[str]:
    """Return the values under which a cookie came."""
    return [value for name, value in _cookies(given) if name == wanted]


def _leads_away() -> Refused:
    return Refused(
        "应用要把浏览器转到它自己和平台之外的地址，未予跟随。请联系应用的主办部门。",
        "The application would lead the browser to an address that is neither its own nor the platform's, so it is not followed. Tell its department.",
        code="relay_redirect",
    )


def _cookies(given: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    found = []
    for header, value in given:
        if header.lower() == "cookie":
            for pair in value.split(";"):
                name, mark, text = pair.strip().partition("=")
                if mark and name:
                    found.append((name, text))
    return found


def _is_own(name: str) -> bool:
    return "beijiang" in name.lower()


def _named_by_connection(given: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the headers that are of this connection alone, by its own word."""
    lists = [value for name, value in given if name.lower() == "connection"]
    return frozenset(one.strip().lower() for value in lists for one in value.split(","))


def _own_cookie(value: str, host: str) -> str:
    """Return a cookie that is set for this host alone, or nothing."""
    first, *attributes = [part.strip() for part in value.split(";")]
    name = first.partition("=")[0].strip()
    kept = []
    for attribute in attributes:
        key, _, said = attribute.partition("=")
        if key.strip().lower() == "domain":
            if said.strip().lower().lstrip(".") != host:
                return ""
            continue
        kept.append(attribute)
    return "" if not name or _is_own(name) else "; ".join([first, *kept])


def _private(value: str) -> str:
    """Return what a browser may keep by itself; nothing on the way keeps an answer that was made for somebody."""
    rest = [part.strip() for part in value.split(",")]
    kept = [p for p in rest if p and p.lower() not in {"public", "private"} and not p.lower().startswith("s-maxage")]
    return ", ".join(["private", *kept])
