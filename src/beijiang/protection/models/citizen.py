"""Citizen numbers (GB 11643) encrypted into citizen numbers: the region stays, day of birth and sequence are hidden.

What is encrypted is the rank of (day of birth, sequence) among 73 million, so that the result has a real day and a right check
digit. Region and day kept, as display masks do, would leave a thousand values, which anybody can try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from beijiang.crypto import Ff1

__all__ = ["encrypted_numbers"]

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = b"10X98765432"
_FIRST: Final = "1900-01-01"
_DAYS: Final = 73_049
"""Days from 1900 to 2099."""
_SEQUENCES: Final = 1000
_DIGITS: Final = 8
"""Decimal digits that hold all ranks; what lies beyond the last is encrypted again until it does not."""
_LENGTH: Final = 18
_TEN: Final = 10


def encrypted_numbers(values: Sequence[str], ff1: Ff1) -> list[str | None]:
    """Return the encrypted number of each value, None for what is no valid number of 18 characters and a day since 1900."""
    import numpy as np

    made: list[str | None] = [None] * len(values)
    places = [i for i, value in enumerate(values) if len(value) == _LENGTH and value.isascii()]
    if not places:
        return made
    letters = np.array([values[i].upper().encode() for i in places], "S18").view(np.uint8).reshape(-1, _LENGTH)
    digits = letters[:, :17].astype(np.int64) - ord("0")
    days, real = _days_of(digits)
    sound = real & ((digits >= 0) & (digits < _TEN)).all(axis=1) & (_check(digits) == letters[:, 17])
    ranks = days[sound] * _SEQUENCES + digits[sound, 14:] @ np.array([100, 10, 1])
    hidden = _walked(ranks, ff1)
    letters = letters[sound].copy()
    letters[:, 6:17] = _numerals(hidden) + ord("0")
    letters[:, 17] = _check(letters[:, :17].astype(np.int64) - ord("0"))
    for place, number in zip(np.flatnonzero(sound).tolist(), letters.view("S18").ravel().tolist(), strict=True):
        made[places[place]] = number.decode()
    return made


def _days_of(digits: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return days since 1900, and whether there is such a day."""
    import numpy as np

    year = digits[:, 6:10] @ np.array([1000, 100, 10, 1])
    month, day = digits[:, 10] * 10 + digits[:, 11], digits[:, 12] * 10 + digits[:, 13]
    real = (year >= 1900) & (year < 2100) & (month >= 1) & (month <= 12) & (day >= 1)  # noqa: PLR2004
    months = np.where(real, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + np.where(real, day - 1, 0)
    real &= dates.astype("datetime64[M]") == months
    return (dates - np.datetime64(_FIRST)).astype(np.int64), real


def _check(digits: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    import numpy as np

    made: npt.NDArray[np.uint8] = np.frombuffer(_CHECKS, np.uint8)[(digits @ np.array(_WEIGHTS)) % 11]
    return made


def _walked(ranks: npt.NDArray[np.int64], ff1: Ff1) -> npt.NDArray[np.int64]:
    """Encrypt until every rank is one again: a permutation of 10^8 numbers becomes one of the ranks (cycle walking)."""
    import numpy as np

    hidden = ff1.encrypt_column(ranks, _DIGITS)
    beyond = np.flatnonzero(hidden >= _DAYS * _SEQUENCES)
    while beyond.size:
        hidden[beyond] = ff1.encrypt_column(hidden[beyond], _DIGITS)
        beyond = beyond[hidden[beyond] >= _DAYS * _SEQUENCES]
    return hidden


def _numerals(ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the eleven digits of day and sequence."""
    import numpy as np

    days, sequence = np.divmod(ranks, _SEQUENCES)
    dates = np.datetime64(_FIRST) + days
    months = dates.astype("datetime64[M]")
    year = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    number = ((year * 100 + month) * 100 + day) * _SEQUENCES + sequence
    made: npt.NDArray[np.int64] = number[:, None] // 10 ** np.arange(10, -1, -1) % 10
    return made
