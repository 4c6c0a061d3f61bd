"""Numbers that look like the real ones, pass their check digits, and cannot belong to anybody.

* Citizen numbers carry a sequence part of 990-999. The parts are given out upwards from 001 per county and day, and
  no county of the region has anywhere near 990 births on one day, so nobody holds one of these.
* Credit codes carry an organisation code that starts with ``DEM``, a block that the registration authorities do not use.
* Mobile numbers start with 15400 (segment 154 belongs to no operator), landlines with 9 after the area code (local
  numbers never start so).
"""

from __future__ import annotations

from random import Random

__all__ = [
    "FULL_WIDTH",
    "USCC_ALPHABET",
    "citizen_check",
    "citizen_id",
    "credit_code",
    "landline",
    "mobiles",
    "spoil",
    "uscc_check",
]

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
"""Turns ASCII into its full-width twin, as an input method left in the wrong mode does."""

_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_USCC_VALUE = {character: value for value, character in enumerate(USCC_ALPHABET)}
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_BLOCK = "DEM"


def citizen_check(body: str) -> str:
    """Return the check character for the first 17 digits (GB 11643)."""
    return _CITIZEN_CHECKS[sum(map(int.__mul__, map(int, body), _CITIZEN_WEIGHTS)) % 11]


def citizen_id(region: str, birth: str, sequence: int) -> str:
    """Return an 18-character number of the synthetic block; ``sequence`` is 0-9, odd for men."""
    body = f"{region}{birth}99{sequence}"
    return body + citizen_check(body)


def uscc_check(body: str) -> str:
    """Return the check character for the first 17 characters (GB 32100-2015)."""
    total = sum(_USCC_VALUE[character] * weight for character, weight in zip(body, _USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[-total % 31]


def _org_check(body: str) -> str:
    """Return the check character for the 8 characters of an organisation code (GB 11714)."""
    rest = 11 - sum(int(character, 36) * weight for character, weight in zip(body, _ORG_WEIGHTS, strict=True)) % 11
    return "X" if rest == 10 else "0" if rest == 11 else str(rest)  # noqa: PLR2004 - the two cases of the standard


def credit_code(kind: str, region: str, number: int) -> str:
    """Return a valid credit code: ``kind`` is the two leading characters, ``number`` is below 31 ** 5."""
    digits = []
    for _ in range(5):
        number, rest = divmod(number, 31)
        digits.append(USCC_ALPHABET[rest])
    organisation = _BLOCK + "".join(reversed(digits))
    body = kind + region + organisation + _org_check(organisation)
    return body + uscc_check(body)


def spoil(number: str) -> str:
    """Return ``number`` with a wrong last character, as a slip of the pen gives it."""
    last = number[-1]
    return number[:-1] + ("1" if last in "0X" else str((int(last) + 1) % 10) if last.isdigit() else "0")


def mobiles(rng: Random, count: int) -> list[str]:
    """Return ``count`` mobile numbers of the unallotted segment."""
    return [f"15400{int(x * 1_000_000):06d}" for x in (rng.random() for _ in range(count))]


def landline(rng: Random, area: str) -> str:
    """Return a landline number that no exchange serves."""
    return f"{area}-9{int(rng.random() * 1_000_000):06d}"
