"""Ids, moments, tags and licences of all search rows in memory: what programs pick by. Made when somebody first picks.

Tags are many and rare, so each keeps its positions and makes a bit set only when somebody asks for it.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from functools import partial
from itertools import islice
from re import compile as pattern_of
from typing import Any

from beijiang.catalog.models.picking import Between, Mark, Moment, Order
from beijiang.catalog.search.bits import bits_of, each, to_bytes
from beijiang.kit import normalise

_REBUILD = 2_000
_SMALL = 2_000
_EXPANDED = 1_000
"""Values that a pattern stands for at most; only those that the reader may know of count."""


@dataclass(frozen=True, slots=True)
class _Slip:
    id: str
    title: str
    created: float
    modified: float
    marks: tuple[tuple[Mark, str], ...]

    def key(self, order: Order, position: int) -> tuple[Any, ...]:
        if order is Order.CREATED:
            return (self.created, self.id, position)
        if order is Order.MODIFIED:
            return (self.modified, self.id, position)
        if order is Order.TITLE:
            return (self.title, self.id, position)
        return (self.id, position)


_ORDERS = (Order.ID, Order.TITLE, Order.CREATED, Order.MODIFIED)


@dataclass(slots=True)
class Register:
    """One state of the index; ``take`` moves it on."""

    seq: int = 0
    _slips: dict[int, _Slip] = field(default_factory=dict)
    _ids: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _marks: dict[Mark, dict[str, set[int]]] = field(default_factory=lambda: {mark: {} for mark in Mark})
    _orders: dict[Order, list[int]] = field(default_factory=lambda: {order: [] for order in _ORDERS})
    _bits: dict[tuple[Mark, str], int] = field(default_factory=dict)
    _ranked: dict[Mark, list[str]] = field(default_factory=dict)

    def take(self, rows: Iterable[Any], seq: int) -> None:
        """Take in rows that were put since the last time."""
        fresh = {row.position: _slip(row) for row in rows}
        if len(fresh) > _REBUILD:
            self._slips |= fresh
            self._rebuild()
        else:
            for position, slip in fresh.items():
                self._replace(position, slip)
        self._bits.clear()
        self._ranked.clear()
        self.seq = seq

    def _replace(self, position: int, slip: _Slip) -> None:
        old = self._slips.get(position)
        if old is not None:
            for mark, value in old.marks:
                self._marks[mark][value].discard(position)
            for order, listed in self._orders.items():
                del listed[bisect_left(listed, old.key(order, position), key=self._key(order))]
        self._slips[position] = slip
        if position not in self._ids.get(slip.id, ()):
            self._ids[slip.id] = (*self._ids.get(slip.id, ()), position)
        for mark, value in slip.marks:
            self._marks[mark].setdefault(value, set()).add(position)
        for order, listed in self._orders.items():
            listed.insert(bisect_left(listed, slip.key(order, position), key=self._key(order)), position)

    def _rebuild(self) -> None:
        ids: dict[str, list[int]] = defaultdict(list)
        marks: dict[Mark, dict[str, set[int]]] = {mark: defaultdict(set) for mark in Mark}
        for position, slip in self._slips.items():
            ids[slip.id].append(position)
            for mark, value in slip.marks:
                marks[mark][value].add(position)
        self._ids = {id_: tuple(found) for id_, found in ids.items()}
        self._marks = {mark: dict(found) for mark, found in marks.items()}
        self._orders = {order: sorted(self._slips, key=self._key(order)) for order in _ORDERS}

    def _key(self, order: Order) -> Callable[[int], tuple[Any, ...]]:
        return partial(self._key_of, order)

    def _key_of(self, order: Order, position: int) -> tuple[Any, ...]:
        return self._slips[position].key(order, position)

    def id_of(self, position: int) -> str:
        """Return the id of the entry at a position."""
        return self._slips[position].id

    def named(self, ids: Iterable[str], visible: int) -> int:
        """Return the positions of some ids or patterns of ids."""
        found: list[int] = []
        held = to_bytes(visible)
        for wanted in ids:
            if not _is_pattern(wanted):
                found += self._ids.get(wanted, ())
                continue
            known = (p for id_ in _fitting(wanted, self._ids) for p in self._ids[id_] if _holds(held, p))
            found += islice(known, _EXPANDED)
        return bits_of(found)

    def marked(self, mark: Mark, values: Iterable[str], visible: int) -> int:
        """Return the positions that have one of the values, or one that fits a pattern."""
        found = 0
        for wanted in values:
            if not _is_pattern(wanted):
                found |= self._bits_of(mark, wanted)
                continue
            seen = (
                bits for value in _fitting(wanted, self._marks[mark]) if (bits := self._bits_of(mark, value) & visible)
            )
            for bits in islice(seen, _EXPANDED):
                found |= bits
        return found

    def _bits_of(self, mark: Mark, value: str) -> int:
        key = mark, value
        if key not in self._bits:
            self._bits[key] = bits_of(list(self._marks[mark].get(value, ())))
        return self._bits[key]

    def between(self, span: Between) -> int:
        """Return the positions with a moment in a span; what has no moment is in none."""
        order = Order.CREATED if span.moment is Moment.CREATED else Order.MODIFIED
        listed = self._orders[order]
        moment = lambda position: self._key_of(order, position)[0]  # noqa: E731 - the key of two searches
        low = 0.0 if span.low is None else span.low.timestamp()
        start = (bisect_right if span.low_open or span.low is None else bisect_left)(listed, low, key=moment)
        end = len(listed)
        if span.high is not None:
            end = (bisect_left if span.high_open else bisect_right)(listed, span.high.timestamp(), key=moment)
        return bits_of(listed[start:end])

    def counts(self, mark: Mark, among: int, most: int) -> list[tuple[str, int]]:
        """Return the most frequent values among some positions, and how many have each."""
        if among.bit_count() <= _SMALL:
            slips = (self._slips[position] for position in each(among))
            counted = Counter(value for slip in slips for of, value in slip.marks if of is mark)
            return heapq.nsmallest(most, counted.items(), key=lambda pair: (-pair[1], pair[0]))
        found: list[tuple[str, int]] = []
        best: list[int] = []
        held = to_bytes(among)
        for value in self._by_frequency(mark):
            if len(best) == most and len(self._marks[mark][value]) < best[0]:
                break
            count = self._count(mark, value, among, held)
            if count:
                found.append((value, count))
                (heapq.heappush if len(best) < most else heapq.heappushpop)(best, count)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:most]

    def _count(self, mark: Mark, value: str, among: int, held: bytes) -> int:
        positions = self._marks[mark][value]
        if len(positions) > _SMALL:
            return (self._bits_of(mark, value) & among).bit_count()
        return sum(1 for p in positions if _holds(held, p))

    def _by_frequency(self, mark: Mark) -> list[str]:
        if mark not in self._ranked:
            values = self._marks[mark]
            self._ranked[mark] = sorted(values, key=lambda value: (-len(values[value]), value))
        return self._ranked[mark]

    def page(self, tiers: Iterable[int], order: Order, start: int, size: int, *, descending: bool) -> list[int]:
        """Return one page of positions: tier after tier, each in the order asked for."""
        found: list[int] = []
        for tier in tiers:
            count = tier.bit_count()
            if start >= count:
                start -= count
                continue
            found += islice(self._walk(tier, count, order, descending=descending), start, start + size - len(found))
            start = 0
            if len(found) >= size:
                break
        return found

    def _walk(self, tier: int, count: int, order: Order, *, descending: bool) -> Iterator[int]:
        if count <= _SMALL:
            yield from sorted(each(tier), key=self._key(order), reverse=descending)
            return
        wanted = to_bytes(tier)
        top = len(wanted)
        listed = self._orders[order]
        for position in reversed(listed) if descending else listed:
            byte = position >> 3
            if byte < top and wanted[byte] >> (position & 7) & 1:
                yield position


def _is_pattern(wanted: str) -> bool:
    return "*" in wanted or "?" in wanted


def _fitting(wanted: str, known: Iterable[str]) -> Iterator[str]:
    """Return the known words that a pattern stands for."""
    fits = pattern_of(translate(wanted.replace("[", "[[]"))).match
    return (word for word in sorted(known) if fits(word))


def _holds(held: bytes, position: int) -> bool:
    return position >> 3 < len(held) and bool(held[position >> 3] >> (position & 7) & 1)


def _slip(row: Any) -> _Slip:
    created = row.first_at.timestamp() if row.first_at else 0.0
    return _Slip(
        id=row.resource_id,
        title=normalise(row.name),
        created=created,
        modified=max(created, row.changed_at.timestamp() if row.changed_at else 0.0),
        marks=tuple((mark, value) for mark in Mark for value in row.facets.get(mark, ())),
    )


__all__ = ["Register"]
