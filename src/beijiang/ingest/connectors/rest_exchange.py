"""The national exchange platform's way of asking: signed headers, and signing keys that its key service gives for a while.

What is not published (how a key is packed) is a setting; see `standards.md` section 12.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beijiang.ingest.connectors import rest_troubles as troubles
from beijiang.ingest.connectors.documents import find, parse
from beijiang.ingest.connectors.troubles import source_refuses
from beijiang.outbound import Credentials

if TYPE_CHECKING:
    from beijiang.ingest.connectors.rest_options import RestOptions
    from beijiang.outbound import Http

__all__ = ["ExchangeKeys", "exchange_headers", "unpacked"]

_OK: Final = 200
_BUSY: Final = 500
_EARLY: Final = 60.0
"""Seconds before its end in which a key is not used any more."""
_SHORT: Final = 300.0
"""Seconds for which a key is used whose end cannot be read."""
_MILLISECONDS: Final = 100_000_000_000
_BLOCK: Final = 16


def exchange_headers(key: str, service: str, requester: str, moment: str) -> dict[str, str]:
    """Return the four headers of the national exchange platform: Base64(HMAC-SHA256(key, service + requester + time))."""
    digest = hmac.new(key.encode("utf-8"), f"{service}{requester}{moment}".encode(), hashlib.sha256).digest()
    return {
        "gjgxjhpt_rid": requester,
        "gjgxjhpt_sid": service,
        "gjgxjhpt_rtime": moment,
        "gjgxjhpt_sign": base64.b64encode(digest).decode("ascii"),
    }


@dataclass(frozen=True, slots=True)
class _Key:
    text: str
    until: float


class ExchangeKeys:
    """The keys with which requests to the services of one source are signed."""

    def __init__(self, options: RestOptions) -> None:
        self._options = options
        self._app_key = options.secret.get_secret_value()
        self._keys: dict[str, _Key] = {}

    def headers(self, http: Http, service: str) -> dict[str, str]:
        """Return the signed headers of one request."""
        key = self._app_key if not self._options.key_url else self._fresh(http, service)
        return self._signed(key, service)

    def forget(self) -> bool:
        """Forget the keys that were given; tell whether there were any, so that new ones are worth a try."""
        had = bool(self._keys)
        self._keys.clear()
        return had

    def _signed(self, key: str, service: str) -> dict[str, str]:
        return exchange_headers(key, service, self._options.user, str(time.time_ns() // 1_000_000))

    def _fresh(self, http: Http, service: str) -> str:
        held = self._keys.get(service)
        if held is None or time.time() >= held.until:
            held = self._keys[service] = self._asked(http, service)
        return held.text

    def _asked(self, http: Http, service: str) -> _Key:
        """Ask the key service, which knows us by the app key.

        Raises:
            Unavailable: it is busy. Invalid: it gives no key, or one that the app key does not open.

        """
        given = self._options
        shown = Credentials(self._signed(self._app_key, service))
        answer = http.fetch("POST", given.key_url, headers={"Accept": "application/json"}, credentials=shown)
        if answer.status >= _BUSY:
            raise troubles.busy(answer.status)
        if answer.status != _OK:
            raise source_refuses("source_login_failed", str(answer.status))
        body = parse(answer.body, answer.headers.get("content-type", ""))
        code, packed = find(body, ("code",)), find(body, ("data", "secret"))
        if code != "0":
            raise troubles.not_ok(code if isinstance(code, str) else "?")
        if not isinstance(packed, str) or not packed:
            raise troubles.no_key()
        text = unpacked(packed, self._app_key, cipher=given.key_cipher, made_by=given.key_made_by)
        return _Key(text, _end(find(body, ("data", "secretEndTime")), given.time_zone))


def unpacked(packed: str, app_key: str, *, cipher: str, made_by: str) -> str:
    """Return the key that stands in ``packed`` (Base64 or hexadecimal), encrypted with AES under the app key.

    Raises:
        Invalid: it cannot be opened so (``exchange_key``).

    """
    if cipher == "none":
        return packed
    from cryptography.hazmat.primitives import padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    try:
        data = bytes.fromhex(packed) if _is_hexadecimal(packed) else base64.b64decode(packed, validate=True)
        mode: modes.ECB | modes.CBC = modes.ECB()  # noqa: S305 - not ours to choose: the platform packs its keys so
        if cipher == "cbc":
            mode, data = modes.CBC(data[:_BLOCK]), data[_BLOCK:]
        opened = Cipher(algorithms.AES(_aes_key(app_key, made_by)), mode).decryptor()
        unpadder = padding.PKCS7(8 * _BLOCK).unpadder()
        return (unpadder.update(opened.update(data) + opened.finalize()) + unpadder.finalize()).decode("utf-8")
    except (ValueError, binascii.Error) as error:  # never with the words of the library, which may tell of the key
        raise troubles.no_key() from error


def _is_hexadecimal(text: str) -> bool:
    return len(text) % (2 * _BLOCK) == 0 and all(c in "0123456789abcdefABCDEF" for c in text)


def _aes_key(app_key: str, made_by: str) -> bytes:
    """Return the AES key: the app key itself, or 128 bits made of it."""
    key = app_key.encode("utf-8")
    if made_by == "md5":
        return hashlib.md5(key, usedforsecurity=False).digest()
    if made_by == "sha1prng":  # what Java's generator gives when it is seeded with the key
        inner = hashlib.sha1(key, usedforsecurity=False).digest()
        return hashlib.sha1(inner, usedforsecurity=False).digest()[:_BLOCK]
    return key


def _end(told: object, time_zone: str) -> float:
    """Return until when a key is used, in seconds since 1970; milliseconds, seconds and written times are understood."""
    text = told.strip() if isinstance(told, str) else ""
    if text.isascii() and text.isdigit():
        number = float(text[:15])
        return (number / 1000 if number >= _MILLISECONDS else number) - _EARLY
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return time.time() + _SHORT
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time_zone))).timestamp() - _EARLY
