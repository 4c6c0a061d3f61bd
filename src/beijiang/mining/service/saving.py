"""Saved queries: kept by name, private or shared with the own organisation, every revision kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import new_id
from beijiang.mining.errors import no_query
from beijiang.mining.models import SavedDraft, SavedQuery
from beijiang.mining.service.base import Base
from beijiang.mining.store import SavedStore

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Saving"]


class Saving(Base):
    """Keep queries; sharing one shows its text, never a row: whoever runs it sees what he may see."""

    def saved(self, actor: Actor, words: str = "") -> Sequence[SavedQuery]:
        """Return the actor's own queries and those that the own organisation shares, by folder and name."""
        self.access.require(actor, Permission.PROTECTION_SQL_RUN)
        with self.db.read() as connection:
            found = SavedStore(connection).visible(actor)
        wanted = words.strip().casefold()
        return [one for one in found if wanted in f"{one.name}\n{one.folder}\n{one.description}\n{one.text}".casefold()]

    def one_saved(self, actor: Actor, query_id: str) -> SavedQuery:
        """Return a saved query as it is now.

        Raises:
            NotFound: unknown, removed, or neither the actor's own nor shared with his organisation.

        """
        self.access.require(actor, Permission.PROTECTION_SQL_RUN)
        with self.db.read() as connection:
            found = SavedStore(connection).get(query_id)
        if found is None or found.retired or not _may_see(actor, found):
            raise no_query()
        return found

    def revisions(self, actor: Actor, query_id: str) -> Sequence[SavedQuery]:
        """Return all revisions of a saved query, oldest first; others than its owner see those that were shared."""
        found = self.one_saved(actor, query_id)
        with self.db.read() as connection:
            all_ = SavedStore(connection).history(found.id)
        return [one for one in all_ if _may_see(actor, one)]

    def save(self, actor: Actor, draft: SavedDraft) -> SavedQuery:
        """Keep a query for the actor.

        Raises:
            Invalid: it cannot be kept (``saved_query_unfit``).

        """
        self.access.require(actor, Permission.PROTECTION_SQL_RUN)
        return self._put(actor, _kept(actor, draft.checked(), new_id("saved"), self), "mining.query_save")

    def change(self, actor: Actor, query_id: str, draft: SavedDraft) -> SavedQuery:
        """Make a new revision of one's own saved query.

        Raises:
            Invalid: it cannot be kept.
            NotFound: unknown, or not the actor's own.

        """
        before = self._own(actor, query_id)
        made = _kept(actor, draft.checked(), before.id, self, before.revision + 1)
        return self._put(actor, made, "mining.query_change")

    def remove(self, actor: Actor, query_id: str) -> None:
        """Take one's own saved query out of use; its revisions stay on record.

        Raises:
            NotFound: unknown, or not the actor's own.

        """
        before = self._own(actor, query_id)
        self._put(
            actor, _kept(actor, before, before.id, self, before.revision + 1, retired=True), "mining.query_remove"
        )

    def _own(self, actor: Actor, query_id: str) -> SavedQuery:
        found = self.one_saved(actor, query_id)
        if found.owner_id != actor.id:
            raise no_query()
        return found

    def _put(self, actor: Actor, made: SavedQuery, what: str) -> SavedQuery:
        with self.db.begin() as tx:
            SavedStore(tx.connection).add(made)
            digest = hashlib.sha256(made.text.encode()).hexdigest()
            detail: dict[str, JsonValue] = {"revision": made.revision, "sql_sha256": digest, "shared": made.shared}
            self.evidence.record(tx, actor, what, target=made.id, detail=detail)
        return made


def _may_see(actor: Actor, query: SavedQuery) -> bool:
    return query.owner_id == actor.id or (query.shared and query.org_id is not None and query.org_id == actor.org_id)


def _kept(
    actor: Actor, draft: SavedDraft, query_id: str, base: Base, revision: int = 1, *, retired: bool = False
) -> SavedQuery:
    return SavedQuery(
        id=query_id,
        revision=revision,
        retired=retired,
        name=" ".join(draft.name.split()),
        text=draft.text,
        description=draft.description.strip(),
        folder=" ".join(draft.folder.split()),
        shared=draft.shared,
        chart=draft.chart,
        owner_id=actor.id,
        owner=actor.name,
        org_id=actor.org_id,
        at=base.clock.now(),
    )
