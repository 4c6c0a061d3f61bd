"""Keys that sign: Ed25519 (RFC 8032), and SM2 with SM3 (GB/T 32918.2). The secret is text, which the vault seals.

SM2 is in no library that is at hand (``cryptography`` has none), and it signs a checkpoint now and then, so it is written out here: with
a ladder that does the same steps for every number, and nonces drawn from the key and the message as RFC 6979 does, so that no
weak source of chance gives the key away. Python's numbers are not constant in time; sign on a machine where nobody else can measure.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

__all__ = ["Ed25519Signer", "Sm2Signer"]

P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G: Final = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
SIGNER: Final = b"1234567812345678"
_BITS: Final = 256


class Ed25519Signer:
    """A private key of 32 bytes."""

    def __init__(self, secret: str) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))

    @staticmethod
    def new_secret() -> str:
        """Return a new private key."""
        return secrets.token_hex(32)

    @property
    def public(self) -> bytes:
        """Return the public key, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._key.sign(message)


class Sm2Signer:
    """A private key between 1 and n - 2."""

    def __init__(self, secret: str) -> None:
        self._key = int(secret, 16)
        x, y = _times(self._key, G)
        self._public = x.to_bytes(32, "big") + y.to_bytes(32, "big")

    @staticmethod
    def new_secret() -> str:
        """Return a new private key."""
        return f"{secrets.randbelow(N - 2) + 1:064x}"

    @property
    def public(self) -> bytes:
        """Return the public key, x ‖ y, 64 bytes."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the signature, r ‖ s, 64 bytes (GB/T 32918.2 6.1), under the usual signer id of GM/T 0009."""
        curve = b"".join(number.to_bytes(32, "big") for number in (A, B, *G))
        z = hashlib.new("sm3", (len(SIGNER) * 8).to_bytes(2, "big") + SIGNER + curve + self._public).digest()
        digest = hashlib.new("sm3", z + message).digest()
        e = int.from_bytes(digest, "big")
        attempt = 0
        while True:
            k = self._nonce(digest, attempt)
            r = (e + _times(k, G)[0]) % N
            s = pow(1 + self._key, -1, N) * (k - r * self._key) % N
            if r and s and r + k != N:
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")
            attempt += 1

    def _nonce(self, digest: bytes, attempt: int) -> int:
        """Return a number that only who holds the key can find, from 1 to n - 1; 128 bits to spare hide the remainder."""
        seed = digest + attempt.to_bytes(4, "big")
        key = self._key.to_bytes(32, "big")
        drawn = hmac.digest(key, b"\x00" + seed, "sha256") + hmac.digest(key, b"\x01" + seed, "sha256")[:16]
        return int.from_bytes(drawn, "big") % (N - 1) + 1


_Point = tuple[int, int, int]
"""A point as X, Y, Z with x = X/Z² and y = Y/Z³; Z is 0 for the point at infinity."""


def _times(number: int, point: tuple[int, int]) -> tuple[int, int]:
    """Return a multiple of a point by Montgomery's ladder: one addition and one doubling for each bit, whatever it is."""
    low: _Point = (1, 1, 0)
    high: _Point = (*point, 1)
    for at in range(_BITS - 1, -1, -1):
        both = _add(low, high)
        if number >> at & 1:
            low, high = both, _double(high)
        else:
            low, high = _double(low), both
    inverse = pow(low[2], -1, P)
    square = inverse * inverse % P
    return low[0] * square % P, low[1] * square * inverse % P


def _double(point: _Point) -> _Point:
    x, y, z = point
    if not z:
        return point
    square, zz = y * y % P, z * z % P
    s = 4 * x * square % P
    m = 3 * (x - zz) * (x + zz) % P
    new = (m * m - 2 * s) % P
    return new, (m * (s - new) - 8 * square * square) % P, 2 * y * z % P


def _add(left: _Point, right: _Point) -> _Point:
    """Return the sum of two points that differ (in the ladder they always differ by the base point)."""
    if not left[2]:
        return right
    if not right[2]:
        return left
    left_zz, right_zz = left[2] * left[2] % P, right[2] * right[2] % P
    u, v = left[0] * right_zz % P, right[0] * left_zz % P
    s, t = left[1] * right[2] * right_zz % P, right[1] * left[2] * left_zz % P
    h, r = (v - u) % P, (t - s) % P
    if not h:
        return _double(left) if not r else (1, 1, 0)
    hh = h * h % P
    hhh, uhh = h * hh % P, u * hh % P
    x = (r * r - hhh - 2 * uhh) % P
    return x, (r * (uhh - x) - s * hhh) % P, left[2] * right[2] * h % P
