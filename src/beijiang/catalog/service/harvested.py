"""Entries that come from other catalogs: taken over field by field, so that a steward's own words stay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.catalog.models import Entry, Link, OpenType, Resource, ShareMethod, ShareType
from beijiang.catalog.models.entry import NAME_LIMIT
from beijiang.catalog.service.compiling import Compiling
from beijiang.catalog.service.reviewing import Reviewing
from beijiang.catalog.store import ResourceStore
from beijiang.kit import Actor, BeijiangError, Conflict, Refused, Text

if TYPE_CHECKING:
    from beijiang.catalog.models.harvested import Described
    from beijiang.db import UnitOfWork

_PLAIN: Final = (
    "summary", "inner_office", "categories", "formats", "licence", "update_cycle", "region_code", "keywords", "time_span",
    "contact",
)  # fmt: skip
_TERMS: Final = frozenset({"licence", "is_open"})


class Harvested(Compiling, Reviewing):
    """What a harvest asks of the catalog."""

    def take_over(
        self, tx: UnitOfWork, actor: Actor, told: Described, *, resource_id: str | None, changed: frozenset[str]
    ) -> str:
        """Register an entry as a draft, or change those fields of a registered one that changed at its source.

        In the caller's transaction, with what the caller keeps of the record. A steward's words in other fields stay.

        Raises:
            Refused: the actor does not compile for this provider.
            Conflict: the entry is being reviewed, or has ended.

        """
        permission = Permission.CATALOG_RESOURCE_REGISTER if resource_id is None else Permission.CATALOG_RESOURCE_EDIT
        if not self._access.allows(actor, permission, told.provider_id):
            raise _not_for(told.provider_id)
        store = ResourceStore(tx.connection)
        if resource_id is None:
            fresh = _terms(self._named(store, None, Entry(name=told.name, provider_id=told.provider_id)), told)
            provider = self._organisation(told.provider_id)
            if provider is not None:
                fresh = replace(fresh, provider_name=provider.name_zh, provider_code=provider.uscc or "")
            entry = replace(fresh, **_values(told, frozenset(_PLAIN) | {"links"}))
            self._check_values(store, None, entry)
            return self._add(tx, actor, entry, table=None).id
        found = self._stored(store, resource_id)
        entry = replace(found.entry, **_values(told, changed))
        if "name" in changed:
            entry = self._named(store, found, replace(entry, name=told.name))
        if changed & _TERMS:
            entry = _terms(entry, told)
        if entry != found.entry:
            self._check_values(store, found, entry)
            self._rewrite(tx, actor, found, entry)
        return found.id

    def _named(self, store: ResourceStore, found: Resource | None, entry: Entry) -> Entry:
        """Return the entry under a name that its provider has not given yet: catalogs like to repeat theirs."""
        name, number = entry.name, 1
        while True:
            other = store.by_name(entry.provider_id, name)
            if other is None or (found is not None and other.id == found.id):
                return replace(entry, name=name)
            number += 1
            tail = f"（{number}）"
            name = entry.name[: NAME_LIMIT - len(tail)] + tail

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
            self._record(tx, actor, "edit", saved, revision=saved.revision)


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
        f"您没有为机构“{org_id}”编制目录的权限。请由该机构的数据专员收割，或在映射表中改为本机构。",
        f"You may not compile entries of “{org_id}”. Have its steward harvest, or map the provider to your own organisation.",
        code="not_for_this_provider",
    )


__all__ = ["Harvested"]
