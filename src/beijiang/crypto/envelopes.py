"""Envelopes that only one receiver opens: HPKE after RFC 9180 (X25519, HKDF-SHA256, AES-256-GCM), base mode."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from beijiang.kit import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hpke import Suite

__all__ = ["envelope_for", "new_envelope_key", "opened_envelope"]


def new_envelope_key() -> tuple[str, str]:
    """Return a fresh pair in base64, the secret half first; it serves one envelope, and is forgotten when that is opened."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    made = X25519PrivateKey.generate()
    return _text(made.private_bytes_raw()), _text(made.public_key().public_bytes_raw())


def envelope_for(public: str, content: bytes, bound: str) -> bytes:
    """Return ``content`` sealed for a public half; ``bound`` has to be named again by whoever opens it.

    Raises:
        Invalid: that is no public half (``bad_envelope_key``).

    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    try:
        key = X25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        return _suite().encrypt(content, key, info=bound.encode())
    except (ValueError, binascii.Error) as error:
        raise Invalid(
            "加密用的公钥不对，请对方重新索取。",
            "That is no key to seal for; have the other side ask again.",
            code="bad_envelope_key",
        ) from error


def opened_envelope(secret: str, sealed: bytes, bound: str) -> bytes:
    """Return what was sealed.

    Raises:
        Invalid: it was altered, sealed for another key, or for another matter (``bad_envelope``).

    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    try:
        key = X25519PrivateKey.from_private_bytes(base64.b64decode(secret))
        return _suite().decrypt(sealed, key, info=bound.encode())
    except (InvalidTag, ValueError) as error:
        raise Invalid(
            "密封内容打不开：被改动过，或不是给这次索取的。请重新索取。",
            "What was sealed does not open: it was altered, or is for another matter. Ask for it again.",
            code="bad_envelope",
        ) from error


def _suite() -> Suite:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
