"""What nodes below told of their catalogs, kept as they say it: found together with the entries of this node, and asked for there."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange import EntryAfar
from beijiang.federation import errors
from beijiang.federation.models import Bearing, canonical, node_actor
from beijiang.federation.models.entries import (
    CatalogStanding,
    Comparison,
    EntryTold,
    Gone,
    LinkedEntry,
    Listing,
    digest_told,
    entry_of,
    words_of,
)
from beijiang.federation.service.telling import ENTRY, GONE, LISTING, SUBJECT, WANTED, CatalogTelling
from beijiang.federation.store import EntryStore, NodeStore
from beijiang.ingest import AlertKind, Alerts
from beijiang.kit import SYSTEM, NotFound, Text

if TYPE_CHECKING:
    from beijiang.catalog import Catalog, Entry, Version
    from beijiang.db import UnitOfWork
    from beijiang.federation.models import Card, Letter
    from beijiang.federation.service.letters import Letters
    from beijiang.federation.service.parts import NodeParts
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Cascade"]

_OTHER_CYCLE: Final = "9"
_WORDS: Final = 200
PAGE: Final = 50


class Cascade(CatalogTelling):
    """The catalog between nodes: entries that are told to nodes above, and those that nodes below told."""

    def __init__(self, parts: NodeParts, letters: Letters, catalog: Catalog, alerts: Alerts) -> None:
        super().__init__(parts, letters, catalog)
        self._alerts = alerts
        letters.reads(ENTRY, self._on_entry)
        letters.reads(GONE, self._on_gone)
        letters.reads(LISTING, self._on_listing)

    def watch(self) -> None:
        """List everything where that is due, and tell who stated by hand what its origin tells by now; called every minute."""
        self._list_due()
        with self._db.read() as connection:
            twins = EntryStore(connection).twins()
        for kind, subject in self._alerts.open():
            if kind is AlertKind.ENTRY_TOLD and subject not in twins:
                self._alerts.clear(kind, subject)
        for resource_id, (_, name) in twins.items():
            self._alerts.say(AlertKind.ENTRY_TOLD, resource_id, self._provider(resource_id), _twin(name))

    # Looking

    def entries(
        self, actor: Actor, words: str = "", origin: str = "", skip: int = 0, most: int = PAGE
    ) -> tuple[list[LinkedEntry], int]:
        """Return entries of linked nodes below that hold every one of some words, by name, at most 50, and how many there are."""
        self._parts.access.require(actor, Permission.CATALOG_RESOURCE_READ, actor.org_id)
        with self._db.read() as connection:
            return EntryStore(connection).page(words[:_WORDS], origin, min(max(most, 0), PAGE), max(skip, 0))

    def entry(self, actor: Actor, entry_id: str) -> LinkedEntry:
        """Return one entry of a linked node; one that its origin took back too.

        Raises:
            NotFound: there is none (``linked_entry_not_found``).

        """
        self._parts.access.require(actor, Permission.CATALOG_RESOURCE_READ, actor.org_id)
        with self._db.read() as connection:
            found = EntryStore(connection).one(entry_id)
        if found is None:
            raise errors.no_entry()
        return found

    def twins(self, actor: Actor) -> dict[str, str]:
        """Return the entries here of which somebody stated by hand what their origin tells by now, with its entry's id here."""
        self._parts.access.require(actor, Permission.CATALOG_RESOURCE_READ, actor.org_id)
        with self._db.read() as connection:
            return {mine: theirs for mine, (theirs, _) in EntryStore(connection).twins().items()}

    def standings(self, actor: Actor) -> list[CatalogStanding]:
        """Return for each node to which letters may be written how its catalog stands, those above first."""
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        with self._db.read() as connection:
            store, found = EntryStore(connection), []
            counts = store.counts()
            for link in NodeStore(connection).links():
                if link.is_open:
                    compared_at, differed = store.found(link.node_id)
                    above = link.bearing is Bearing.ABOVE
                    count = len(store.told(link.node_id)) if above else counts.get(link.node_id, 0)
                    rule = store.rule(link.node_id)
                    found.append(
                        CatalogStanding(link=link, rule=rule, entries=count, compared_at=compared_at, found=differed)
                    )
        return found

    # What others ask

    def afar(self, entry_id: str) -> EntryAfar | None:
        """Return where the data of an entry are that a linked node told; None for every other entry."""
        found = self._in_force(entry_id)
        return (
            None if found is None else EntryAfar(node_id=found.origin, node_name=found.node, resource_id=found.theirs)
        )

    def version(self, entry_id: str) -> Version | None:
        """Return what an entry says that a linked node told; None for every other entry."""
        found = self._in_force(entry_id)
        return None if found is None else found.version

    def _in_force(self, entry_id: str) -> LinkedEntry | None:
        with self._db.read() as connection:
            found = EntryStore(connection).one(entry_id)
        return None if found is None or found.withdrawn_at is not None else found

    # What comes

    def _on_entry(self, tx: UnitOfWork, letter: Letter) -> None:
        """Keep what a node below says; an older version than the one kept changes nothing."""
        card = self._below(tx, letter)
        said, store = EntryTold.parsed(letter.body), EntryStore(tx.connection)
        entry, entry_id = self._known(said.read(letter.node_id)), entry_of(letter.node_id, said.resource)
        if said.version < store.version(entry_id):
            return
        self._parts.access.admit(tx, SYSTEM, said.org.organisation(card))
        document = canonical({"number": said.version, "codes": [*said.codes], "entry": entry.to_json()})
        store.put(
            entry_id,
            origin=letter.node_id,
            theirs=said.resource,
            version=said.version,
            digest=digest_told(letter.body),
            name=entry.name,
            words=words_of(entry),
            document=document,
            document_digest="sha256:" + hashlib.sha256(document.encode()).hexdigest(),
            url=said.url,
            items_left_off=said.items_left_off,
            published_at=said.published_at,
            received_at=self._parts.clock.now(),
        )

    def _on_gone(self, tx: UnitOfWork, letter: Letter) -> None:
        self._below(tx, letter)
        said = Gone.parsed(letter.body)
        EntryStore(tx.connection).withdraw(entry_of(letter.node_id, said.resource), self._parts.clock.now())

    def _on_listing(self, tx: UnitOfWork, letter: Letter) -> None:
        """Hold a list against what is kept: what is not in it is gone, what differs is asked for."""
        self._below(tx, letter)
        said, store, now = Listing.parsed(letter.body), EntryStore(tx.connection), self._parts.clock.now()
        kept = store.digests(letter.node_id, said.after, said.upto)
        first = not said.after
        for resource_id in kept.keys() - said.entries.keys():
            store.withdraw(entry_of(letter.node_id, resource_id), now)
        wanted = sorted(one for one, digest in said.entries.items() if kept.get(one) != digest)
        for resource_id in wanted:
            store.want(entry_of(letter.node_id, resource_id))
        differs = Comparison.between(kept, said.entries)
        body: dict[str, JsonValue] = {
            "number": letter.number,
            "ids": [*wanted],
            "fresh": differs.fresh,
            "gone": differs.gone,
            "first": first,
        }
        self._letters.send(tx, letter.node_id, WANTED, body, subject=SUBJECT)
        found = differs if first else store.found(letter.node_id)[1] + differs
        counted = {"fresh": found.fresh, "changed": found.changed, "gone": found.gone}
        store.note(letter.node_id, compared_at=now, **counted)
        self._parts.evidence.record(
            tx, node_actor(letter), "federation.catalog_compared", target=letter.node_id, detail={**counted}
        )

    @staticmethod
    def _below(tx: UnitOfWork, letter: Letter) -> Card:
        link = NodeStore(tx.connection).link(letter.node_id)
        if link is None or link.bearing is not Bearing.BELOW:
            raise errors.not_from_below()
        return link.card

    def _known(self, entry: Entry) -> Entry:
        """Return the entry with an update cycle that this node knows."""
        try:
            self._parts.standards.update_cycle(entry.update_cycle)
        except NotFound:
            return replace(entry, update_cycle=_OTHER_CYCLE)
        return entry

    def _provider(self, resource_id: str) -> str:
        try:
            return self._catalog.get(SYSTEM, resource_id).provider_id
        except NotFound:
            return ""


def _twin(name: str) -> Text:
    return Text(
        f"来源节点已自行上报“{name[:60]}”，以来源为准。请撤销本级手工登记的同一目录，或取消其节点登记。",
        f"Its origin tells “{name[:60]}” itself now, and the origin wins. Withdraw the entry that was made here by hand, or take its node away.",
    )
