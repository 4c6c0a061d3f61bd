"""Identifiers made by the platform: sortable by time, unguessable, never reused."""

from __future__ import annotations

import secrets
import time
from base64 import b32encode

_ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz")
_RANDOM = 55
_SPARE = 20
"""Bits that fill the 100 of an id up to whole bytes."""


def new_id(prefix: str) -> str:
    """Return ``prefix_`` and 20 characters: 9 of milliseconds since 1970, 11 random (55 bits).

    The alphabet is Crockford's base 32 in lower case, so ids sort by time and read well aloud.
    """
    number = int(time.time() * 1000) << _RANDOM | secrets.randbits(_RANDOM)
    text = b32encode((number << _SPARE).to_bytes(15, "big")).translate(_ALPHABET).decode()
    return f"{prefix}_{text[:20]}"
