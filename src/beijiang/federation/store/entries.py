"""What is told of the catalog to nodes above, and the entries that nodes below told."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, delete, func, insert, select, update

from beijiang.catalog import Version
from beijiang.db import JsonDocument, UtcDateTime, metadata, upsert
from beijiang.federation.models import LinkState
from beijiang.federation.models.entries import Comparison, LinkedEntry, Rule
from beijiang.federation.models.refusals import RefusedEntry
from beijiang.federation.store.nodes import NodeStore
from beijiang.federation.store.parcels import places
from beijiang.federation.store.schema import links
from beijiang.kit import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from beijiang.federation.models import Card

__all__ = ["EntryStore"]

catalogs = Table(
    "federation_catalog",
    metadata,
    Column("node_id", String(40), primary_key=True),
    Column("active", Boolean, nullable=False),
    Column("divisions", JsonDocument, nullable=False),
    Column("decided_by", String(100), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("listed_at", UtcDateTime),
    Column("compared_at", UtcDateTime),
    Column("fresh", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("gone", Integer, nullable=False),
)
"""What a node above is told, when everything was listed to it, and what the last comparison with it, or with a node below, found."""

told = Table(
    "federation_told",
    metadata,
    Column("node_id", String(40), primary_key=True),
    Column("resource_id", String(40), primary_key=True),
    Column("digest", String(32), nullable=False),
    Column("number", Integer, nullable=False),
)
"""What a node above was told, and by which letter."""

entries = Table(
    "federation_entry",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("origin", String(40), nullable=False),
    Column("theirs", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("name", String(400), nullable=False),
    Column("words", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("document_digest", String(80), nullable=False),
    Column("url", String(400), nullable=False),
    Column("items_left_off", Integer, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Index("ix_federation_entry_in_force", "origin", "withdrawn_at"),
    Index("ix_federation_entry_origin", "origin", "theirs", unique=True),
    Index("ix_federation_entry_name", "name"),
)
"""Entries of nodes below, as they told them. ``version`` 0: wanted anew, whatever version it has by now."""

departments = Table(
    "federation_department",
    metadata,
    Column("node_id", String(40), primary_key=True),
    Column("org_id", String(60), primary_key=True),
)
"""The organisations that stand here for departments of whose entries a node below told."""

refusals = Table(
    "federation_refused",
    metadata,
    Column("node_id", String(40), primary_key=True),
    Column("resource_id", String(40), primary_key=True),
    Column("code", String(100), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("digest", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""Entries of nodes below that were refused when they were told last."""

_C, _T, _E, _P, _D, _R = catalogs.c, told.c, entries.c, places.c, departments.c, refusals.c
_OPEN = (LinkState.LINKED.value, LinkState.SUSPENDED.value)


