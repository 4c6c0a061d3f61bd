"""From a condition to positions: every condition is a set of bits, joined as the condition says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from operator import and_, or_

from beijiang.catalog.models.finding import Facet
from beijiang.catalog.models.picking import (
    AllOf,
    AnyOf,
    Between,
    Everything,
    Has,
    Mark,
    Named,
    Spoken,
    Unlike,
    Wanted,
)
from beijiang.catalog.models.terms import WORD_LIMIT, Match, Scope, all_of, phrase, words_of
from beijiang.catalog.search.register import Register
from beijiang.catalog.search.shelf import Shelf
from beijiang.kit import normalise


class Picker:
    """One question to one state of the index, as one reader may know it."""

    def __init__(self, shelf: Shelf, register: Register, visible: int, match: Callable[[Match], int]) -> None:
        self._shelf = shelf
        self._register = register
        self._visible = visible
        self._match = match

    def positions(self, wanted: Wanted) -> int:
        """Return what meets a condition; what the reader may not see meets none, not even a negative one."""
        return self._bits(wanted) & self._visible

    def tiers(self, wanted: Wanted, found: int) -> tuple[int, ...]:
        """Return what was found, those first whose names hold all the words that were asked for."""
        spoken = list(_spoken(wanted))
        if not spoken:
            return (found,)
        named = reduce(and_, (self._spoken(replace(one, in_name=True)) for one in spoken), found)
        return named, found & ~named

    def _bits(self, wanted: Wanted) -> int:  # noqa: PLR0911 - one line for each kind of condition
        match wanted:
            case Everything():
                return self._visible
            case Spoken():
                return self._spoken(wanted)
            case Has(of=of, values=values):
                if isinstance(of, Mark):
                    return self._register.marked(of, values, self._visible)
                return self._shelf.narrowed(of, self._expanded(of, values))
            case Named(ids=ids):
                return self._register.named(ids, self._visible)
            case Between():
                return self._register.between(wanted)
            case AllOf(parts=parts):
                return reduce(and_, map(self._bits, parts), self._visible)
            case AnyOf(parts=parts):
                return reduce(or_, map(self._bits, parts), 0)
            case Unlike(part=part):
                return self._visible & ~self._bits(part)

    def _spoken(self, spoken: Spoken) -> int:
        words = _phrase_of(spoken.text) if spoken.together else words_of(spoken.text)
        if not words:
            return 0
        scope = Scope.NAME if spoken.in_name else Scope.TEXT
        return self._match(all_of(phrase(word, scope) for word in words)) & self._visible

    def _expanded(self, facet: Facet, values: frozenset[str]) -> Iterator[str]:
        from fnmatch import fnmatchcase

        for wanted in values:
            if "*" in wanted or "?" in wanted:
                pattern = wanted.replace("[", "[[]")
                yield from (value for value in self._shelf.values[facet] if fnmatchcase(value, pattern))
            else:
                yield wanted


def _phrase_of(text: str) -> tuple[str, ...]:
    """Return words that stand one after the other as one; nothing where there is nothing to look for."""
    return (normalise(text)[:WORD_LIMIT],) if words_of(text) else ()


def _spoken(wanted: Wanted) -> Iterator[Spoken]:
    """Yield the words that what is found has to hold, wherever they stand but under a negation."""
    match wanted:
        case Spoken():
            yield wanted
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from _spoken(part)
        case _:
            pass


__all__ = ["Picker"]
