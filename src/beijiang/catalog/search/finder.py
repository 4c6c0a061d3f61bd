"""From what was typed to a page of results: reach further only while nothing is found."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeAlias, TypeVar

from beijiang.catalog.models import Facet, FacetCount, Mark, MatchKind, Order, PickQuery, SearchQuery, Sort
from beijiang.catalog.models.terms import (
    Match,
    Phrase,
    Scope,
    all_of,
    any_of,
    near_misses,
    phrase,
    pieces,
    words_of,
)
from beijiang.catalog.search.bits import bits_of, bits_written, by_count, each, to_bytes
from beijiang.catalog.search.picker import Picker
from beijiang.catalog.search.register import Register
from beijiang.catalog.search.shelf import Reader, Shelf
from beijiang.catalog.search.sounds import syllables
from beijiang.catalog.search.standing import set_aside, undisturbed
from beijiang.catalog.store import SearchStore, WordIndex
from beijiang.kit import Text

K = TypeVar("K")
V = TypeVar("V")

_CANDIDATES = 3_000
"""Rows that are looked at one by one at most, for near misses and loose matches."""
_TEXTS = 500
"""Rows whose field names are fetched for that at most."""
_REMEMBERED = 1_000
"""Matches that are remembered at most; one takes a bit per entry."""
_MANY = 20_000
"""Rows from which on what was made of them is set aside."""
_PAGES = 1_000
"""Pages that are remembered at most, with the counts beside them."""
_SHORTEST_SOUND = 2


@dataclass(frozen=True, slots=True)
class Found:
    """What matched: tiers of positions, the best first, and how far the search had to reach."""

    kind: MatchKind
    tiers: tuple[int, ...] = ()
    needles: tuple[str, ...] = ()
    """Texts to mark in a result."""
    sounds: tuple[str, ...] = ()
    """Pinyin to mark in a name."""
    suggestion: str | None = None

    @property
    def all(self) -> int:
        """Return every position found."""
        found = 0
        for tier in self.tiers:
            found |= tier
        return found


@dataclass(frozen=True, slots=True)
class Result:
    """One page of positions and the counts beside it."""

    found: Found
    total: int
    positions: list[int]
    facets: Mapping[Facet, tuple[FacetCount, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """What a search comes to in one state of the index, without the names of things."""

    found: Found
    total: int
    positions: list[int]
    counts: Mapping[Facet, Sequence[tuple[str, int]]]


Asked: TypeAlias = tuple[str, frozenset[tuple[Facet, frozenset[str]]], Sort, int, int, Reader]
"""Everything that a page depends on beside the index."""


@dataclass(frozen=True, slots=True)
class PickResult:
    """One page of what a program picked."""

    total: int
    positions: list[int]
    ids: tuple[str, ...]
    counts: Mapping[Facet | Mark, tuple[tuple[str, int], ...]]


@dataclass(slots=True)
class Recent:
    """What was matched lately in one state of the index, before anybody's entitlement; forgotten at the next change."""

    seq: int = 0
    matches: dict[Match, int] = field(default_factory=dict)
    pages: dict[Asked, Page] = field(default_factory=dict)

    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, condition: Match, bits: int) -> None:
        """Remember a match; the oldest one makes room."""
        with self.lock:
            _put(self.matches, condition, bits, _REMEMBERED)

    def keep_page(self, asked: Asked, page: Page) -> None:
        """Remember a page; the oldest one makes room."""
        with self.lock:
            _put(self.pages, asked, page, _PAGES)


def _put(kept: dict[K, V], key: K, value: V, most: int) -> None:
    if len(kept) >= most:
        kept.pop(next(iter(kept)))
    kept[key] = value


