"""Try conditions on a few entries, without a question to the index: for who asks thousands of conditions about what just changed.

It says of each entry what ``Picker`` says of it; a test asks both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache

from beijiang.catalog.models.finding import Facet
from beijiang.catalog.models.picking import (
    AllOf,
    AnyOf,
    Between,
    Everything,
    Has,
    Moment,
    Named,
    Spoken,
    Unlike,
    Wanted,
)
from beijiang.catalog.models.terms import WORD_LIMIT, Scope, phrase, words_of
from beijiang.kit import normalise


@dataclass(frozen=True, slots=True)
class Grain:
    """One entry to try conditions on: its terms by column (name, words, fields), its facets and moments."""

    id: str
    columns: tuple[str, str, str]
    facets: Mapping[str, Sequence[str]]
    created: datetime | None
    modified: datetime | None

    @staticmethod
    def joined(terms: Sequence[str]) -> str:
        """Return terms as one text, in which a run of terms is found by its writing."""
        return f" {' '.join(terms)} "


class Sieve:
    """Some entries, and which of them meet a condition."""

    def __init__(self, grains: Iterable[Grain]) -> None:
        self._grains = {one.id: one for one in grains}

    @property
    def ids(self) -> frozenset[str]:
        """The entries that there are."""
        return frozenset(self._grains)

    def values(self, entry_id: str, facet: Facet) -> Sequence[str]:
        """Return what an entry has of a facet."""
        return self._grains[entry_id].facets.get(facet.value, ())

    def meets(self, wanted: Wanted) -> frozenset[str]:
        """Return which of the entries meet a condition."""
        return frozenset(one.id for one in self._grains.values() if _meets(one, wanted))


def _meets(one: Grain, wanted: Wanted) -> bool:  # noqa: PLR0911 - one line for each kind of condition
    match wanted:
        case Everything():
            return True
        case Spoken():
            return _says(one, wanted)
        case Has(of=of, values=values):
            return any(_fits(value, values) for value in one.facets.get(of.value, ()))
        case Named(ids=ids):
            return _fits(one.id, ids)
        case Between():
            return _within(one, wanted)
        case AllOf(parts=parts):
            return all(_meets(one, part) for part in parts)
        case AnyOf(parts=parts):
            return any(_meets(one, part) for part in parts)
        case Unlike(part=part):
            return not _meets(one, part)


def _fits(value: str, wanted: frozenset[str]) -> bool:
    if value in wanted:
        return True
    patterns = (one for one in wanted if "*" in one or "?" in one)
    return any(fnmatchcase(value, one.replace("[", "[[]")) for one in patterns)


def _says(one: Grain, spoken: Spoken) -> bool:
    columns = one.columns[:1] if spoken.in_name else one.columns
    wanted = _written(spoken.text, spoken.together)
    return bool(wanted) and all(any(run in column for column in columns) for run in wanted)


@lru_cache(20_000)
def _written(text: str, together: bool) -> tuple[str, ...]:
    """Return how the terms of each word stand in a column that holds it."""
    words = words_of(text)
    if together and words:
        words = (normalise(text)[:WORD_LIMIT],)
    found = (phrase(word, Scope.TEXT) for word in words)
    return tuple(f" {' '.join(one.terms)}{'' if one.open_end else ' '}" for one in found)


def _within(one: Grain, span: Between) -> bool:
    moment = one.created if span.moment is Moment.CREATED else one.modified
    if moment is None:
        return False
    low = span.low is None or (moment > span.low if span.low_open else moment >= span.low)
    return low and (span.high is None or (moment < span.high if span.high_open else moment <= span.high))


__all__ = ["Grain", "Sieve"]
