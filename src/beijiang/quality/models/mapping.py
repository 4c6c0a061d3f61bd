"""Which data element a column holds: what might be meant and why, what was decided, and how far the values conform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from beijiang.kit import Text, normalise

if TYPE_CHECKING:
    from beijiang.standards import DataElement

__all__ = ["Candidate", "Conformity", "Mapped", "Reason", "best", "by_words", "fits_type", "initials"]

_EXACT: Final = 0.6
_PART: Final = 0.4
_ALIKE: Final = 0.75
"""Names that share less than this are not alike."""
_COMMENT: Final = 0.5
_TYPES: Final = {
    "C": {"text", "integer"},
    "M": {"text"},
    "N": {"decimal", "double", "integer", "text"},
    "Y": {"decimal", "double", "integer", "text"},
    "B": {"decimal", "double", "integer", "text"},
    "F": {"decimal", "double", "integer", "text"},
    "I": {"integer", "text"},
    "D": {"date", "timestamp", "text", "integer"},
    "T": {"timestamp", "text"},
    "L": {"boolean", "text", "integer"},
    "G": {"geometry", "text"},
}
"""Column types that can carry the values of a type letter (`standards.md` 2.3)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for an element, or against it, and how much."""

    text: Text
    weight: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An element that a column might hold."""

    column: str
    element: DataElement
    reasons: tuple[Reason, ...]
    b: int = 0
    """Values that were looked at."""
    meeting: int = 0

    @property
    def score(self) -> float:
        """Return how likely it is, 0 to 1."""
        return round(min(1.0, max(0.0, sum(reason.weight for reason in self.reasons))), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What the steward of a table decided about a column and an element."""

    table: str
    column: str
    element: str
    confirmed: bool
    """False: refused, and not suggested again."""
    score: float
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformity:
    """How far a column of a version meets its element: A of B values do, X = A / B (GB/T 36344 0101)."""

    table: str
    version: int
    column: str
    element: str
    element_version: int
    a: int
    b: int
    at: datetime
    error: Text | None = None

    @property
    def x(self) -> float | None:
        """Return the share that conforms; None where there is nothing to assess."""
        return self.a / self.b if self.b else None


def fits_type(element: DataElement, column_type: str) -> bool:
    """Tell whether a column of this type can carry the element's values."""
    return column_type in _TYPES.get(element.type, {column_type})


def by_words(column: str, comment: str, element: DataElement) -> tuple[Reason, ...]:
    """Return what the name and the comment of a column say for an element; nothing where they say nothing."""
    name, said = _plain(column), _plain(comment)
    names = [(word, _plain(word)) for word in element.names if word]
    found: list[Reason] = []
    equal = next((word for word, plain in names if plain == name), None)
    if equal is not None:
        found.append(Reason(Text(f"列名即“{equal}”", f'the name is "{equal}"'), _EXACT))
    else:
        best = max((_alike(name, plain) for _, plain in names), default=0.0)
        if best:
            found.append(Reason(Text("列名相近", "the names are alike"), round(_PART * best, 2)))
        elif len(name) > 1 and name.isascii() and name in initials(element.name.zh):
            words = Text(f"列名是“{element.name.zh}”的拼音缩写", f"the name is short for {element.name.zh} in pinyin")
            found.append(Reason(words, _PART))
    if said and any(plain == said or (len(plain) > 2 and plain in said) for _, plain in names):  # noqa: PLR2004 - two characters stand in too many comments
        found.append(Reason(Text("注释写明", "the comment says so"), _COMMENT))
    return tuple(found)


@lru_cache(maxsize=20_000)
def _plain(words: str) -> str:
    return normalise(words).replace(" ", "").replace("_", "")


def _alike(one: str, other: str) -> float:
    """Return how alike two names are, 0 where they are not: one inside the other, or much in common."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < 2:  # noqa: PLR2004 - one character is in everything
        return 0.0
    if shorter in longer and (not shorter.isascii() or len(shorter) > 3):  # noqa: PLR2004 - "id", "no" are in everything
        return 0.6 + 0.4 * len(shorter) / len(longer)
    if 2 * len(shorter) < _ALIKE * (len(one) + len(other)) or set(shorter).isdisjoint(longer):
        return 0.0
    ratio = SequenceMatcher(None, one, other, autojunk=False).ratio()
    return ratio if ratio >= _ALIKE else 0.0


@cache
def initials(name: str) -> frozenset[str]:
    """Return the pinyin of a Chinese name as columns are named by it: first letters, and in full."""
    from pypinyin import Style, lazy_pinyin

    return frozenset({"".join(lazy_pinyin(name, Style.FIRST_LETTER)).lower(), "".join(lazy_pinyin(name)).lower()})


def best(candidates: Sequence[Candidate], most: int, least: float) -> tuple[Candidate, ...]:
    """Return the likeliest of one column's candidates, in order."""
    good = [one for one in candidates if one.score >= least]
    return tuple(sorted(good, key=lambda one: -one.score)[:most])
