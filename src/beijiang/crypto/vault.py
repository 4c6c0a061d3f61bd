"""Seal and open secrets: a data key each, wrapped by a key that is derived from the root key for one purpose."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from beijiang.kit import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from beijiang.crypto.rootkeys import RootKeys

__all__ = ["Vault"]

_SCHEME: Final = "bj1-aes256gcm"
_NONCE: Final = 12
_PARTS: Final = 4


class Vault:
    """Seal secrets for storage. A sealed text says scheme, key version, wrapped data key and ciphertext, in this order.

    ``purpose`` separates keys (``connector``, ``webhook``); ``context`` names the one place where the text may stand, so
    that a sealed text moved to another row does not open.
    """

    def __init__(self, keys: RootKeys) -> None:
        self._keys = keys

    def seal(self, secret: str, *, purpose: str, context: str) -> str:
        """Return ``secret`` in a form that may be stored and backed up."""
        import secrets

        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        version, data_key = self._keys.newest(), secrets.token_bytes(32)
        bound = _bound(purpose, context)
        body = _encrypt(AESGCM(data_key), secret.encode(), bound)
        return _join(version, _encrypt(self._wrapper(version, purpose), data_key, bound), body)

    def open(self, sealed: str, *, purpose: str, context: str) -> str:
        """Return the secret.

        Raises:
            Invalid: the text is damaged, or was sealed for another purpose or place (``sealed_text``).
            Unavailable: its root key is gone (``root_key_missing``).

        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        version, wrapped, body = _split(sealed)
        bound = _bound(purpose, context)
        data_key = _decrypt(self._wrapper(version, purpose), wrapped, bound)
        return _decrypt(AESGCM(data_key), body, bound).decode()

    def is_old(self, sealed: str) -> bool:
        """Tell whether a text was wrapped under an older root key than the newest."""
        return _split(sealed)[0] < self._keys.newest()

    def rewrap(self, sealed: str, *, purpose: str, context: str) -> str:
        """Return the same sealed secret under the newest root key; the secret itself is not opened."""
        version, wrapped, body = _split(sealed)
        bound = _bound(purpose, context)
        data_key = _decrypt(self._wrapper(version, purpose), wrapped, bound)
        newest = self._keys.newest()
        return _join(newest, _encrypt(self._wrapper(newest, purpose), data_key, bound), body)

    def new_root_key(self) -> int:
        """Make a new root key for all later sealing, and return its version."""
        return self._keys.add()

    def _wrapper(self, version: int, purpose: str) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        derived = HKDF(SHA256(), 32, salt=None, info=f"beijiang key-encryption {purpose}".encode())
        return AESGCM(derived.derive(self._keys.key(version)))


def _bound(purpose: str, context: str) -> bytes:
    return f"{_SCHEME}\n{purpose}\n{context}".encode()


def _encrypt(cipher: AESGCM, text: bytes, bound: bytes) -> bytes:
    import secrets

    nonce = secrets.token_bytes(_NONCE)
    return nonce + cipher.encrypt(nonce, text, bound)


def _decrypt(cipher: AESGCM, text: bytes, bound: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(text[:_NONCE], text[_NONCE:], bound)
    except (InvalidTag, ValueError) as error:
        raise _damaged() from error


def _join(version: int, wrapped: bytes, body: bytes) -> str:
    return ".".join((_SCHEME, str(version), _text(wrapped), _text(body)))


def _split(sealed: str) -> tuple[int, bytes, bytes]:
    parts = sealed.split(".")
    if len(parts) != _PARTS or parts[0] != _SCHEME or not parts[1].isdecimal():
        raise _damaged()
    try:
        return int(parts[1]), base64.urlsafe_b64decode(parts[2]), base64.urlsafe_b64decode(parts[3])
    except binascii.Error as error:
        raise _damaged() from error


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode("ascii")


def _damaged() -> Invalid:
    return Invalid(
        "加密保存的内容已损坏，或被移到了别处，无法解开。请重新填写。",
        "A sealed secret is damaged or was moved from its place; it cannot be opened. Enter it anew.",
        code="sealed_text",
    )
