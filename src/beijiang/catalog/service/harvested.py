"""Entries that come from other catalogs: taken over field by field, so that a steward's own words stay."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.catalog.models import Entry, Link, OpenType, Resource, ShareMethod, ShareType
from beijiang.catalog.models.entry import NAME_LIMIT
from beijiang.catalog.service.compiling import Compiling, draft
from beijiang.catalog.service.reviewing import Reviewing
from beijiang.catalog.store import ResourceStore
from beijiang.kit import Actor, BeijiangError, Conflict, Refused, Text, Unavailable

if TYPE_CHECKING:
    from beijiang.catalog.models.harvested import Described
    from beijiang.db import UnitOfWork
    from beijiang.kit.errors import JsonValue

_PLAIN: Final = (
    "summary", "inner_office", "categories", "formats", "licence", "update_cycle", "region_code", "keywords", "time_span",
    "contact",
)  # fmt: skip
_LEAPS: Final = 20
_TERMS: Final = frozenset({"licence", "is_open"})


class Harvested(Compiling, Reviewing):
    """What a harvest asks of the catalog."""

    def take_in(self, tx: UnitOfWork, actor: Actor, told: Sequence[Described]) -> list[str | BeijiangError]:
        """Register new entries as drafts, all in one go; return the id of each, or why it could not be.

        In the caller's transaction, with what the caller keeps of the records. No task is opened for them: a harvest may
        bring more than anybody's desk holds, and lists them itself.
        """
        store, now = ResourceStore(tx.connection), self._clock.now()
        made: list[Resource | BeijiangError] = []
        names = _Names(store, told)
        providers = {org: self._provider(actor, org) for org in {one.provider_id for one in told}}
        for one in told:
            provider = providers[one.provider_id]
            if isinstance(provider, BeijiangError):
                made.append(provider)
                continue
            entry = replace(provider, name=one.name)
            entry = _terms(replace(entry, **_values(one, frozenset(_PLAIN) | {"links"})), one)
            try:
                self._check_values(store, None, entry)
            except BeijiangError as error:
                made.append(error)
                continue
            made.append(draft(replace(entry, name=names.free(entry)), now))
        fresh = [one for one in made if isinstance(one, Resource)]
        if fresh and not store.add_all(fresh):
            raise Unavailable(
                "同名目录正被他人登记，稍后重试即可。",
                "Somebody registers an entry of the same name just now; try again.",
                code="name_taken",
            )
        if fresh:
            self._indexer.add_all(tx.connection, fresh, now)
            ids: list[JsonValue] = [one.id for one in fresh]
            self._evidence.record(tx, actor, "catalog.register", target="catalog:harvested", detail={"resources": ids})
        return [one.id if isinstance(one, Resource) else one for one in made]

    def take_over(
        self, tx: UnitOfWork, actor: Actor, told: Described, *, resource_id: str, changed: frozenset[str]
    ) -> None:
        """Change those fields of an entry that changed at its source; a steward's words in others stay.

        Raises:
            Refused: the actor does not compile for this provider.
            Conflict: the entry is being reviewed, or has ended.

        """
        store = ResourceStore(tx.connection)
        found = self._stored(store, resource_id)
        if not self._access.allows(actor, Permission.CATALOG_RESOURCE_EDIT, found.provider_id):
            raise _not_for(found.provider_id)
        entry = replace(found.entry, **_values(told, changed))
        if "name" in changed:
            entry = self._named(store, found, replace(entry, name=told.name))
        if changed & _TERMS:
            entry = _terms(entry, told)
        if entry != found.entry:
            self._check_values(store, found, entry)
            self._rewrite(tx, actor, found, entry)

    def _provider(self, actor: Actor, org_id: str) -> Entry | BeijiangError:
        """Return an entry that says no more than its provider, or why the actor cannot compile for it."""
        if not self._access.allows(actor, Permission.CATALOG_RESOURCE_REGISTER, org_id):
            return _not_for(org_id)
        found = self._organisation(org_id)
        bare = Entry(name="", provider_id=org_id)
        if found is None:
            return bare
        return replace(bare, provider_name=found.name_zh, provider_code=found.uscc or "")

    def _named(self, store: ResourceStore, found: Resource, entry: Entry) -> Entry:
        """Return the entry under a name that its provider has not given yet: catalogs like to repeat theirs."""
        for name in _numbered(entry.name):
            other = store.by_name(entry.provider_id, name)
            if other is None or other.id == found.id:
                return replace(entry, name=name)
        return entry

    def end_harvested(self, tx: UnitOfWork, actor: Actor, resource_id: str, reason: str) -> bool:
        """Take an entry offline whose record is gone at its source; tell whether it was online."""
        found = self._stored(ResourceStore(tx.connection), resource_id)
        if not found.is_serving:
            return False
        if not self._access.allows(actor, Permission.CATALOG_RESOURCE_WITHDRAW, found.provider_id):
            raise _not_for(found.provider_id)
        self._offline(tx, actor, found, (reason,))
        return True

    def release_harvested(self, actor: Actor, truster: Actor, resource_id: str) -> Text | None:
        """Take an entry of a trusted source to publication; return what it still waits for, if anything.

        Whoever harvests submits, and whoever vouches for the source decides: both are asked as for any other entry.
        """
        try:
            self._seen(actor, Permission.CATALOG_RESOURCE_EDIT, resource_id)
            return self.release_as([actor, truster], resource_id)
        except BeijiangError as error:
            return error.text

    def bind(self, actor: Actor, resource_id: str, table: str) -> None:
        """Say that a table holds the data of an entry; its columns become the entry's items when it is written.

        Raises:
            Denied: the actor does not compile for this provider.
            Conflict: the entry has another table, or the table another entry.

        """
        self._seen(actor, Permission.CATALOG_RESOURCE_EDIT, resource_id)
        with self._db.begin() as tx:
            store = ResourceStore(tx.connection)
            found, other = self._stored(store, resource_id), store.of_table(table)
            if found.table == table:
                return
            if found.table is not None or other is not None:
                raise Conflict(
                    f"目录“{found.entry.name}”已有数据表，或表“{table}”已有目录。请换一个表名。",
                    f"“{found.entry.name}” has a table already, or table “{table}” has an entry. Choose another table.",
                    code="table_taken",
                )
            saved = self._save(tx, found, replace(found, table=table))
            self._record(tx, actor, "bind", saved)

    def unbind(self, actor: Actor, resource_id: str, table: str) -> None:
        """Take back that a table would hold the data of an entry; where there is one by now, it stays.

        Raises:
            Denied: the actor does not compile for this provider.

        """
        self._seen(actor, Permission.CATALOG_RESOURCE_EDIT, resource_id)
        with self._db.begin() as tx:
            found = self._stored(ResourceStore(tx.connection), resource_id)
            if found.table == table and not found.facts.version:
                saved = self._save(tx, found, replace(found, table=None))
                self._record(tx, actor, "unbind", saved)


class _Names:
    """Names that are free, looked up for many entries at once."""

    def __init__(self, store: ResourceStore, told: Sequence[Described]) -> None:
        self._store = store
        self._taken: set[tuple[str, str]] = set()
        for org in {one.provider_id for one in told}:
            wanted = [one.name for one in told if one.provider_id == org]
            self._taken |= {(org, name) for name in store.names(org, wanted)}

    def free(self, entry: Entry) -> str:
        """Return the entry's name, or the next one with a number that its provider has not given."""
        org = entry.provider_id
        for number, name in enumerate(_numbered(entry.name)):
            if (org, name) not in self._taken and (not number or self._store.by_name(org, name) is None):
                self._taken.add((org, name))
                return name
        return entry.name


