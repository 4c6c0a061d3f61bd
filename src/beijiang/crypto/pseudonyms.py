"""Keyed pseudonyms: HMAC-SM3 (RFC 2104 with GB/T 32905) of very many short texts under one key.

An unkeyed hash is no pseudonym: who holds the list of all citizen numbers finds every one of them. The secrecy of the key is
the whole protection.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

__all__ = ["Pseudonyms"]

TOKEN_DIGITS: Final = 32
"""Hexadecimal digits of a pseudonym, 128 bits: among a thousand million values two are alike once in 10^20 tries."""
_BLOCK: Final = 64


class Pseudonyms:
    """Pseudonyms and numbers drawn from values, the same for the same key and value.

    The states of SM3 behind the two halves of the key are made once and copied for each value; vectors of words in numpy were
    not faster (``benchmarks/bench_pseudonyms.py``).
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        padded = key.ljust(_BLOCK, b"\0")
        self._inner = hashlib.new("sm3", bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.new("sm3", bytes(byte ^ 0x5C for byte in padded))

    def tokens(self, values: Iterable[str]) -> list[str]:
        """Return the pseudonym of each value, as 32 hexadecimal digits."""
        inner, outer = self._inner.copy, self._outer.copy
        made = []
        for value in values:
            first = inner()
            first.update(value.encode())
            second = outer()
            second.update(first.digest())
            made.append(second.hexdigest()[:TOKEN_DIGITS])
        return made

    def numbers(self, values: Iterable[str]) -> list[int]:
        """Return a whole number of 64 bits for each value, which nobody can foretell without the key."""
        return [int.from_bytes(hmac.digest(self._key, value.encode(), "sm3")[:8], "big") for value in values]
