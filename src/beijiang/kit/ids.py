"""Identifiers made by the platform: sortable by time, unguessable, never reused."""

from __future__ import annotations

import os
import time
from base64 import b32encode

_ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz")
_RANDOM = 55
_SPARE = 20
"""Bits that fill the 100 of an id up to whole bytes."""


_TOGETHER = 512
"""Numbers drawn at once: asking the system for each costs more than everything else about an id."""
_BYTES = 7

_waiting: list[int] = []
os.register_at_fork(after_in_child=_waiting.clear)  # two processes must not give the same


def _drawn() -> int:
    """Return 55 random bits of the system; taking one from the list is safe among threads."""
    while True:
        try:
            return _waiting.pop()
        except IndexError:
            fresh = os.urandom(_BYTES * _TOGETHER)
            _waiting.extend(int.from_bytes(fresh[at : at + _BYTES]) >> 1 for at in range(0, len(fresh), _BYTES))


def new_id(prefix: str) -> str:
    """Return ``prefix_`` and 20 characters: 9 of milliseconds since 1970, 11 random (55 bits).

    The alphabet is Crockford's base 32 in lower case, so ids sort by time and read well aloud.
    """
    number = int(time.time() * 1000) << _RANDOM | _drawn()
    text = b32encode((number << _SPARE).to_bytes(15, "big")).translate(_ALPHABET).decode()
    return f"{prefix}_{text[:20]}"
