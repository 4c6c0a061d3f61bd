"""Noise of differential privacy: the discrete Laplace mechanism of OpenDP, always over 64-bit whole numbers.

OpenDP would infer 32-bit numbers and saturate at 2,147,483,647 without a word; sums here are exact whole numbers of steps, and so is the
noise, which leaves none of the gaps by which floating-point noise gives values away. Secure randomness is the library's own; it has no seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from beijiang.protection.models.private import MICRO

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MOST", "add_noise", "scale_of", "within"]

MOST: Final = 1 << 60
"""Sums stay below, so that noise has room before a 64-bit number ends."""
_ROUNDING: Final = 1 + 1e-9


def scale_of(sensitivity: int, micro: int) -> float:
    """Return the scale of noise for an epsilon in millionths; a hair more than needed, so that rounding never costs privacy."""
    return sensitivity * MICRO / micro * _ROUNDING


def within(scale: float, alpha: float) -> int:
    """Return the size that noise of a scale exceeds with probability ``alpha`` at most, as a whole number.

    Of discrete Laplace noise, P(|noise| > a) = 2 q^(a+1) / (1 + q) with q = e^(-1/scale).
    """
    q = math.exp(-1 / scale)
    if q == 0:
        return 0
    return max(0, math.ceil(math.log(alpha * (1 + q) / 2) / math.log(q) - 1 - 1e-9))


def add_noise(numbers: Sequence[int], sensitivity: int, micro: int) -> list[int]:
    """Return the numbers with noise, where one person changes all of them together by no more than ``sensitivity``.

    Raises:
        ValueError: the library would promise less than the epsilon asked for; nothing is answered then.

    """
    mechanism, promised = _mechanism(scale_of(sensitivity, micro), sensitivity)
    if promised > micro / MICRO:
        msg = "the mechanism promises less privacy than was asked for"
        raise ValueError(msg)
    return [int(number) for number in mechanism(list(numbers))]


def _mechanism(scale: float, sensitivity: int) -> tuple[Callable[[list[int]], Any], float]:
    import opendp.prelude as dp

    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    made: Any = dp.m.make_laplace(*space, scale=scale)
    return made, float(made.map(sensitivity))
