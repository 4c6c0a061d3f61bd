"""Signed calls (`standards.md` 12): method, path, query, SM3 of the body, application, time and nonce under HMAC-SM3."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["WINDOW", "call_headers", "call_is_signed"]

WINDOW: Final = 300.0
"""Seconds in which a signed call is good; whoever checks keeps the nonces for as long."""
APP, TIME, NONCE, SIGN = "X-Beijiang-App", "X-Beijiang-Timestamp", "X-Beijiang-Nonce", "X-Beijiang-Sign"


def call_headers(key: str, app: str, moment: float, nonce: str, call: tuple[str, str, bytes]) -> dict[str, str]:
    """Return the four headers of a call: method, address with its query, and body."""
    millis = str(round(moment * 1000))
    return {APP: app, TIME: millis, NONCE: nonce, SIGN: _signed(key, app, millis, nonce, call)}


def call_is_signed(
    key: str, headers: Mapping[str, str], call: tuple[str, str, bytes], now: float, fresh: Callable[[str], bool]
) -> bool:
    """Tell whether a call was signed under a key just now; ``fresh`` remembers a nonce and tells whether it was new."""
    told = {name.lower(): value for name, value in headers.items()}
    app, millis, nonce, sign = (told.get(name.lower(), "") for name in (APP, TIME, NONCE, SIGN))
    if not millis.isascii() or not millis.isdigit() or abs(int(millis[:16]) / 1000 - now) > WINDOW:
        return False
    expected = _signed(key, app, millis, nonce, call)
    return bool(nonce) and hmac.compare_digest(expected.encode(), sign.encode()) and fresh(nonce)


def _signed(key: str, app: str, millis: str, nonce: str, call: tuple[str, str, bytes]) -> str:
    method, url, body = call
    parts = urlsplit(url)
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    digest = hashlib.new("sm3", body).hexdigest()
    text = "\n".join((method.upper(), parts.path or "/", query, digest, app, millis, nonce))
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), "sm3")).decode("ascii")
