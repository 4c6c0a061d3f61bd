"""Talking about an entry under review: threads on items, answered and resolved, kept with what was looked at."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.catalog.models import Entry, Remark, Thread
from beijiang.catalog.models.entry import canonical
from beijiang.catalog.models.remarks import REMARK_LIMIT, REMARKS_MOST, THREADS_MOST
from beijiang.catalog.service.base import Base
from beijiang.catalog.service.comparison import differences
from beijiang.catalog.store import RemarkStore, ResourceStore
from beijiang.kit import Actor, Conflict, Invalid, NotFound, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.catalog.models import Change, Resource
    from beijiang.db import UnitOfWork

_REMARK = Permission.CATALOG_RESOURCE_REMARK


class Remarking(Base):
    """What the provider's stewards and the reviewers say to each other; nobody else reads it."""

    def threads(self, actor: Actor, resource_id: str) -> tuple[Thread, ...]:
        """Return the threads of an entry, oldest first, each with what has changed since it was looked at.

        Raises:
            Denied: the actor neither provides nor reviews the entry.
            NotFound: unknown or hidden, which look the same.

        """
        found = self._seen(actor, _REMARK, resource_id)
        with self._db.read() as connection:
            return tuple(_measured(one, found.entry) for one in RemarkStore(connection).of_resource(resource_id))

    def open_threads(self, actor: Actor) -> Mapping[str, int]:
        """Return how many threads are open per entry, of those that the actor provides or reviews."""
        if self._access.allows(actor, _REMARK, "*"):
            org = None
        elif actor.org_id and self._access.allows(actor, _REMARK, actor.org_id):
            org = actor.org_id
        else:
            return {}
        with self._db.read() as connection:
            return RemarkStore(connection).open_counts(org)

    def remark(self, actor: Actor, resource_id: str, text: str, *, column: str | None = None) -> Thread:
        """Begin a thread about an item, or about the entry as a whole.

        Raises:
            Denied: the actor neither provides nor reviews the entry.
            Invalid: an empty or too long text, or an item that is not there.
            Conflict: the entry has as many threads as it may.

        """
        said = _said(text)
        self._seen(actor, _REMARK, resource_id)
        with self._db.begin() as tx:
            found = self._stored(ResourceStore(tx.connection), resource_id)
            store = RemarkStore(tx.connection)
            if len(store.of_resource(resource_id)) >= THREADS_MOST:
                raise _too_many(THREADS_MOST)
            thread = self._begun(found, column)
            store.add(thread)
            self._say(tx, actor, found, thread, said)
        return self._thread(thread.id, found)

    def reply(self, actor: Actor, thread_id: str, text: str) -> Thread:
        """Answer in a thread; an answer to one that was resolved opens it again.

        Raises:
            NotFound: unknown or hidden, which look the same.
            Invalid: an empty or too long text.
            Conflict: the thread has as many remarks as it may.

        """
        said = _said(text)
        self._of_thread(actor, thread_id)
        with self._db.begin() as tx:
            store = RemarkStore(tx.connection)
            thread = _there(store.get(thread_id))
            if len(thread.remarks) >= REMARKS_MOST:
                raise _too_many(REMARKS_MOST)
            found = self._stored(ResourceStore(tx.connection), thread.resource_id)
            if not thread.is_open:
                store.resolve(thread_id, None, None, "")
            self._say(tx, actor, found, thread, said)
        return self._thread(thread_id, found)

    def resolve(self, actor: Actor, thread_id: str) -> Thread:
        """Say that a thread is settled; both sides may, and it stays readable.

        Raises:
            NotFound: unknown or hidden, which look the same.

        """
        found = self._of_thread(actor, thread_id)
        with self._db.begin() as tx:
            store = RemarkStore(tx.connection)
            thread = _there(store.get(thread_id))
            if thread.is_open:
                store.resolve(thread_id, self._clock.now(), actor.id, actor.name)
                self._record(tx, actor, "remark_resolve", found, **_about(thread))
        return self._thread(thread_id, found)

    def _of_thread(self, actor: Actor, thread_id: str) -> Resource:
        """Return the entry of a thread, if the actor provides or reviews it."""
        with self._db.read() as connection:
            thread = RemarkStore(connection).get(thread_id)
            found = ResourceStore(connection).get(thread.resource_id) if thread else None
        if found is None or not self._access.allows(actor, _REMARK, found.provider_id):
            raise _no_thread()
        return found

    def _begun(self, found: Resource, column: str | None) -> Thread:
        item = None if column is None else found.entry.item(column)
        if column is not None and item is None:
            raise Invalid(
                f"目录中没有数据项“{column[:100]}”，可能刚被改名或删去。请刷新后重试。",
                f"The entry has no item “{column[:100]}”; it may just have gone. Reload and try again.",
                code="unknown_item",
                detail={"items": [column[:100]]},
            )
        looked = replace(found.entry, items=(item,) if item else ())
        return Thread(
            id=new_id("thr"),
            resource_id=found.id,
            column=column,
            subject=item.name if item else found.entry.name,
            revision=found.revision,
            version=found.versions + 1,
            seen=canonical(looked.to_json()),
            opened_at=self._clock.now(),
        )

    def _say(self, tx: UnitOfWork, actor: Actor, found: Resource, thread: Thread, text: str) -> None:
        RemarkStore(tx.connection).say(thread.id, self._remark(actor, text))
        told = hashlib.sha256(text.encode()).hexdigest()
        self._record(tx, actor, "remark", found, **_about(thread), sha256=told, at_revision=found.revision)

    def _remark(self, actor: Actor, text: str) -> Remark:
        return Remark(
            id=new_id("rmk"),
            at=self._clock.now(),
            actor_id=actor.id,
            actor_name=actor.name,
            org_id=actor.org_id,
            text=text,
        )

    def _thread(self, thread_id: str, found: Resource) -> Thread:
        with self._db.read() as connection:
            return _measured(_there(RemarkStore(connection).get(thread_id)), found.entry)


