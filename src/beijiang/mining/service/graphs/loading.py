"""From governed rows to a network: who is who, what is set aside, and what a mask leaves unjoined.

A key that is masked for the reader joins nothing, because two people may look the same under a mask: every row then has a
holder of its own, shown by name as far as the reader may see it. A keyed pseudonym is the exception: it tells people apart and
is made to join rows. Addresses and telephones that are masked join nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beijiang.mining.errors import graph_blind, graph_too_large
from beijiang.mining.models import NodeKind, Relation, Summary
from beijiang.mining.models.network.arrays import ALWAYS, KINDS, NEVER, RELATIONS, Clockwork, Edges, Network
from beijiang.mining.service.graphs.keeping import Kept
from beijiang.mining.service.graphs.reading import days, digits, fractions, keys_of, places_of

if TYPE_CHECKING:
    from beijiang.mining.models import RelationGraph
    from beijiang.mining.models.network.arrays import Array
    from beijiang.protection import Governed

__all__ = ["Loading"]

PERSON: Final = "\x01"
HIDDEN: Final = "\x02"
ADDRESS: Final = "\x03"
PHONE: Final = "\x04"
"""What the keys of everybody begin with who is no enterprise; no credit code begins so."""
PSEUDONYM: Final = "pseudonym("
"""How the name of the mask begins under which equal people stay equal, and others stay others."""
OVER: Final = 1.0 + 1e-9


class Loading:
    """Loads one graph for one reader."""

    def __init__(self, graph: RelationGraph, most: int, seconds: float, secret: bytes) -> None:
        self._graph = graph
        self._most = most
        self._clock = Clockwork(seconds)
        self._secret = secret
        self._read = 0
        self._blind: list[str] = []
        self._aside: dict[str, int] = {}
        self._grades: list[str] = []

    def load(self, subjects: Governed, holdings: Governed) -> Kept:
        """Read both tables and make the network.

        Raises:
            Refused: a key of enterprises or the share is masked for the reader (``graph_key_masked``).
            TooLarge: it does not fit into the memory for graphs.
            Unavailable: it takes too long.

        """
        began = time.monotonic()
        network = self._network(self._firms(subjects), self._holds(holdings))
        if network.size > self._most:
            raise graph_too_large(self._most >> 20)
        kinds = np.bincount(network.kinds, minlength=len(KINDS))
        relations = np.bincount(network.relation, minlength=len(RELATIONS))
        counts = {kind.value: int(many) for kind, many in zip(KINDS, kinds, strict=True)}
        counts |= {f"{one.value}_edges": int(many) for one, many in zip(RELATIONS, relations, strict=True)}
        summary = Summary(
            tables=((subjects.table, subjects.version), (holdings.table, holdings.version)),
            grade=max(self._grades, default=""),
            counts=counts,
            set_aside={name: many for name, many in self._aside.items() if many},
            blind=tuple(dict.fromkeys(self._blind)),
            seconds=time.monotonic() - began,
            size=network.size,
        )
        return Kept(network, summary, self._secret)

    def _table(
        self, governed: Governed, wanted: Iterable[str], needed: Iterable[str], people: Collection[str] = ()
    ) -> tuple[pa.Table, set[str]]:
        """Read columns of a table; return them with those that may join something, of people also by a pseudonym."""
        shown = {column.name: column for column in governed.columns}
        clear = {
            name
            for name, column in shown.items()
            if not column.masked or (name in people and str(column.mask).startswith(PSEUDONYM))
        }
        for name in needed:
            if name not in clear:
                raise graph_blind(name)
        columns = [name for name in wanted if name in shown]
        self._blind += [name for name in wanted if name not in clear]
        self._grades += [shown[name].grade for name in columns]
        parts = []
        for part in governed.batches(columns=columns):
            self._clock.check()
            self._read += part.nbytes
            if self._read > self._most:
                raise graph_too_large(self._most >> 20)
            parts.append(part)
        empty = pa.schema([(name, pa.string()) for name in columns])
        return (pa.Table.from_batches(parts) if parts else empty.empty_table()), clear

    def _firms(self, governed: Governed) -> dict[str, Any]:
        words = self._graph.draft.subjects
        table, clear = self._table(governed, words.columns, (words.key,), (words.representative_key,))
        keys = keys_of(table[words.key])
        there = pc.fill_null(pc.greater(pc.utf8_length(keys), 0), False)
        self._aside["key"] = self._aside.get("key", 0) + table.num_rows - int(pc.sum(there).as_py() or 0)
        table, keys = table.filter(there), keys.filter(there)
        found: dict[str, Any] = {"key": keys, "name": _texts(table, words.name)}
        found["representative"] = _texts(table, words.representative)
        by_key = words.representative_key in clear
        found["representative_key"] = keys_of(table[words.representative_key]) if by_key else None
        found["address"] = places_of(table[words.address]) if words.address in clear else None
        found["phone"] = digits(table[words.phone]) if words.phone in clear else None
        return found

    def _holds(self, governed: Governed) -> dict[str, Any]:
        words = self._graph.draft.holdings
        table, clear = self._table(governed, words.columns, (words.held, words.share), (words.holder_person,))
        rows = table.num_rows
        held, share = keys_of(table[words.held]), fractions(table[words.share])
        nobody = pa.nulls(rows, pa.string())
        firm = keys_of(table[words.holder_firm]) if words.holder_firm in clear else nobody
        person = keys_of(table[words.holder_person]) if words.holder_person in clear else nobody
        since = days(table[words.since], ALWAYS) if words.since in clear else np.full(rows, ALWAYS, dtype=np.int32)
        until = days(table[words.until], NEVER) if words.until in clear else np.full(rows, NEVER, dtype=np.int32)
        hidden = pc.if_else(
            self._unseen(table, clear), _signed(HIDDEN, pc.cast(pa.array(np.arange(rows)), pa.string())), None
        )
        named = pc.fill_null(pc.equal(pc.utf8_length(firm), 0), True)
        alone = pc.fill_null(pc.equal(pc.utf8_length(person), 0), True)
        people = _signed(PERSON, person)
        holder = pc.if_else(pc.invert(named), firm, pc.if_else(pc.invert(alone), people, hidden))
        return {
            "holder": holder,
            "holder_name": _texts(table, words.holder_name),
            "held": held,
            "held_name": _texts(table, words.held_name),
            "share": share,
            "since": since,
            "until": until,
        }

    def _unseen(self, table: pa.Table, clear: Collection[str]) -> Any:
        """Return which rows have a holder whose key the reader may not see: it is masked, or withheld altogether."""
        words, found = self._graph.draft.holdings, np.zeros(table.num_rows, dtype=bool)
        for name in (words.holder_firm, words.holder_person):
            if name and name not in clear:
                found |= _filled(pc.cast(table[name], pa.string())) if name in table.column_names else True
        return pa.array(found)

    def _kept_rows(self, holds: dict[str, Any]) -> Array:
        """Return which rows make an edge; the others are counted by reason, each once."""
        share = holds["share"]
        whom = _filled(holds["holder"]) & _filled(holds["held"])
        kept = np.ones(len(share), dtype=bool)
        for reason, bad in (
            ("key", ~whom),
            ("share", ~(share > 0)),
            ("over", share > OVER),
            ("dates", holds["since"] >= holds["until"]),
        ):
            self._aside[reason] = self._aside.get(reason, 0) + int((kept & bad).sum())
            kept &= ~bad
        return kept

    def _network(self, firms: dict[str, Any], holds: dict[str, Any]) -> Network:
        kept = self._kept_rows(holds)
        mask = pa.array(kept)
        heads = firms["representative_key"]
        heads = pa.nulls(len(firms["key"]), pa.string()) if heads is None else heads
        heads = pc.if_else(pc.greater(pc.utf8_length(heads), 0), _signed(PERSON, heads), None)
        keys = (firms["key"], holds["holder"].filter(mask), holds["held"].filter(mask), heads)
        names = (
            firms["name"],
            holds["holder_name"].filter(mask),
            holds["held_name"].filter(mask),
            firms["representative"],
        )
        self._clock.check()
        ids, known = _numbered(keys)
        self._clock.check()
        node_names = _names(ids, names, known)
        firm, holder, held, head = ids
        kinds = _kinds(known, firm)
        share = holds["share"][kept]
        parts = [self._once((holder, held, share, holds["since"][kept], holds["until"][kept]))]
        there = head >= 0
        parts.append(_edges(Relation.REPRESENTATIVE, head[there], firm[there]))
        for relation, sign in ((Relation.ADDRESS, ADDRESS), (Relation.PHONE, PHONE)):
            hubs, edges = _hubs(firms[relation.value], relation, firm, len(kinds))
            known = pa.concat_arrays([known, _signed(sign, hubs)])
            node_names = pa.concat_arrays([node_names, hubs])
            kind = KINDS.index(NodeKind(relation.value))
            kinds = np.concatenate((kinds, np.full(len(hubs), kind, dtype=np.uint8)))
            parts.append(edges)
        self._clock.check()
        return Network(node_names, known, kinds, _together(parts))

    def _once(self, columns: Sequence[Array]) -> Edges:
        """Return the holdings without rows that say the same thing twice."""
        order = np.lexsort(columns[::-1])
        same = np.ones(len(order), dtype=bool)
        same[:1] = False
        for column in columns:
            same[1:] &= column[order][1:] == column[order][:-1]
        self._aside["repeated"] = int(same.sum())
        tail, head, share, since, until = (column[order[~same]] for column in columns)
        return Edges(tail, head, np.zeros(len(tail), dtype=np.uint8), share, since, until)


def _texts(table: pa.Table, column: str) -> Any:
    if not column or column not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    return _whole(pc.cast(table[column], pa.string()))


def _signed(sign: str, words: Any) -> Any:
    """Return words with a sign before each."""
    return pc.binary_join_element_wise(pa.scalar(sign, words.type), words, pa.scalar("", words.type))


def _whole(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _filled(column: Any) -> Array:
    found: Array = pc.fill_null(pc.greater(pc.utf8_length(column), 0), False).to_numpy(zero_copy_only=False)
    return found


def _numbered(keys: Sequence[Any]) -> tuple[list[Array], pa.Array]:
    """Give every different key a number in the order in which they come; -1 for none."""
    chunks = [pc.cast(_whole(one), pa.large_string()) for one in keys]
    coded = pa.concat_arrays(chunks).dictionary_encode()
    whole = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    numbers = np.split(whole, np.cumsum([len(one) for one in chunks])[:-1])
    known = coded.dictionary
    return numbers, known


def _names(ids: Sequence[Array], names: Sequence[Any], known: pa.Array) -> pa.Array:
    """Return for each number the first name that came with it."""
    whole = pa.concat_arrays([pc.cast(_whole(one), pa.large_string()) for one in names])
    numbers = np.concatenate(ids)
    named = np.flatnonzero(whole.is_valid().to_numpy(zero_copy_only=False) & (numbers >= 0))
    first = np.full(len(known), -1, dtype=np.int64)
    first[numbers[named][::-1]] = named[::-1]
    taken = whole.take(pa.array(first, mask=first < 0))
    return pc.fill_null(taken, "")


def _kinds(known: pa.Array, firm: Array) -> Array:
    kinds = np.full(len(known), KINDS.index(NodeKind.OUTSIDE), dtype=np.uint8)
    for sign, kind in ((PERSON, NodeKind.PERSON), (HIDDEN, NodeKind.HIDDEN)):
        kinds[pc.starts_with(known, sign).to_numpy(zero_copy_only=False)] = KINDS.index(kind)
    kinds[firm] = KINDS.index(NodeKind.FIRM)
    return kinds


def _hubs(values: Any, relation: Relation, firm: Array, first: int) -> tuple[pa.Array, Edges]:
    """Return what at least two enterprises have in common, as nodes from a number on, and the edges from there to them."""
    if values is None:
        return pa.array([], pa.large_string()), _edges(relation, np.zeros(0, np.int32), np.zeros(0, np.int32))
    coded = pc.cast(_whole(values), pa.large_string()).dictionary_encode()
    places = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    pairs = np.unique(places * (len(firm) + first + 1) + firm)
    place, node = pairs // (len(firm) + first + 1), pairs % (len(firm) + first + 1)
    place, node = place[pairs >= 0], node[pairs >= 0]
    shared = np.bincount(place, minlength=len(coded.dictionary)) > 1
    number = np.cumsum(shared) - 1 + first
    kept = shared[place]
    hubs = coded.dictionary.filter(pa.array(shared))
    return hubs, _edges(relation, number[place[kept]], node[kept])


def _edges(relation: Relation, tail: Array, head: Array) -> Edges:
    count = len(tail)
    return Edges(
        tail.astype(np.int32),
        head.astype(np.int32),
        np.full(count, RELATIONS.index(relation), dtype=np.uint8),
        np.zeros(count),
        np.full(count, ALWAYS, dtype=np.int32),
        np.full(count, NEVER, dtype=np.int32),
    )


def _together(parts: Sequence[Edges]) -> Edges:
    names = ("tail", "head", "relation", "share", "since", "until")
    return Edges(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
