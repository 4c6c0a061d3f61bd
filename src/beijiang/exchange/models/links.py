"""Signed links to shared files: short-lived, bound to reader, key, grant, copy and file; changing a bit of one makes it worthless."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import astuple, dataclass
from typing import Final

from beijiang.kit import Denied

__all__ = ["LINK_SECONDS", "Link", "opened", "signed", "span_of"]

LINK_SECONDS: Final = 4 * 3600
CLOCKS_APART: Final = 60
"""Seconds that the clocks of two processes may be apart: a link of one is good at the other at once."""
_LONGEST: Final = 1024
_TAG: Final = 32


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for."""

    copy: str
    number: int
    key_id: str
    person_id: str
    grant: str
    purpose: str
    issued: int
    expires: int

    @property
    def file(self) -> str:
        """Return the id of the file, the same in each link to it; of two copies no ids are alike."""
        return f"{self.copy}-{self.number}"


def signed(link: Link, secret: bytes) -> str:
    """Return the link's token."""
    body = json.dumps(astuple(link), ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_tag(body, secret) + body).decode().rstrip("=")


def opened(token: str, file: str, secret: bytes, now: int) -> Link:
    """Return what a token is for.

    Raises:
        Denied: it is not ours, was altered, is for another file, or has expired (``share_link``).

    """
    try:
        raw = base64.b64decode(token[:_LONGEST] + "=" * (-len(token[:_LONGEST]) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != token:  # the last character has bits to spare
        raw = b""
    tag, body = raw[:_TAG], raw[_TAG:]
    if not hmac.compare_digest(tag, _tag(body, secret)):
        raise _bad()
    link = Link(*json.loads(body))
    if link.file != file or not link.issued - CLOCKS_APART <= now < link.expires:
        raise _bad()
    return link


def span_of(header: str, size: int) -> tuple[int, int] | None:
    """Return first byte and count of a ``Range``; None where the whole file is meant, and a count of 0 where none of it is.

    What is no single range of bytes is ignored, as RFC 9110 lets a server do.
    """
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        count = min(int(last), size)
        return size - count, count
    begin, end = int(first), min(int(last) if last else size - 1, size - 1)
    if last and int(last) < begin:
        return None
    return begin, max(0, end - begin + 1)


def _tag(body: bytes, secret: bytes) -> bytes:
    key = hmac.digest(secret, b"delta sharing file link", "sha256")
    return hmac.new(key, body, hashlib.sha256).digest()


def _bad() -> Denied:
    return Denied(
        "链接无效或已过期，请重新查询。", "The link is not valid or has expired; query again.", code="share_link"
    )