class Finder:
    """Search one database; keeps the shelf of facets between searches."""

    def __init__(self, label: Callable[[Facet, str], Text]) -> None:
        self._label = label
        self._shelf = Shelf()
        self._register = Register()
        self._recent = Recent()
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def warm(self, store: SearchStore) -> None:
        """Bring shelf and register up to what the index holds; the first ones are made aside, while whoever asks waits for the shelf only."""
        self._make_shelf(store)
        register, seq = Register(), store.head().seq
        if seq and not self._register.seq:
            _take(register, store, seq)
        with self._lock:
            if register.seq > self._register.seq:
                self._register = register
            self._up_to_date(store)
            if self._shelf.seq > self._register.seq:
                _take(self._register, store, self._shelf.seq)

    def _make_shelf(self, store: SearchStore) -> None:
        """Make the first shelf of this process, once however many ask for it."""
        with self._making:
            head = store.head()
            if self._shelf.seq or not head.seq:
                return
            shelf = Shelf()
            _take(shelf, store, head.seq)
            with self._lock:
                self._shelf = shelf

    def find(self, query: SearchQuery, reader: Reader, store: SearchStore, words: WordIndex) -> Result:
        """Return a page; what the reader may not see takes part in nothing, not even a count."""
        asked = _asked(query, reader)
        if not self._shelf.seq:
            self._make_shelf(store)
        with self._lock:
            shelf = self._up_to_date(store)
            visible = shelf.visible_to(reader)
            recent = self._recent_of(store.head().seq)
            page = recent.pages.get(asked)
        if page is None:
            page = self._page(query, shelf, visible, _Reach(shelf, visible, store, words, recent))
            if shelf.seq == recent.seq:  # else another thread moved the shelf on meanwhile
                recent.keep_page(asked, page)
        return Result(page.found, page.total, page.positions, self._labelled(query, page.counts))

    def _page(self, query: SearchQuery, shelf: Shelf, visible: int, reach: _Reach) -> Page:
        found = reach.reach(query.text)
        everything = found.kind is MatchKind.ALL
        result = visible if everything else found.all & visible
        tiers = found.tiers if query.sort is Sort.RELEVANCE and not everything else (result,)
        order = Sort.NEWEST if query.sort is Sort.RELEVANCE and everything else query.sort
        with self._lock:
            chosen = {facet: shelf.narrowed(facet, values) for facet, values in query.facets.items() if values}
            narrowed = _and(result, chosen.values())
            start = (query.page - 1) * query.size
            positions = shelf.page((tier & narrowed for tier in tiers), order, start, query.size)
            counts = {facet: _counts(shelf, facet, query, result, chosen) for facet in Facet}
        return Page(replace(found, tiers=()), narrowed.bit_count(), positions, counts)

    def _labelled(
        self, query: SearchQuery, counts: Mapping[Facet, Sequence[tuple[str, int]]]
    ) -> dict[Facet, tuple[FacetCount, ...]]:
        """Name the values of facets, each time: the entry of a department may come later than its data."""
        return {
            facet: tuple(
                FacetCount(value, self._label(facet, value), count, value in query.facets.get(facet, ()))
                for value, count in listed
            )
            for facet, listed in counts.items()
        }

    def pick(self, query: PickQuery, reader: Reader, store: SearchStore, words: WordIndex) -> PickResult:
        """Return a page of what meets a condition, in an order of its own."""
        if not self._shelf.seq:
            self._make_shelf(store)
        with self._lock:
            shelf = self._up_to_date(store)
            if shelf.seq > self._register.seq:
                _take(self._register, store, shelf.seq)
            register, visible = self._register, shelf.visible_to(reader)
            recent = self._recent_of(store.head().seq)
            picker = Picker(shelf, register, visible, _Reach(shelf, visible, store, words, recent).match)
            found = picker.positions(query.wanted)
            scored = query.order is Order.SCORE
            tiers = picker.tiers(query.wanted, found) if scored else (found,)
            order, down = (Order.MODIFIED, True) if scored else (query.order, query.descending)
            positions = register.page(tiers, order, query.start, query.size, descending=down)
            counts = {of: self._most(shelf, of, found, query.values) for of in query.counted}
            ids = tuple(register.id_of(position) for position in positions)
        return PickResult(found.bit_count(), positions, ids, counts)

    def _most(self, shelf: Shelf, of: Facet | Mark, among: int, most: int) -> tuple[tuple[str, int], ...]:
        """Return the most frequent values among what was found."""
        if isinstance(of, Mark):
            return tuple(self._register.counts(of, among, most))
        counted = shelf.counts(of, among)
        return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:most])

    def _up_to_date(self, store: SearchStore) -> Shelf:
        head = store.head()  # another thread's snapshot may have been newer: then the shelf stays where it is
        if head.seq > self._shelf.seq:
            _take(self._shelf, store, head.seq)
        return self._shelf

    def _recent_of(self, seq: int) -> Recent:
        """Return the matches remembered for this state of the index."""
        if self._recent.seq != seq:
            self._recent = Recent(seq)
        return self._recent


def _take(into: Shelf | Register, store: SearchStore, seq: int) -> None:
    """Bring a shelf or register up to a state of the index."""
    with undisturbed():
        rows = store.changed_since(into.seq)
        into.take(rows, seq)
    many = len(rows) >= _MANY
    del rows
    if many:
        set_aside()


def _asked(query: SearchQuery, reader: Reader) -> Asked:
    facets = frozenset((facet, frozenset(values)) for facet, values in query.facets.items())
    return query.text, facets, query.sort, query.page, query.size, reader


def _counts(
    shelf: Shelf, facet: Facet, query: SearchQuery, result: int, chosen: Mapping[Facet, int]
) -> Sequence[tuple[str, int]]:
    """Count a facet under all choices but its own, so that its other values stay reachable; the most frequent first."""
    among = _and(result, (bits for other, bits in chosen.items() if other is not facet))
    counts = shelf.counts(facet, among)
    for value in query.facets.get(facet, frozenset()):
        counts.setdefault(value, 0)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _and(start: int, parts: Iterable[int]) -> int:
    for part in parts:
        start &= part
    return start


