"""A part of a long list: what is wanted of it, and what came, with how many there are and how many of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Generic, TypeVar

from beijiang.kit.text import full_width_marks, normalise, plain_text

__all__ = ["HOW_MANY", "NEW_FOR", "Find", "Part", "Wanted", "finds_of"]

NEW_FOR: Final = timedelta(days=7)
"""What happened within so long is new: its age is ``recent``, that of the rest ``older``."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Find:
    """One word that a row must hold: in its text, or as one of the codes whose names hold it."""

    word: str
    """In the form in which texts are compared (``normalise``)."""
    typed: str = ""
    """As it was typed, in lower case: a database lowers its text and no more, so full-width marks stand in it as they are."""
    codes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Column -> the codes of it that are called so."""

    @property
    def forms(self) -> Sequence[str]:
        """Return how the word may be written where it is looked for: as typed, with the marks of ASCII, with full-width marks."""
        return [*dict.fromkeys(one for one in (self.typed, self.word, full_width_marks(self.word)) if one)]


def finds_of(words: str) -> list[Find]:
    """Return what a row must hold of words as somebody typed them."""
    return [Find(normalise(one), one.lower()) for one in plain_text(words).split()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of a long list is wanted; a column is named by its key, and one that the list does not know is not taken notice of."""

    finds: Sequence[Find] = ()
    only: Mapping[str, str] = field(default_factory=dict)
    """Column -> the one value that it must have."""
    sort: str = ""
    falling: bool = False
    near: Find | None = None
    """What the first of the list's columns with words shall be near to: first what is called so, then what begins so, then what holds it."""
    order: Sequence[str] = ()
    """The codes of the sorted column in the order of their names."""
    offset: int = 0
    limit: int | None = 50
    """None: all of them. 0: only how many there are."""
    counted: bool = True
    """Whether it is counted too how many rows have each value of a column."""
    total: bool = True
    """Whether it is counted how many rows fit; without it ``Part.found`` tells only how many came."""


HOW_MANY: Final = Wanted(limit=0, counted=False)
"""What a menu asks of a list: one number."""


@dataclass(frozen=True, slots=True)
class Part(Generic[R]):
    """What came of a long list."""

    rows: Sequence[R]
    found: int
    """How many rows fit."""
    counts: Mapping[str, Mapping[str, int]]
    """Column -> value -> how many rows that hold the words have it, whichever single values were asked for."""
