"""SQL on the search rows: put them, read what changed since, and fetch the ones of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Dialect, Row, Text, bindparam, insert, select, type_coerce, update
from sqlalchemy.types import TypeDecorator

from beijiang.catalog.store import schema as s
from beijiang.catalog.store.words import Document, WordIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRow:
    """One face of a resource as results show it."""

    resource_id: str
    slot: str
    is_public: bool
    is_inner: bool
    provider_id: str
    provider_name: str
    name: str
    sounds: str
    summary: str
    fields: tuple[str, ...]
    facets: Mapping[str, Sequence[str]]
    state: str
    rows: int | None
    published_at: datetime | None
    data_at: datetime | None
    first_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """How often the index has changed, and when last."""

    seq: int
    at: datetime | None


def _key(row: SearchRow) -> tuple[str, str]:
    return row.resource_id, row.slot


def _values(row: SearchRow, seq: int) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in SearchRow.__slots__} | {"seq": seq}
    values["fields"] = list(row.fields)
    values["facets"] = {name: list(found) for name, found in row.facets.items()}
    return values


class _Facets(TypeDecorator[Mapping[str, Sequence[str]]]):
    """Facets on their way out: words only, so the quick reader of JSON, which rounds large numbers, does them no harm."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> Mapping[str, Sequence[str]]:
        del dialect
        read: Mapping[str, Sequence[str]] = orjson.loads(value) if isinstance(value, str) else value
        return read


class SearchStore:
    """The search rows and the word index, always written together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._words = WordIndex.of(connection)

    def put(self, rows: Sequence[tuple[SearchRow, Document | None]], at: datetime) -> None:
        """Store rows with their words; a row without words is kept as a tombstone that nobody finds."""
        seq = self._raise_head(at)
        places = self._places([row for row, _ in rows])
        known = [
            {**_values(row, seq), "at_place": places[row.resource_id, row.slot]}
            for row, _ in rows
            if _key(row) in places
        ]
        if known:
            again = update(s.search).where(s.search.c.position == bindparam("at_place"))
            self._connection.execute(again, known)
        fresh = [row for row, _ in rows if _key(row) not in places]
        if fresh:
            new = insert(s.search).returning(s.search.c.position, sort_by_parameter_order=True)
            made = self._connection.execute(new, [_values(row, seq) for row in fresh]).scalars()
            places |= {_key(row): position for row, position in zip(fresh, made, strict=True)}
        for row, document in rows:
            if document is None:
                self._words.remove(places[_key(row)])
        self._words.put([(places[_key(row)], document) for row, document in rows if document is not None])

    def _places(self, rows: Sequence[SearchRow]) -> dict[tuple[str, str], int]:
        c = s.search.c
        found: dict[tuple[str, str], int] = {}
        for start in range(0, len(rows), 500):
            ids = [row.resource_id for row in rows[start : start + 500]]
            query = select(c.resource_id, c.slot, c.position).where(c.resource_id.in_(ids))
            found |= {(row.resource_id, row.slot): row.position for row in self._connection.execute(query)}
        return found

    def has(self, resource_id: str, slot: str) -> bool:
        """Tell whether a resource has a row in this slot."""
        key = (s.search.c.resource_id == resource_id) & (s.search.c.slot == slot)
        return self._connection.execute(select(s.search.c.position).where(key)).first() is not None

    def _raise_head(self, at: datetime) -> int:
        head = s.search_head
        rise = update(head).where(head.c.id == 1).values(seq=head.c.seq + 1, at=at).returning(head.c.seq)
        seq = self._connection.execute(rise).scalar_one_or_none()
        if seq is None:
            self._connection.execute(insert(head).values(id=1, seq=1, at=at))
            seq = 1
        return int(seq)

    def head(self) -> Head:
        """Return where the index stands in this snapshot."""
        row = self._connection.execute(select(s.search_head)).one_or_none()
        return Head(0, None) if row is None else Head(row.seq, row.at)

    def changed_since(self, seq: int) -> list[Row[Any]]:
        """Return what facets and orders need of the rows that changed after ``seq``."""
        c = s.search.c
        columns = (
            c.position,
            c.is_public,
            c.is_inner,
            c.provider_id,
            c.provider_name,
            c.name,
            c.sounds,
            type_coerce(c.facets, _Facets).label("facets"),
            c.published_at,
            c.data_at,
            c.resource_id,
            c.first_at,
            c.changed_at,
        )
        return list(self._connection.execute(select(*columns).where(c.seq > seq)))

    def rows(self, positions: Sequence[int]) -> dict[int, Row[Any]]:
        """Return the rows of a page by position."""
        query = select(s.search).where(s.search.c.position.in_(positions))
        return {row.position: row for row in self._connection.execute(query)}

    def fields(self, positions: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Return the field names of candidates, to be sure of a near miss."""
        found: dict[int, tuple[str, ...]] = {}
        for start in range(0, len(positions), 900):
            part = positions[start : start + 900]
            query = select(s.search.c.position, s.search.c.fields).where(s.search.c.position.in_(part))
            found |= {row.position: tuple(row.fields) for row in self._connection.execute(query)}
        return found
