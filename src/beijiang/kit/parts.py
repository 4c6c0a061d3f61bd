"""A part of a long list: what is wanted of it, and what came, with how many there are and how many of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Generic, TypeVar

__all__ = ["HOW_MANY", "NEW_FOR", "Find", "Part", "Wanted"]

NEW_FOR: Final = timedelta(days=7)
"""What happened within so long is new: its age is ``recent``, that of the rest ``older``."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Find:
    """One word that a row must hold: in its text, or as one of the codes whose names hold it."""

    word: str
    codes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Column -> the codes of it that are called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of a long list is wanted; a column is named by its key, and one that the list does not know is not taken notice of."""

    finds: Sequence[Find] = ()
    only: Mapping[str, str] = field(default_factory=dict)
    """Column -> the one value that it must have."""
    sort: str = ""
    falling: bool = False
    order: Sequence[str] = ()
    """The codes of the sorted column in the order of their names."""
    offset: int = 0
    limit: int | None = 50
    """None: all of them. 0: only how many there are."""
    counted: bool = True
    """Whether it is counted too how many rows have each value of a column."""


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