class _Reach:
    """One search: phrase, then all pairs, then sounds, then one mistake, then half of the pairs."""

    def __init__(self, shelf: Shelf, visible: int, store: SearchStore, words: WordIndex, recent: Recent) -> None:
        self._shelf = shelf
        self._visible = visible
        self._store = store
        self._index = words
        self._recent = recent

    def reach(self, text: str) -> Found:
        if not text.strip():
            return Found(MatchKind.ALL)
        words = words_of(text)
        if not words:
            return Found(MatchKind.NOTHING)
        for step in (self._phrases, self._pairs, self._sounds, self._mistakes, self._loose):
            found = step(words)
            if found is not None and found.all:
                return found
        return Found(MatchKind.NOTHING)

    def match(self, condition: Match) -> int:
        """Return the visible positions that meet a condition of words, from memory where it was asked lately."""
        bits = self._recent.matches.get(condition)
        if bits is None:
            bits = bits_written(self._index.match(condition))
            self._recent.keep(condition, bits)
        return bits & self._visible

    def _phrases(self, words: tuple[str, ...]) -> Found:
        text = self.match(all_of(phrase(word) for word in words))
        name = self.match(all_of(phrase(word, Scope.NAME) for word in words)) if text else 0
        spoken = tuple(word for word in words if word.isascii() and word.isalpha() and len(word) >= _SHORTEST_SOUND)
        sound = 0
        if spoken:
            either = (
                any_of((phrase(word), Phrase((word,), open_end=True, scope=Scope.SOUND)))
                if word in spoken
                else phrase(word)
                for word in words
            )
            sound = self.match(all_of(either)) & ~text
        return Found(MatchKind.PHRASE, (name, text & ~name, sound), words, spoken)

    def _pairs(self, words: tuple[str, ...]) -> Found | None:
        found = _pieces(words)
        bits = self._visible
        for piece in found:
            bits &= self.match(piece)
            if not bits:
                return None
        return Found(MatchKind.PAIRS, (bits,), tuple(piece.terms[0] for piece in found))

    def _sounds(self, words: tuple[str, ...]) -> Found | None:
        if all(word.isascii() for word in words):
            return None
        spoken = tuple("".join(syllables(word)) for word in words)
        if not all(len(sound) >= _SHORTEST_SOUND for sound in spoken):
            return None
        bits = self.match(all_of(Phrase((sound,), open_end=True, scope=Scope.SOUND) for sound in spoken))
        return Found(MatchKind.SOUND, (bits,), (), spoken)

    def _mistakes(self, words: tuple[str, ...]) -> Found | None:
        if len(words) != 1 or not (misses := near_misses(words[0])):
            return None
        candidates = list(islice(each(self.match(any_of(condition for condition, _ in misses))), _CANDIDATES))
        pattern = re.compile("|".join(pattern for _, pattern in misses))
        sure = {p: hit.group() for p in candidates if (hit := pattern.search(self._shelf.name_of(p)))}
        if not sure:
            for position, fields in self._store.fields(candidates[:_TEXTS]).items():
                hit = pattern.search("\n".join(fields).lower())
                if hit is not None:
                    sure[position] = hit.group()
        if not sure:
            return None
        meant = list(sure.values())
        best = max(dict.fromkeys(meant), key=lambda text: (meant.count(text), text))
        return Found(MatchKind.TYPO, (bits_of(list(sure)),), tuple(dict.fromkeys(meant)), suggestion=best)

    def _loose(self, words: tuple[str, ...]) -> Found | None:
        """Find what has half of the pairs; rank by how many and how rare they are (BM25 without term frequency).

        Rarity is weighed for the best few thousand only; the rest follow by number of pairs.
        """
        found = _pieces(words)
        matches = [bits for piece in found if (bits := self.match(piece))]
        groups = by_count(matches)[math.ceil(len(found) / 2) :]
        tiers: list[int] = []
        weighed = 0
        for group in reversed(groups):
            weighed += group.bit_count()
            tiers += self._by_rarity(group, matches) if weighed <= _CANDIDATES else [group]
        return Found(MatchKind.LOOSE, tuple(tiers), tuple(piece.terms[0] for piece in found))

    def _by_rarity(self, group: int, matches: Sequence[int]) -> list[int]:
        everything = self._visible.bit_count()
        weights = [(to_bytes(bits), math.log(1 + everything / bits.bit_count())) for bits in matches]
        scores: dict[float, list[int]] = {}
        for position in each(group):
            at, bit = position >> 3, position & 7
            score = sum(weight for held, weight in weights if at < len(held) and held[at] >> bit & 1)
            scores.setdefault(round(score, 9), []).append(position)
        return [bits_of(scores[score]) for score in sorted(scores, reverse=True)]


def _pieces(words: tuple[str, ...]) -> list[Phrase]:
    return list(dict.fromkeys(piece for word in words for piece in pieces(word)))


__all__ = ["Finder", "Found", "PickResult", "Result"]
