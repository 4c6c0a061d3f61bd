"""Signature Version 4 of S3, as its documentation lays it down."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

__all__ = ["Account", "signed"]


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks, and for which region."""

    key: str
    secret: str
    region: str


def signed(  # noqa: PLR0913 - what is signed
    account: Account,
    method: str,
    host: str,
    path: str,
    query: Mapping[str, str],
    *,
    at: datetime,
    body: bytes = b"",
    if_match: str = "",
) -> dict[str, str]:
    """Return the headers that prove who asks. ``path`` is quoted already."""
    moment, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": moment}
    if if_match:
        headers["if-match"] = if_match
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        [
            method,
            path,
            canonical_query(query),
            *(f"{name}:{headers[name].strip()}" for name in sorted(headers)),
            "",
            names,
            digest,
        ]
    )
    scope = f"{day}/{account.region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = f"AWS4{account.secret}".encode()
    for part in (day, account.region, "s3", "aws4_request"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.digest(secret, text.encode(), "sha256").hex()
    shown = f"AWS4-HMAC-SHA256 Credential={account.key}/{scope},SignedHeaders={names},Signature={signature}"
    return {**{n: v for n, v in headers.items() if n != "host"}, "Authorization": shown}


def canonical_query(query: Mapping[str, str]) -> str:
    """Return a query as it is signed, which is also how it is sent."""
    return "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in sorted(query.items()))
