"""Writing entries: proposed from a table, completed by a steward, graded by protection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.catalog.models import (
    Action,
    Entry,
    Grade,
    Item,
    ItemEdit,
    Level,
    Personal,
    Resource,
    ResourceEdit,
    State,
    TableFacts,
)
from beijiang.catalog.models.entry import NAME_LIMIT
from beijiang.catalog.service.base import graded
from beijiang.catalog.service.checking import Checking
from beijiang.catalog.service.proposal import items_of, proposed_entry, proposed_item
from beijiang.catalog.store import ResourceStore
from beijiang.kit import SYSTEM, Actor, Conflict, Invalid, new_id

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.tables import TableWritten

_NOT_DATA = frozenset({"compact"})


class Compiling(Checking):
    """Entries come to be and change."""

    def on_table_written(self, event: TableWritten) -> None:
        """Propose an entry at a table's first version, refresh the facts at each later one; idempotent."""
        with self._db.begin() as tx:
            found = ResourceStore(tx.connection).of_table(event.table)
            if found is not None and not found.facts.version and found.entry.provider_id != event.org_id:
                self._save(tx, found, replace(found, table=None))  # it was kept for a table that became another's
                found = None
            if found is None:
                self._propose(tx, event)
            elif event.version > found.facts.version:
                self._refresh(tx, found, event)

    def _propose(self, tx: UnitOfWork, event: TableWritten) -> None:
        store = ResourceStore(tx.connection)
        entry = proposed_entry(event, self._organisation(event.org_id), self._standards)
        if store.by_name(entry.provider_id, entry.name) is not None:
            tail = f"（{event.table_id[-6:]}）"
            entry = replace(entry, name=entry.name[: NAME_LIMIT - len(tail)] + tail)
        self._add(tx, SYSTEM, entry, table=event.table, facts=_facts(event, None))

    def _add(
        self, tx: UnitOfWork, actor: Actor, entry: Entry, *, table: str | None, facts: TableFacts | None = None
    ) -> Resource:
        now = self._clock.now()
        resource = draft(entry, now, table=table, facts=facts)
        ResourceStore(tx.connection).add(resource)
        self._indexer.put(tx.connection, resource, now)
        self._wait_for(tx, resource)
        self._record(tx, actor, "register", resource)
        return resource

    def _refresh(self, tx: UnitOfWork, found: Resource, event: TableWritten) -> None:
        changed = replace(found, facts=_facts(event, found.facts))
        if found.state in {State.DRAFT, State.RETURNED} and not found.is_serving:
            items = _met(found.entry.items, items_of(event, self._standards))
            changed = replace(changed, entry=replace(found.entry, items=items))
        saved = self._save(tx, found, changed)
        self._wait_for(tx, saved, update=saved.is_serving and bool(saved.drift))

    def register(self, actor: Actor, entry: Entry) -> Resource:
        """Add an entry by hand, without a table (a service, a set of documents).

        Raises:
            Denied: the actor does not compile for this provider.
            NotFound: there is no such provider, category, format or cycle.
            Conflict: the provider has an entry of this name.

        """
        self._access.require(actor, Permission.CATALOG_RESOURCE_REGISTER, entry.provider_id)
        provider = self._access.organisation(entry.provider_id)
        named = entry.provider_name or provider.name_zh
        entry = replace(entry, provider_name=named, provider_code=entry.provider_code or provider.uscc or "")
        with self._db.begin() as tx:
            entry = self._settled(tx, None, entry)
            self._check_values(ResourceStore(tx.connection), None, entry)
            return self._add(tx, actor, entry, table=None)

    def edit(self, actor: Actor, resource_id: str, edit: ResourceEdit, *, revision: int | None = None) -> Resource:
        """Change an entry. Editing a published one begins a new version; the old one serves until that is published.

        Raises:
            Denied: the actor does not compile for this provider.
            Conflict: the state does not allow it, or ``revision`` is no longer the newest.
            Invalid: an item that is not there, or a code that no standard knows.

        """
        seen = self._seen(actor, Permission.CATALOG_RESOURCE_EDIT, resource_id)
        self._check_edit(seen, edit)
        with self._db.begin() as tx:
            found = self._stored(ResourceStore(tx.connection), resource_id)
            if revision is not None and revision != found.revision:
                raise _stale(resource_id)
            entry = self._settled(tx, found, edit.apply(found.entry))
            if entry == found.entry:
                return found
            self._check_values(ResourceStore(tx.connection), found, entry)
            return self._rewrite(tx, actor, found, entry)

    def _rewrite(self, tx: UnitOfWork, actor: Actor, found: Resource, entry: Entry) -> Resource:
        move = self._move(found, Action.EDIT)
        changed = replace(found, entry=entry, state=move.target, endorsed_by=None)
        saved = self._save(tx, found, changed)
        if move.source is not move.target:
            self._note_step(tx, actor, saved.id, move)
        self._wait_for(tx, saved)
        self._record(tx, actor, "edit", saved, revision=saved.revision)
        return saved

    def set_items(
        self, actor: Actor, resource_id: str, edits: Sequence[ItemEdit], *, revision: int | None = None
    ) -> Resource:
        """Change items only; see ``edit``."""
        return self.edit(actor, resource_id, ResourceEdit(items=tuple(edits)), revision=revision)

    def take_columns(self, actor: Actor, resource_id: str) -> Resource:
        """Bring the items in line with the columns that the table has now: add the new, drop the gone.

        Raises:
            Denied: the actor does not compile for this provider.
            Conflict: the state does not allow it.

        """
        self._seen(actor, Permission.CATALOG_RESOURCE_EDIT, resource_id)
        with self._db.begin() as tx:
            found = self._stored(ResourceStore(tx.connection), resource_id)
            if not found.drift:
                return found
            kept = {item.column: item for item in found.entry.items}
            items = tuple(
                kept.get(column) or proposed_item(column, "text", "", self._standards) for column in found.facts.columns
            )
            return self._rewrite(tx, actor, found, replace(found.entry, items=graded(items, found.grades)))

    def apply_grades(self, table: str, grades: Mapping[str, tuple[str, str | None, str | bool]]) -> None:
        """Take over the grades that protection found: column to (level, kind, personal).

        An item that is now too sensitive to be open is set to not open in the working entry. A published version
        is not touched, but its release leaves out what became L3 or higher at once.
        """
        with self._db.begin() as tx:
            found = ResourceStore(tx.connection).of_table(table)
            if found is None:
                return
            known = {column: Grade(Level(g[0]), g[1], _personal(g[2])) for column, g in grades.items()}
            entry = replace(found.entry, items=graded(found.entry.items, known))
            if known == dict(found.grades) and entry == found.entry:
                return
            saved = self._save(tx, found, replace(found, entry=entry, grades=known))
            self._record(tx, SYSTEM, "grade", saved, level=str(entry.level) if entry.level else None)

    def hold_count(self, tx: UnitOfWork, table: str, *, held: bool) -> None:
        """Stop or begin to tell the row count of a table; in the transaction that sets or lifts the rule on its rows."""
        found = ResourceStore(tx.connection).of_table(table)
        if found is not None and found.facts.rows_held is not held:
            self._save(tx, found, replace(found, facts=replace(found.facts, rows_held=held)))

    def _check_edit(self, found: Resource, edit: ResourceEdit) -> None:
        columns = {item.column for item in found.entry.items}
        unknown = sorted(edit.columns_named() - columns)
        if unknown:
            raise Invalid(
                f"目录中没有数据项“{unknown[0]}”。现有数据项：{'、'.join(sorted(columns)[:12])}。",
                f"The entry has no item “{unknown[0]}”. Its items: {', '.join(sorted(columns)[:12])}.",
                code="unknown_item",
                detail={"items": list(unknown)},
            )


