"""Blinded values: two sides find out what both hold, and neither shows the other what only it holds.

Diffie and Hellman's exchange over values (Meadows 1986): a value is hashed to a point of P-256, each side multiplies points by a
secret number of its own, and since the order does not matter, points that both have multiplied are equal where the values were.
A point tells nothing about its value to whoever lacks the number. Points are told by their x coordinates, 32 bytes each: of the
two points that have one, either leads to the same end. P-256 has prime order, so that no point hides in a small subgroup.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from beijiang.kit import Invalid

__all__ = ["POINT", "Blinder", "OwnSet", "points_of", "spoken"]

POINT: Final = 32
"""Bytes of a point."""
_CURVE: Final = ec.SECP256R1()
_DOMAIN: Final = b"beijiang private intersection 1 P-256\x00"


class Blinder:
    """One side's secret number, drawn anew for each exchange."""

    def __init__(self, secret: str = "") -> None:
        """Draw a number, or take one up again that ``secret`` gave."""
        if secret:
            self._key = ec.derive_private_key(int(secret, 16), _CURVE)
        else:
            self._key = ec.generate_private_key(_CURVE)

    @property
    def secret(self) -> str:
        """Return the number as hex, to be kept under seal."""
        return f"{self._key.private_numbers().private_value:064x}"

    def blind(self, values: Iterable[Sequence[str]]) -> Iterator[bytes]:
        """Turn values, each of one or several parts, into points that only this side could have made."""
        for parts in values:
            yield self._key.exchange(ec.ECDH(), _point_of(spoken(parts)))

    def again(self, points: Iterable[bytes]) -> Iterator[bytes]:
        """Blind points of the other side once more.

        Raises:
            Invalid: what came is no point of the curve (``not_a_point``).

        """
        for point in points:
            yield self._key.exchange(ec.ECDH(), _lift(point))

    @staticmethod
    def noise(count: int) -> Iterator[bytes]:
        """Draw points that belong to no value; they hide how many there are of the others."""
        for _ in range(count):
            numbers = ec.generate_private_key(_CURVE).public_key().public_numbers()
            yield numbers.x.to_bytes(POINT, "big")


def points_of(content: bytes) -> list[bytes]:
    """Cut a body into points.

    Raises:
        Invalid: it is no whole number of points, or one stands twice (``not_points``).

    """
    points = [content[at : at + POINT] for at in range(0, len(content), POINT)]
    if len(content) % POINT or len(set(points)) != len(points):
        raise Invalid(
            f"内容须是若干个互不相同的 {POINT} 字节的点。",
            f"The content has to be points of {POINT} bytes each, none of them twice.",
            code="not_points",
        )
    return points


def spoken(parts: Sequence[str]) -> bytes:
    """Return a value as both sides speak it: width, case and surrounding space do not matter, the parts' borders do."""
    told = [unicodedata.normalize("NFKC", part).strip().upper().encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in told)


def _point_of(value: bytes) -> ec.EllipticCurvePublicKey:
    """Hash a value to a point: the first of a row of digests that is an x coordinate; every other one is."""
    for at in range(256):
        try:
            return _lift(hashlib.sha256(_DOMAIN + bytes([at]) + value).digest())
        except Invalid:
            continue
    msg = "no digest of 256 is on the curve"  # once in 2**256
    raise AssertionError(msg)


def _lift(x: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x02" + x)
    except ValueError as error:
        raise Invalid(
            "收到的内容不是约定曲线（P-256）上的点。请使用本平台的客户端。",
            "What came is no point of the curve (P-256). Use the platform's own client.",
            code="not_a_point",
        ) from error


class OwnSet:
    """The values of the side that asks: they are blinded here, and what comes back is unblinded here."""

    def __init__(self, values: Iterable[Sequence[str]]) -> None:
        """Take values, each of one or several parts; what both sides would speak alike counts once."""
        self.values: list[Sequence[str]] = list({spoken(parts): parts for parts in values}.values())
        secrets.SystemRandom().shuffle(self.values)
        self._blinder = Blinder()

    def points(self) -> bytes:
        """Return the own values as points, in the order of ``values``."""
        return b"".join(self._blinder.blind(self.values))

    def doubled(self, theirs: bytes) -> bytes:
        """Return the other side's points blinded once more, in an order that tells nothing."""
        return b"".join(sorted(self._blinder.again(points_of(theirs))))

    def common(self, theirs: bytes, doubled: bytes) -> list[Sequence[str]]:
        """Return the own values that the other side has too; ``doubled`` are the own points, as it blinded them again."""
        there = set(self._blinder.again(points_of(theirs)))
        return [value for value, point in zip(self.values, points_of(doubled), strict=True) if point in there]
