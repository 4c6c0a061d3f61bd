"""Page tokens: where a reader stands in a table, sealed so that nothing of it can be read or changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any, Final

from beijiang.kit import Invalid

__all__ = ["PageTokens"]

_NONCE: Final = 12
_TAG: Final = 16
_LIMIT: Final = 4000


class PageTokens:
    """Seal and open page tokens under one secret of the installation.

    Encrypt-then-authenticate with HMAC-SHA-256 in counter mode; the position tells how many rows a row filter hides, so
    it is not sent in clear text. It moves to the crypto provider when that exists.
    """

    def __init__(self, secret: bytes) -> None:
        self._seal_key = hmac.digest(secret, b"page token seal", "sha256")
        self._tag_key = hmac.digest(secret, b"page token tag", "sha256")

    def seal(self, position: list[Any], bound_to: str, *, same: bool = False) -> str:
        """Return the token of a position; it opens only together with the same ``bound_to``.

        With ``same`` a position has one token, whenever it is sealed: the nonce is drawn from position and bond under the key.
        """
        plain = json.dumps(position, ensure_ascii=False, separators=(",", ":")).encode()
        nonce = self._tag(b"same" + plain, bound_to)[:_NONCE] if same else secrets.token_bytes(_NONCE)
        hidden = self._mix(plain, nonce)
        return base64.urlsafe_b64encode(nonce + hidden + self._tag(nonce + hidden, bound_to)).decode().rstrip("=")

    def open(self, token: str, bound_to: str) -> list[Any]:
        """Return the position.

        Raises:
            Invalid: the token is not ours, or belongs to another table, version, filter, order or set of rights.

        """
        raw = _decoded(token)
        sealed, tag = raw[:-_TAG], raw[-_TAG:]
        if not hmac.compare_digest(tag, self._tag(sealed, bound_to)):
            raise Invalid(
                "翻页标记无效或已过期：数据版本、筛选、排序或权限已经改变。请从第一页重新开始。",
                "The page token is not valid any more: version, filters, order or rights have changed. Start again from the first page.",
                code="page_token",
            )
        return list(json.loads(self._mix(sealed[_NONCE:], sealed[:_NONCE])))

    def _mix(self, data: bytes, nonce: bytes) -> bytes:
        stream = b"".join(
            hmac.digest(self._seal_key, nonce + block.to_bytes(4, "big"), "sha256")
            for block in range(len(data) // hashlib.sha256().digest_size + 1)
        )
        return bytes(a ^ b for a, b in zip(data, stream, strict=False))

    def _tag(self, sealed: bytes, bound_to: str) -> bytes:
        return hmac.digest(self._tag_key, sealed + bound_to.encode(), "sha256")[:_TAG]


def _decoded(token: str) -> bytes:
    """Return the bytes of a token, none for what cannot be one."""
    if len(token) > _LIMIT:
        return b""
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
