"""Identifiers made by the platform: in the order in which they were made, unguessable, never reused."""

from __future__ import annotations

import os
import threading
import time
from base64 import b32encode

_ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz")
_RANDOM = 55
_SPARE = 20
"""Bits that fill the 100 of an id up to whole bytes."""


_TOGETHER = 512
"""Numbers drawn at once: asking the system for each costs more than everything else about an id."""
_BYTES = 7

_STEP = 15
"""An id of the moment of the one before follows it by up to 40 random bits."""

_waiting: list[int] = []
_turn = threading.Lock()
_last = 0


def _begin_anew() -> None:
    """Draw other numbers than the process that this one was forked from."""
    global _turn  # noqa: PLW0603  # a thread of the parent may have held it
    _waiting.clear()
    _turn = threading.Lock()


os.register_at_fork(after_in_child=_begin_anew)


def _drawn() -> int:
    """Return 55 random bits of the system; taking one from the list is safe among threads."""
    while True:
        try:
            return _waiting.pop()
        except IndexError:
            fresh = os.urandom(_BYTES * _TOGETHER)
            _waiting.extend(int.from_bytes(fresh[at : at + _BYTES]) >> 1 for at in range(0, len(fresh), _BYTES))


def _next() -> int:
    """Return the moment and random bits, always more than the time before."""
    global _last  # noqa: PLW0603  # what the process gave last
    now = int(time.time() * 1000) << _RANDOM
    with _turn:
        drawn = _drawn()
        _last = now | drawn if now > _last else _last + 1 + (drawn >> _STEP)
        return _last


def new_id(prefix: str) -> str:
    """Return ``prefix_`` and 20 characters: 9 of milliseconds since 1970, 11 random (55 bits).

    The alphabet is Crockford's base 32 in lower case, so ids sort by time and read well aloud. Those of one process sort in the
    order in which they were made, within a millisecond too.
    """
    text = b32encode((_next() << _SPARE).to_bytes(15, "big")).translate(_ALPHABET).decode()
    return f"{prefix}_{text[:20]}"