class EntryStore:
    """Read and write entries that travel."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    # What is told

    def catalog(self, node_id: str) -> Row[Any] | None:
        """Return the row of a node, if there is one."""
        return self.connection.execute(select(catalogs).where(_C.node_id == node_id)).one_or_none()

    def rule(self, node_id: str) -> Rule:
        """Return what is told to a node."""
        row = self.catalog(node_id)
        return Rule() if row is None else Rule(row.active, tuple(row.divisions), row.decided_by, row.decided_at)

    def put_rule(self, node_id: str, rule: Rule) -> None:
        """Change what is told to a node; everything is listed to it again."""
        values = {"active": rule.on, "divisions": [*rule.divisions], "decided_by": rule.decided_by}
        self.note(node_id, **values, decided_at=rule.decided_at, listed_at=None)

    def note(self, node_id: str, **values: Any) -> None:
        """Change some columns of the row of a node."""
        if self.catalog(node_id) is None:
            bare = {"active": False, "divisions": [], "decided_by": "", "fresh": 0, "changed": 0, "gone": 0}
            self.connection.execute(insert(catalogs).values(**{**bare, **values}, node_id=node_id))
        else:
            self.connection.execute(update(catalogs).where(_C.node_id == node_id).values(**values))

    def found(self, node_id: str) -> tuple[datetime | None, Comparison]:
        """Return when lists were last compared with a node, and what differed."""
        row = self.catalog(node_id)
        return (None, Comparison()) if row is None else (row.compared_at, Comparison(row.fresh, row.changed, row.gone))

    def placed(self) -> frozenset[str]:
        """Return the entries here whose data are another node's, as somebody stated."""
        return frozenset(self.connection.execute(select(_P.resource_id)).scalars())

    def told(self, node_id: str) -> dict[str, str]:
        """Return the digest of each entry as a node was told it last."""
        query = select(_T.resource_id, _T.digest).where(_T.node_id == node_id)
        return {row.resource_id: row.digest for row in self.connection.execute(query)}

    def told_by(self, node_id: str, resource_id: str) -> tuple[str, int] | None:
        """Return the digest of an entry that a node was told last, and the number of the letter; None for an entry that it was not told."""
        here = (_T.node_id == node_id) & (_T.resource_id == resource_id)
        row = self.connection.execute(select(told).where(here)).one_or_none()
        return None if row is None else (row.digest, row.number)

    def put_told(self, node_id: str, digests: Mapping[str, str], number: int) -> None:
        """Note what a node was told by a letter."""
        self.forget_told(node_id, digests)
        rows = [
            {"node_id": node_id, "resource_id": one, "digest": digest, "number": number}
            for one, digest in digests.items()
        ]
        if rows:
            self.connection.execute(insert(told), rows)

    def forget_told(self, node_id: str, ids: Iterable[str]) -> None:
        """Note that a node is not told some entries any more."""
        wanted = list(ids)
        for at in range(0, len(wanted), 500):
            some = wanted[at : at + 500]
            self.connection.execute(delete(told).where(_T.node_id == node_id, _T.resource_id.in_(some)))

    # What came

    def digests(self, origin: str, after: str, upto: str) -> dict[str, str]:
        """Return the digest of each entry of a node that is in force, between two of its ids."""
        where = [_E.origin == origin, _E.theirs > after, _E.withdrawn_at.is_(None)]
        where += [_E.theirs <= upto] if upto else []
        found = self.connection.execute(select(_E.theirs, _E.digest).where(*where))
        return {row.theirs: row.digest for row in found}

    def version(self, entry_id: str) -> int:
        """Return the version of an entry that is kept; 0 where there is none, or any is wanted."""
        return int(self.connection.execute(select(_E.version).where(_E.id == entry_id)).scalar_one_or_none() or 0)

    def in_force(self, origin: str, entry_id: str = "") -> int:
        """Count the entries of a node that are in force; of one id only, if it is given."""
        where = [_E.origin == origin, _E.withdrawn_at.is_(None)]
        where += [_E.id == entry_id] if entry_id else []
        return int(self.connection.execute(select(func.count()).select_from(entries).where(*where)).scalar_one())

    def departments(self, origin: str) -> frozenset[str]:
        """Return the organisations that stand here for departments of a node."""
        return frozenset(self.connection.execute(select(_D.org_id).where(_D.node_id == origin)).scalars())

    def add_department(self, origin: str, org_id: str) -> None:
        """Note that an organisation stands here for a department of a node."""
        self.connection.execute(insert(departments).values(node_id=origin, org_id=org_id))

    def put(self, entry_id: str, **values: Any) -> None:
        """Keep an entry in place of what was kept of it."""
        self.connection.execute(delete(entries).where(_E.id == entry_id))
        self.connection.execute(insert(entries).values(id=entry_id, withdrawn_at=None, **values))

    def refused(self, origin: str, since: datetime) -> dict[str, RefusedEntry]:
        """Return the entries of a node that were refused since a moment when they were told last, by their ids there."""
        query = select(refusals).where(_R.node_id == origin, _R.at >= since)
        return {
            row.resource_id: RefusedEntry(code=row.code, org_id=row.org_id, digest=row.digest, at=row.at)
            for row in self.connection.execute(query)
        }

    def refuse(self, origin: str, theirs: str, one: RefusedEntry) -> None:
        """Note that an entry was refused, in place of what was noted of it."""
        values = asdict(one)
        noted = upsert(self.connection, refusals).values(node_id=origin, resource_id=theirs, **values)
        self.connection.execute(noted.on_conflict_do_update(index_elements=["node_id", "resource_id"], set_=values))

    def forget_refused(self, origin: str, ids: Iterable[str]) -> None:
        """Note that some entries are refused no more: they were taken, or are gone at their origin."""
        wanted = list(ids)
        for at in range(0, len(wanted), 500):
            some = wanted[at : at + 500]
            self.connection.execute(delete(refusals).where(_R.node_id == origin, _R.resource_id.in_(some)))

    def want(self, entry_id: str) -> None:
        """Take whatever version of an entry comes next."""
        self.connection.execute(update(entries).where(_E.id == entry_id).values(version=0, digest=""))

    def withdraw(self, entry_id: str, at: datetime) -> None:
        """Note that an entry is gone at its origin; should it come again, any version of it is taken."""
        here = (_E.id == entry_id) & _E.withdrawn_at.is_(None)
        self.connection.execute(update(entries).where(here).values(withdrawn_at=at, version=0))

    def one(self, entry_id: str) -> LinkedEntry | None:
        """Return an entry of a node that is linked."""
        row = self.connection.execute(select(entries).where(_E.id == entry_id, self._linked())).one_or_none()
        return None if row is None else _entry(row, self._cards())

    def page(self, words: str, origin: str, most: int, skip: int) -> tuple[list[LinkedEntry], int]:
        """Return entries in force that hold every one of some words, by name, and how many there are."""
        where = [_E.withdrawn_at.is_(None), self._linked()]
        where += [_E.words.contains(one, autoescape=True) for one in normalise(words).split()]
        where += [_E.origin == origin] if origin else []
        total = self.connection.execute(select(func.count()).select_from(entries).where(*where)).scalar_one()
        query = select(entries).where(*where).order_by(_E.name, _E.id).limit(most).offset(skip)
        cards = self._cards()
        return [_entry(row, cards) for row in self.connection.execute(query)], int(total)

    def counts(self) -> dict[str, int]:
        """Return by node how many entries it told are in force."""
        query = select(_E.origin, func.count()).where(_E.withdrawn_at.is_(None)).group_by(_E.origin)
        return {row[0]: row[1] for row in self.connection.execute(query)}

    def twins(self) -> dict[str, tuple[str, str]]:
        """Return the entries here of which somebody stated by hand what their origin tells by now: its id here, and its name."""
        same = (_E.origin == _P.node_id) & (_E.theirs == _P.theirs)
        query = select(_P.resource_id, _E.id, _E.name).where(same, _E.withdrawn_at.is_(None), self._linked())
        return {row.resource_id: (row.id, row.name) for row in self.connection.execute(query)}

    def _linked(self) -> ColumnElement[bool]:
        return _E.origin.in_(select(links.c.node_id).where(links.c.state.in_(_OPEN)))

    def _cards(self) -> dict[str, Card]:
        return {link.node_id: link.card for link in NodeStore(self.connection).links()}


def _entry(row: Row[Any], cards: Mapping[str, Card]) -> LinkedEntry:
    return LinkedEntry(
        id=row.id,
        origin=row.origin,
        theirs=row.theirs,
        version=Version(
            resource_id=row.id,
            number=json.loads(row.document)["number"],
            document=row.document,
            digest=row.document_digest,
            profile="",
            table_version=0,
            published_at=row.published_at,
            published_by=row.origin,
        ),
        url=row.url,
        items_left_off=row.items_left_off,
        received_at=row.received_at,
        withdrawn_at=row.withdrawn_at,
        card=cards[row.origin],
    )
