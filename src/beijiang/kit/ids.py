"""Identifiers made by the platform: sortable by time, unguessable, never reused."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """Return ``prefix_`` and 20 characters: 9 of milliseconds since 1970, 11 random (55 bits).

    The alphabet is Crockford's base 32 in lower case, so ids sort by time and read well aloud.
    """
    stamp = int(time.time() * 1000)
    head = "".join(_ALPHABET[(stamp >> shift) & 31] for shift in range(40, -1, -5))
    tail = "".join(secrets.choice(_ALPHABET) for _ in range(11))
    return f"{prefix}_{head}{tail}"