def _about(thread: Thread) -> dict[str, str | int | None]:
    return {"thread": thread.id, "column": thread.column, "revision": thread.revision, "for_version": thread.version}


def _measured(thread: Thread, now: Entry) -> Thread:
    """Add what has changed in the subject since it was looked at."""
    before = Entry.from_json(json.loads(thread.seen))
    if thread.column is None:
        return replace(thread, since=_since(before, replace(now, items=())))
    item = now.item(thread.column)
    if item is None:
        return replace(thread, gone=True)
    return replace(thread, since=_since(replace(now, items=before.items), replace(now, items=(item,))))


def _since(before: Entry, after: Entry) -> tuple[Change, ...]:
    return tuple(differences(before, after))


def _said(text: str) -> str:
    said = text.strip()
    if not said:
        raise Invalid(
            "批注是空的。请写明哪里要改、怎样改。",
            "The comment is empty. Say what to change, and how.",
            code="remark_empty",
        )
    if len(said) > REMARK_LIMIT:
        raise Invalid(
            f"批注超过 {REMARK_LIMIT} 字，请分成几条。",
            f"A comment has at most {REMARK_LIMIT} characters; make it several.",
            code="remark_too_long",
        )
    return said


def _too_many(most: int) -> Conflict:
    return Conflict(
        f"批注已满 {most} 条。请先改好目录、了结旧的批注。",
        f"There are {most} comments already. Mend the entry and settle old ones first.",
        code="too_many_remarks",
    )


def _there(thread: Thread | None) -> Thread:
    if thread is None:
        raise _no_thread()
    return thread


def _no_thread() -> NotFound:
    return NotFound("没有这条批注。", "There is no such comment.", code="unknown_thread")


__all__ = ["Remarking"]
