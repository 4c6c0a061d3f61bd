"""Who may post to a webhook without an API key: whoever signs each request with the stream's key, within five minutes."""

from __future__ import annotations

import hmac
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Final

from beijiang.kit import Invalid, Throttled, Unauthenticated

__all__ = ["Pace", "Refusals", "checked_signature", "signature_of"]

_TOLERANCE: Final = 300
_SCHEME: Final = "v1="
_SECONDS: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


def signature_of(key: str, timestamp: str, idempotency_key: str, body: bytes) -> str:
    """Return what a sender puts into ``X-Beijiang-Signature``."""
    signed = f"{timestamp}.{idempotency_key}.".encode() + body
    return _SCHEME + hmac.new(key.encode(), signed, sha256).hexdigest()


def checked_signature(
    key: str, signature: str, *, timestamp: str, idempotency_key: str, body: bytes, now: datetime
) -> None:
    """Return if a request was signed with ``key`` just now.

    Raises:
        Invalid: what is signed could be taken apart in two ways (``bad_timestamp``, ``bad_idempotency_key``).
        Unauthenticated: the signature is wrong (``signature_wrong``), or right and too old or too new (``clock_differs``).

    """
    if _SECONDS.fullmatch(timestamp) is None:
        raise Invalid(
            "X-Beijiang-Timestamp 应为 1970 年以来的秒数，如 1764057600.123。",
            "X-Beijiang-Timestamp is the number of seconds since 1970, like 1764057600.123.",
            code="bad_timestamp",
        )
    if "." in idempotency_key or ("." not in timestamp and idempotency_key.isdecimal()):
        raise Invalid(
            "签名请求的 Idempotency-Key 不能含点号；时间戳没有小数时，也不能全是数字。",
            "The Idempotency-Key of a signed request holds no dot, and not digits only where the timestamp has no fraction.",
            code="bad_idempotency_key",
        )
    expected = signature_of(key, timestamp, idempotency_key, body)
    if not key or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Unauthenticated(
            "请求签名不对。请核对签名密钥，以及签名内容：时间戳、点、Idempotency-Key（可空）、点、请求体原文。",
            "The signature of the request is wrong. Check the key, and what is signed: timestamp, dot, Idempotency-Key (may be empty), dot, the body as sent.",
            code="signature_wrong",
        )
    ahead = float(timestamp) - now.timestamp()
    if not abs(ahead) <= _TOLERANCE:
        word = ("快", "ahead") if ahead > 0 else ("慢", "behind")
        raise Unauthenticated(
            f"签名正确，但请求时间与本机相差 {abs(ahead):,.0f} 秒（发送方{word[0]}），超过 {_TOLERANCE} 秒。请校准发送方时钟，或重新签名后发送。",
            f"The signature is right, but the request's time differs from ours by {abs(ahead):,.0f} seconds (the sender's clock is {word[1]}), more than {_TOLERANCE}. Set the sender's clock, or sign anew.",
            code="clock_differs",
            detail={"server_time": int(now.timestamp()), "difference_seconds": int(ahead)},
        )


class Refusals:
    """Count what is refused, to be written down once a minute at most: whoever may send anything could fill the log."""

    def __init__(self, every: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._count = 0
        self._next = float("-inf")
        self._lock = threading.Lock()

    def due(self) -> int:
        """Count one more; return how many there were since the last note, 0 if it is too early for the next."""
        with self._lock:
            self._count += 1
            if self._clock() < self._next:
                return 0
            count, self._count, self._next = self._count, 0, self._clock() + self._every
            return count


class Pace:
    """Let so many requests a second pass, with bursts of as many as two seconds bring."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_second
        self._clock = clock
        self._left = per_second * 2
        self._at = clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Return if one more may pass.

        Raises:
            Throttled: too many came in too short a time.

        """
        with self._lock:
            now = self._clock()
            self._left = min(max(self.per_second * 2, 1.0), self._left + (now - self._at) * self.per_second)
            self._at = now
            if self._left < 1:
                raise Throttled(
                    f"请求过于频繁（每秒最多 {self.per_second:g} 个）。请稍后重发，或把多条消息放进一个请求。",
                    f"Too many requests (at most {self.per_second:g} a second). Send again in a moment, or put several messages into one request.",
                    code="too_many_requests",
                )
            self._left -= 1