def _numbered(name: str) -> Iterator[str]:
    """Yield a name, then the same with ever higher numbers; soon in leaps, as a catalog may give all the same."""
    yield name
    number = 2
    while True:
        tail = f"（{number}）"
        yield name[: NAME_LIMIT - len(tail)] + tail
        number += 1 if number < _LEAPS else secrets.randbelow(number)


def _values(told: Described, names: frozenset[str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(told, name) for name in _PLAIN if name in names}
    if "links" in names:
        values["links"] = tuple(Link(link.title, link.url, link.format) for link in told.links)
    return values


def _terms(entry: Entry, told: Described) -> Entry:
    """Decide sharing and opening where the source is trusted; otherwise that is left to the steward."""
    if not told.is_open:
        return entry
    share, way = entry.share_type or ShareType.UNCONDITIONAL, entry.share_method or ShareMethod.FILE
    opening = entry.open_type or OpenType.UNCONDITIONAL
    return replace(entry, share_type=share, share_method=way, open_type=opening)


def _not_for(org_id: str) -> Refused:
    return Refused(
        f"您没有为机构“{org_id}”编制目录的权限。请由该机构的数据专员采集，或在映射表中改为本机构。",
        f"You may not compile entries of “{org_id}”. Have its steward harvest, or map the provider to your own organisation.",
        code="not_for_this_provider",
    )


__all__ = ["Harvested"]
