"""What this node tells the nodes above of its catalog (上报): everything listed once a day, and between that what moves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.federation import errors
from beijiang.federation.models import Bearing, LinkState
from beijiang.federation.models.entries import Comparison, Rule, Telling, Wanted, listings, telling
from beijiang.federation.models.travels import Department
from beijiang.federation.store import EntryStore, NodeStore
from beijiang.kit import SYSTEM, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.catalog import Catalog, EntryMoved
    from beijiang.db import UnitOfWork
    from beijiang.federation.models import Letter, Link
    from beijiang.federation.service.letters import Letters
    from beijiang.federation.service.parts import NodeParts
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["ENTRY", "GONE", "LISTING", "SUBJECT", "WANTED", "CatalogTelling"]

ENTRY: Final = "catalog.entry"
GONE: Final = "catalog.gone"
LISTING: Final = "catalog.listing"
WANTED: Final = "catalog.wanted"
SUBJECT: Final = "catalog"
"""All letters about a catalog are of one subject: a list is read when all that was told before it has been read."""
_AGAIN: Final = timedelta(days=1)
_ALL: Final = 1_000_000
_DIVISIONS: Final = 50


class CatalogTelling:
    """The side of the cascade that tells."""

    def __init__(self, parts: NodeParts, letters: Letters, catalog: Catalog) -> None:
        self._parts = parts
        self._db = parts.db
        self._letters = letters
        self._catalog = catalog
        letters.reads(WANTED, self._on_wanted)

    def rule(self, actor: Actor, node_id: str) -> Rule:
        """Return what is told to a linked node.

        Raises:
            NotFound: no such node is linked (``node_not_found``).

        """
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        with self._db.read() as connection:
            if NodeStore(connection).link(node_id) is None:
                raise errors.no_node()
            return EntryStore(connection).rule(node_id)

    def set_rule(self, actor: Actor, node_id: str, *, on: bool, divisions: Sequence[str] = ()) -> Rule:
        """Decide what is told to a node above: all that is published, or some divisions; off takes back what was told.

        Everything is compared anew within a minute.

        Raises:
            NotFound: no such node is linked (``node_not_found``).
            Invalid: the node is not above (``not_above``), or a division is no code (``bad_division``).

        """
        self._parts.access.require(actor, Permission.FEDERATION_CATALOG_OFFER)
        wanted = tuple(dict.fromkeys(one.strip() for one in divisions if one.strip()))
        if len(wanted) > _DIVISIONS or any(
            not (one.isalnum() and one.isascii()) or len(one) > _DIVISIONS for one in wanted
        ):
            raise errors.bad_division()
        rule = Rule(on, wanted, actor.name[:100], self._parts.clock.now())
        with self._db.begin() as tx:
            link = NodeStore(tx.connection).link(node_id)
            if link is None:
                raise errors.no_node()
            if link.bearing is not Bearing.ABOVE:
                raise errors.not_above()
            EntryStore(tx.connection).put_rule(node_id, rule)
            detail: dict[str, JsonValue] = {"on": on, "divisions": [*wanted]}
            self._parts.evidence.record(tx, actor, "federation.catalog_rule", target=node_id, detail=detail)
        return rule

    def untold(self, actor: Actor, node_id: str) -> Comparison:
        """Return how many entries a node above does not know as they are now; nothing is sent.

        Raises:
            NotFound: no such node is linked (``node_not_found``).

        """
        rule = self.rule(actor, node_id)
        now = {one.resource_id: one.digest for one in self._current(rule)}
        with self._db.read() as connection:
            return Comparison.between(EntryStore(connection).told(node_id), now)

    def on_entry_moved(self, event: EntryMoved) -> None:
        """Tell every node above what became of an entry, if it is told at all."""
        with self._db.read() as connection:
            store = EntryStore(connection)
            above = [(link, store.catalog(link.node_id)) for link in NodeStore(connection).links() if _tells(link)]
        listed = [link for link, row in above if row is not None and row.active and row.listed_at is not None]
        for link in listed:
            try:
                with self._db.begin() as tx:
                    self._tell(tx, link.node_id, event.resource_id, 0)
            except (NotFound, Conflict):
                continue  # the link ended this moment; when there is one again everything is listed

    def _list_due(self) -> None:
        """List everything to the nodes above that were not listed it since the rule or the link changed, or for a day."""
        now = self._parts.clock.now()
        with self._db.read() as connection:
            store = EntryStore(connection)
            rows = [(link, store.catalog(link.node_id)) for link in NodeStore(connection).links() if _tells(link)]
        for link, row in rows:
            if row is None or link.state is not LinkState.LINKED:
                continue
            listed = row.listed_at
            if listed is None or listed < link.since or (row.active and now - listed >= _AGAIN):
                self._list(link.node_id)

    def _list(self, node_id: str) -> None:
        with self._db.read() as connection:
            rule = EntryStore(connection).rule(node_id)
        digests = {one.resource_id: one.digest for one in self._current(rule)}
        with self._db.begin() as tx:
            store = EntryStore(tx.connection)
            if store.rule(node_id) != rule:
                return  # decided anew this moment; the next look lists by the new rule
            store.forget_told(node_id, store.told(node_id).keys() - digests.keys())
            for body in listings(digests):
                letter = self._letters.send(tx, node_id, LISTING, body, subject=SUBJECT)
                store.put_told(node_id, body["entries"], letter.number)  # type: ignore[arg-type]
            store.note(node_id, listed_at=self._parts.clock.now())

    def _on_wanted(self, tx: UnitOfWork, letter: Letter) -> None:
        """Tell what the node above does not have as it was listed, unless a later letter told it meanwhile."""
        said, store = Wanted.parsed(letter.body), EntryStore(tx.connection)
        link = NodeStore(tx.connection).link(letter.node_id)
        if link is None or not _tells(link):
            raise errors.not_above()
        for resource_id in said.ids:
            self._tell(tx, letter.node_id, resource_id, said.number)
        before = Comparison() if said.first else store.found(letter.node_id)[1]
        found = before + Comparison(said.fresh, len(said.ids) - said.fresh, said.gone)
        values = {"fresh": found.fresh, "changed": found.changed, "gone": found.gone}
        store.note(letter.node_id, compared_at=self._parts.clock.now(), **values)

    def _tell(self, tx: UnitOfWork, node_id: str, resource_id: str, wanted_of: int) -> None:
        """Tell how an entry is now, or that it is gone; what was listed by the letter ``wanted_of`` even if nothing changed."""
        store = EntryStore(tx.connection)
        rule, known = store.rule(node_id), store.told_by(node_id, resource_id)
        if wanted_of and (known is None or known[1] > wanted_of):
            return  # never listed, gone since, or told anew since
        now = None if resource_id in store.placed() else self._one(resource_id, rule)
        if now is None:
            if known is not None:
                self._letters.send(tx, node_id, GONE, {"resource": resource_id}, subject=SUBJECT)
                store.forget_told(node_id, (resource_id,))
        elif wanted_of or known is None or known[0] != now.digest:
            sent = self._letters.send(tx, node_id, ENTRY, now.body, subject=SUBJECT)
            store.put_told(node_id, {resource_id: now.digest}, sent.number)

    def _current(self, rule: Rule) -> list[Telling]:
        """Return all that is told by a rule, as it is now."""
        if not rule.on:
            return []
        serving = [one.id for one in self._catalog.list(SYSTEM, limit=_ALL) if one.is_serving]
        with self._db.read() as connection:
            placed = EntryStore(connection).placed()  # another node's data are another node's to tell
        return [told for one in serving if one not in placed and (told := self._one(one, rule)) is not None]

    def _one(self, resource_id: str, rule: Rule) -> Telling | None:
        """Return what is told of an entry by a rule; None where nothing is."""
        try:
            published = self._catalog.published(SYSTEM, resource_id)
        except NotFound:
            return None
        entry = published.version.entry
        if not rule.on or not rule.takes(entry):
            return None
        try:
            names = self._parts.access.organisation(entry.provider_id)
            zh, en = names.name_zh, names.name_en
        except NotFound:
            zh, en = entry.provider_name, ""
        org = Department(id=entry.provider_id, zh=zh[:100], en=(en or "")[:100])
        return telling(published, org, f"{self._parts.public_url.rstrip('/')}/datasets/{resource_id}")


def _tells(link: Link) -> bool:
    """Tell whether a link is to a node above that letters may be written to."""
    return link.bearing is Bearing.ABOVE and link.is_open
