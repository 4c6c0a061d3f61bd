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
    Room,
    digest_told,
    entry_of,
    words_of,
)
from beijiang.federation.models.refusals import RefusedEntry, rests
from beijiang.federation.models.travels import organisation_of
from beijiang.federation.service.telling import ENTRY, GONE, LISTING, SUBJECT, WANTED, CatalogTelling
from beijiang.federation.store import EntryStore, NodeStore
from beijiang.ingest import AlertKind, Alerts
from beijiang.kit import SYSTEM, Invalid, NotFound, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beijiang.catalog import Catalog, Entry, Version
    from beijiang.db import UnitOfWork
    from beijiang.federation.models import Card, Letter, Link
    from beijiang.federation.service.letters import Letters
    from beijiang.federation.service.parts import NodeParts
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Cascade"]

_OTHER_CYCLE: Final = "9"
_WORDS: Final = 200
PAGE: Final = 50
_ENTRIES_MANY: Final = "entries_many"
_DEPARTMENTS_MANY: Final = "told_departments_many"
NO_ROOM: Final = (_ENTRIES_MANY, _DEPARTMENTS_MANY)
"""Why a letter that tells of an entry is refused when the cap of its node is reached."""


class Cascade(CatalogTelling):
    """The catalog between nodes: entries that are told to nodes above, and those that nodes below told."""

    def __init__(self, parts: NodeParts, letters: Letters, catalog: Catalog, alerts: Alerts) -> None:
        super().__init__(parts, letters, catalog)
        self._alerts = alerts
        letters.reads(ENTRY, self._on_entry, refused=self._on_refused)
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
        self._say_full()

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
                    found.append(
                        CatalogStanding(
                            link=link,
                            rule=store.rule(link.node_id),
                            entries=count,
                            compared_at=compared_at,
                            found=differed,
                            departments=len(store.departments(link.node_id)),
                            room=None if above else self._room,
                        )
                    )
        return found

    # How much is taken of a node

    @property
    def _room(self) -> Room:
        settings = self._parts.settings
        return Room(settings.linkage_entries_most, settings.linkage_departments_most)

    def _say_full(self) -> None:
        """Say of which nodes something was refused for lack of room that is lacking yet; close the alert of others."""
        full: dict[str, Text] = {}
        with self._db.read() as connection:
            store = EntryStore(connection)
            for link in NodeStore(connection).links():
                if link.is_open and link.bearing is Bearing.BELOW:
                    refused = store.refused(link.node_id, link.since).values()
                    lacking = self._lacking(store, link.node_id) if refused else None
                    count = sum(lacking is not None and lacking(one) for one in refused)
                    if count:
                        full[link.node_id] = _no_room(link.card, self._room, count)
        for kind, subject in self._alerts.open():
            if kind is AlertKind.NODE_FULL and subject not in full:
                self._alerts.clear(kind, subject)
        for node_id, words in full.items():
            self._alerts.say(AlertKind.NODE_FULL, node_id, "", words)

    def _lacking(self, store: EntryStore, origin: str) -> Callable[[RefusedEntry], bool]:
        """Return what tells of an entry of a node whether it was refused for lack of room that is lacking yet."""
        known, in_force = store.departments(origin), store.in_force(origin)

        def lacking(one: RefusedEntry) -> bool:
            if one.code == _ENTRIES_MANY:
                return in_force >= self._room.entries
            return one.code == _DEPARTMENTS_MANY and one.org_id not in known and len(known) >= self._room.departments

        return lacking

    def _standing(self, store: EntryStore, link: Link, told: Mapping[str, str]) -> dict[str, RefusedEntry]:
        """Return which of the entries that a node tells were refused and would be again: nothing has changed, and not long ago."""
        now, lacking = self._parts.clock.now(), self._lacking(store, link.node_id)
        rest = rests(now.date())
        return {
            one: refused
            for one, refused in store.refused(link.node_id, max(link.since, now - rest)).items()
            if told.get(one) == refused.digest
            and now - refused.at < rest
            and (refused.code not in NO_ROOM or lacking(refused))
        }

    def _require_room(self, store: EntryStore, origin: str, entry_id: str, org_id: str) -> None:
        """Return if one more entry of a node is taken, and one of this department.

        Raises:
            Refused: it is not (``entries_many``, ``told_departments_many``).

        """
        if not store.in_force(origin, entry_id) and store.in_force(origin) >= self._room.entries:
            raise errors.entries_many(self._room.entries)
        known = store.departments(origin)
        if org_id not in known:
            if len(known) >= self._room.departments:
                raise errors.told_departments_many(self._room.departments)
            store.add_department(origin, org_id)

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
        card = self._below(tx, letter).card
        said, store = EntryTold.parsed(letter.body), EntryStore(tx.connection)
        entry, entry_id = self._known(said.read(letter.node_id)), entry_of(letter.node_id, said.resource)
        if said.version < store.version(entry_id):
            return
        self._require_room(store, letter.node_id, entry_id, entry.provider_id)
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
        store.forget_refused(letter.node_id, (said.resource,))

    def _on_refused(self, tx: UnitOfWork, letter: Letter) -> None:
        """Note which entry was refused, and why, so that it is not asked for every day."""
        try:
            said = EntryTold.parsed(letter.body)
        except Invalid:
            return  # of which entry it was meant to tell, nobody knows
        org = organisation_of(letter.node_id, said.org.id)
        refused = RefusedEntry(letter.code, org, digest_told(letter.body), self._parts.clock.now())
        EntryStore(tx.connection).refuse(letter.node_id, said.resource, refused)

    def _on_gone(self, tx: UnitOfWork, letter: Letter) -> None:
        self._below(tx, letter)
        said, store = Gone.parsed(letter.body), EntryStore(tx.connection)
        store.withdraw(entry_of(letter.node_id, said.resource), self._parts.clock.now())
        store.forget_refused(letter.node_id, (said.resource,))

    def _on_listing(self, tx: UnitOfWork, letter: Letter) -> None:
        """Hold a list against what is kept: what is not in it is gone, what differs is asked for.

        What was refused is asked for again once the reason may have changed, or after some days (``refusals.csv``).
        """
        link = self._below(tx, letter)
        said, store, now = Listing.parsed(letter.body), EntryStore(tx.connection), self._parts.clock.now()
        kept = store.digests(letter.node_id, said.after, said.upto)
        first = not said.after
        for resource_id in kept.keys() - said.entries.keys():
            store.withdraw(entry_of(letter.node_id, resource_id), now)
        known = store.refused(letter.node_id, link.since)
        store.forget_refused(letter.node_id, (one for one in known if said.spans(one) and one not in said.entries))
        standing = self._standing(store, link, said.entries)
        asked = said.entries.keys() - standing.keys()
        changed = sorted(one for one in asked & kept.keys() if said.entries[one] != kept[one])
        fresh = sorted(asked - kept.keys())
        # One more than there is room for is wanted all the same: its refusal says there why the others are not.
        more = not any(one.code == _ENTRIES_MANY for one in standing.values())
        fresh = fresh[: max(0, self._room.entries - store.in_force(letter.node_id)) + more]
        wanted = changed + fresh
        for resource_id in wanted:
            store.want(entry_of(letter.node_id, resource_id))
        differs = Comparison.between(kept, said.entries)
        body: dict[str, JsonValue] = {
            "number": letter.number,
            "ids": [*wanted],
            "fresh": len(fresh),
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
    def _below(tx: UnitOfWork, letter: Letter) -> Link:
        link = NodeStore(tx.connection).link(letter.node_id)
        if link is None or link.bearing is not Bearing.BELOW:
            raise errors.not_from_below()
        return link

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


def _no_room(card: Card, room: Room, count: int) -> Text:
    return Text(
        f"{card.name_zh}（{card.node_id}）上报的 {count} 条目录超出上限（目录 {room.entries} 条，部门 {room.departments} 个），没有收下。确需收下的，请系统管理员调高 linkage_entries_most 或 linkage_departments_most，下一次每日比对会自动补齐。",
        f"{count} entries that {card.name_en} ({card.node_id}) told are over the cap ({room.entries} entries, {room.departments} departments) and were not taken. To take them, raise linkage_entries_most or linkage_departments_most; the next daily comparison brings what is lacking.",
    )


def _twin(name: str) -> Text:
    return Text(
        f"来源节点已自行上报“{name[:60]}”，以来源为准。请撤销本级手工登记的同一目录，或取消其节点登记。",
        f"Its origin tells “{name[:60]}” itself now, and the origin wins. Withdraw the entry that was made here by hand, or take its node away.",
    )
