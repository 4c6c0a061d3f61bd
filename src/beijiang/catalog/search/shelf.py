"""Facets and orders of all search rows, kept in memory and brought up to date from what changed since.

It is derived from ``catalog_search`` only: a process that starts, or sees a higher sequence number, reads the rows that
changed. Nobody's words or rows are in it, and the rows of a page are fetched and checked again before they are shown.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

from beijiang.catalog.models import Facet, Sort
from beijiang.catalog.search.bits import bits_of, each, to_bytes
from beijiang.kit import normalise

Key: TypeAlias = tuple[Any, ...]

_FACETS = tuple(Facet)
_REBUILD = 2_000
_SMALL = 2_000


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose working entries a reader may see: everybody's, one organisation's, or nobody's."""

    everything: bool = False
    org_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Card:
    public: bool
    inner: bool
    provider: str
    values: Mapping[str, Sequence[str]]
    name: str
    sounds: str
    published: float
    updated: float

    def key(self, sort: Sort, position: int) -> Key:
        """Return the place of this row in an order; the position makes it unique."""
        if sort is Sort.RELEVANCE:
            return (len(self.name), self.published, self.name, position)
        if sort is Sort.NEWEST:
            return (self.published, self.name, position)
        if sort is Sort.UPDATED:
            return (self.updated, self.name, position)
        return (self.sounds, self.name, position)

    def each_value(self) -> Iterator[tuple[Facet, str]]:
        """Yield every facet value of this row."""
        for facet in _FACETS:
            for value in self.values.get(facet, ()):
                yield facet, value


@dataclass(slots=True)
class Shelf:
    """One state of the index; ``take`` moves it on."""

    seq: int = 0
    _cards: dict[int, _Card] = field(default_factory=dict)
    _public: int = 0
    _inner: int = 0
    _providers: dict[str, int] = field(default_factory=dict)
    values: dict[Facet, dict[str, int]] = field(default_factory=lambda: {facet: {} for facet in Facet})
    names: dict[str, str] = field(default_factory=dict)
    """Provider id to name."""
    _orders: dict[Sort, list[int]] = field(default_factory=lambda: {sort: [] for sort in Sort})

    def take(self, rows: Iterable[Any], seq: int) -> None:
        """Take in rows that were put since the last time."""
        listed = list(rows)
        fresh = {row.position: _card(row) for row in listed}
        self.names |= {row.provider_id: row.provider_name for row in listed}
        if len(fresh) > _REBUILD:
            self._cards |= fresh
            self._rebuild()
        else:
            for position, card in fresh.items():
                self._replace(position, card)
        self.seq = seq

    def _replace(self, position: int, card: _Card) -> None:
        old = self._cards.get(position)
        bit = 1 << position
        if old is not None:
            self._public &= ~bit
            self._inner &= ~bit
            self._providers[old.provider] &= ~bit
            for facet, value in old.each_value():
                self.values[facet][value] &= ~bit
            for sort, order in self._orders.items():
                del order[bisect_left(order, old.key(sort, position), key=self._key(sort))]
        self._cards[position] = card
        self._public |= bit if card.public else 0
        self._inner |= bit if card.inner else 0
        self._providers[card.provider] = self._providers.get(card.provider, 0) | bit
        for facet, value in card.each_value():
            self.values[facet][value] = self.values[facet].get(value, 0) | bit
        for sort, order in self._orders.items():
            order.insert(bisect_left(order, card.key(sort, position), key=self._key(sort)), position)

    def _key(self, sort: Sort) -> Callable[[int], Key]:
        cards = self._cards
        return lambda position: cards[position].key(sort, position)

    def _rebuild(self) -> None:
        self._public = bits_of([p for p, card in self._cards.items() if card.public])
        self._inner = bits_of([p for p, card in self._cards.items() if card.inner])
        providers: dict[str, list[int]] = defaultdict(list)
        values: dict[Facet, dict[str, list[int]]] = {facet: defaultdict(list) for facet in Facet}
        for position, card in self._cards.items():
            providers[card.provider].append(position)
            for facet, value in card.each_value():
                values[facet][value].append(position)
        self._providers = {provider: bits_of(found) for provider, found in providers.items()}
        self.values = {facet: {v: bits_of(found) for v, found in by.items()} for facet, by in values.items()}
        self._orders = {sort: sorted(self._cards, key=self._key(sort)) for sort in Sort}

    def visible_to(self, reader: Reader) -> int:
        """Return what a reader may know of: one row per resource, the working one where the reader may see it."""
        if reader.everything:
            return self._inner
        own = self._providers.get(reader.org_id, 0) if reader.org_id else 0
        return (self._inner & own) | (self._public & ~own)

    def narrowed(self, facet: Facet, wanted: Iterable[str]) -> int:
        """Return the positions that have one of the values."""
        found = 0
        for value in wanted:
            found |= self.values[facet].get(value, 0)
        return found

    def name_of(self, position: int) -> str:
        """Return the comparable form of a row's name."""
        card = self._cards.get(position)
        return "" if card is None else card.name

    def counts(self, facet: Facet, among: int) -> dict[str, int]:
        """Count the values of a facet among some positions."""
        by = ((value, (bits & among).bit_count()) for value, bits in self.values[facet].items())
        return {value: count for value, count in by if count}

    def page(self, tiers: Iterable[int], sort: Sort, start: int, size: int) -> list[int]:
        """Return one page of positions: tier after tier, each in the order of ``sort``."""
        return list(islice(self._walk(tiers, sort), start, start + size))

    def _walk(self, tiers: Iterable[int], sort: Sort) -> Iterator[int]:
        for tier in tiers:
            count = tier.bit_count()
            if count <= _SMALL:
                yield from sorted(each(tier), key=self._key(sort))
                continue
            wanted = to_bytes(tier)
            top = len(wanted)
            for position in self._orders[sort]:
                byte = position >> 3
                if byte < top and wanted[byte] >> (position & 7) & 1:
                    yield position
                    count -= 1
                    if not count:
                        break


def _card(row: Any) -> _Card:
    return _Card(
        public=row.is_public,
        inner=row.is_inner,
        provider=row.provider_id,
        values=row.facets,
        name=normalise(row.name),
        sounds=row.sounds,
        published=-row.published_at.timestamp() if row.published_at else 0.0,
        updated=-row.data_at.timestamp() if row.data_at else 0.0,
    )


__all__ = ["Reader", "Shelf"]
