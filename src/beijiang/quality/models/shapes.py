"""Shapes of texts: which pattern most of some values have, as 91 of them read ``AA-9999``."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Final

__all__ = ["common_pattern"]

_FINE: Final = (
    ("[0-9]", "0123456789"),
    ("[A-Z]", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("[a-z]", "abcdefghijklmnopqrstuvwxyz"),
)
_COARSE: Final = (("[0-9A-Za-z]", "".join(letters for _, letters in _FINE)),)
_HAN: Final = r"[\x{4e00}-\x{9fff}]"
_LONGEST: Final = 64
"""Texts longer than this are told, not coded: nobody writes them to a pattern."""

Run = tuple[str, int]


def common_pattern(values: Sequence[str], least: float) -> str | None:
    """Return the pattern that at least a share ``least`` of texts has, None where there is none or it says nothing.

    Digits, letters and Chinese characters are told apart first; where that parts the texts, letters and digits are
    one kind, which then must be of one length. Runs whose lengths differ are of any length.
    """
    if not values or max(map(len, values)) > _LONGEST:
        return None
    fine = _common([_runs(value, _FINE) for value in values], math.ceil(least * len(values)))
    coarse = _common([_runs(value, _COARSE) for value in values], math.ceil(least * len(values)))
    for found, enough in ((fine, _says_much), (coarse, _is_fixed)):
        if found and enough(found):
            return "".join(
                part if length == 1 else f"{part}{'+' if not length else f'{{{length}}}'}" for part, length in found
            )
    return None


def _runs(value: str, kinds: Sequence[tuple[str, str]]) -> tuple[Run, ...]:
    """Return the runs of one kind of character in a text, with their lengths."""
    return tuple((kind, len(list(run))) for kind, run in groupby(value, lambda one: _kind(one, kinds)))


def _kind(letter: str, kinds: Sequence[tuple[str, str]]) -> str:
    if "\u4e00" <= letter <= "\u9fff":
        return _HAN
    return next((kind for kind, letters in kinds if letter in letters), re.escape(letter))


def _common(shapes: Sequence[tuple[Run, ...]], least: int) -> list[Run] | None:
    """Return the sequence of kinds that most texts have; a length of 0 stands for lengths that differ."""
    exact, times = Counter(shapes).most_common(1)[0]
    if times >= least:
        return list(exact)
    sequences = Counter(tuple(kind for kind, _ in shape) for shape in shapes)
    kinds, times = sequences.most_common(1)[0]
    if times < least:
        return None
    mine = [shape for shape in shapes if tuple(kind for kind, _ in shape) == kinds]
    lengths = [{shape[at][1] for shape in mine} for at in range(len(kinds))]
    return [(kind, min(found) if len(found) == 1 else 0) for kind, found in zip(kinds, lengths, strict=True)]


def _says_much(shape: Sequence[Run]) -> bool:
    """Tell whether a shape is that of a code: names and words have none but being of Chinese characters or letters."""
    coded = any(kind.startswith("[0-9") for kind, _ in shape)
    told = any(kind == _HAN and not length for kind, length in shape)
    return coded and not told


def _is_fixed(shape: Sequence[Run]) -> bool:
    return _says_much(shape) and all(length for _, length in shape)