def draft(entry: Entry, now: datetime, *, table: str | None = None, facts: TableFacts | None = None) -> Resource:
    """Return a resource at the beginning of its life."""
    return Resource(
        id=new_id("res"),
        table=table,
        entry=entry,
        state=State.DRAFT,
        revision=1,
        version=None,
        versions=0,
        released_table_version=None,
        facts=facts or TableFacts(),
        grades={},
        codes=(),
        created_at=now,
        updated_at=now,
        published_at=None,
        submitted_by=None,
        approved_by=None,
        reviewer_org=None,
        endorsed_by=None,
        reasons=(),
    )


def _facts(event: TableWritten, before: TableFacts | None) -> TableFacts:
    written = datetime.fromisoformat(event.written_at)
    moved = before is None or event.mode not in _NOT_DATA
    return TableFacts(
        version=event.version,
        rows=event.rows,
        columns=tuple(event.columns),
        data_at=written if moved or before is None else before.data_at,
        sources=tuple(source.get("name", "") for source in event.sources) or (before.sources if before else ()),
        rows_held=before is not None and before.rows_held,
    )


def _met(old: tuple[Item, ...], new: tuple[Item, ...]) -> tuple[Item, ...]:
    """Keep what a steward wrote about a column, take the new columns, drop the gone."""
    kept = {item.column: item for item in old}
    return tuple(replace(kept[item.column], type=item.type) if item.column in kept else item for item in new)


def _personal(value: str | bool) -> Personal:
    if isinstance(value, bool):
        return Personal.PERSONAL if value else Personal.NONE
    return Personal(value)


def _stale(resource_id: str) -> Conflict:
    return Conflict(
        "这条目录刚被他人修改。请刷新后重试。",
        "Somebody else has just changed this entry. Reload it and try again.",
        code="stale_revision",
        detail={"id": resource_id},
    )


__all__ = ["Compiling", "draft"]
