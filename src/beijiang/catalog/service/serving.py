"""What the gate asks: which version of a table is released, and which of its columns."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from beijiang.access import Permission
from beijiang.catalog.models import Entry, OpenType, Personal, Release, Resource, ShareType, State, Version
from beijiang.catalog.service.base import TOO_SENSITIVE, Base
from beijiang.catalog.store import ResourceStore
from beijiang.db import UnitOfWork
from beijiang.kit import SYSTEM, Actor, NotFound


class Serving(Base):
    """Releases: the published entry bound to one version of its table. No actor asks; the gate does."""

    def released(self, table: str) -> Release | None:
        """Return what is released of a table now, or None; asked at every access, so a withdrawal holds at once.

        What the database says is remembered until anything in it is changed.
        """
        return self._releases.get(table, lambda connection: _released(ResourceStore(connection), table))

    def earlier(self, release: Release, table_version: int) -> Release | None:
        """Return a release for an earlier version of its table: what is offered now, beside what was offered then.

        None when nobody can tell what was offered then, which shows nobody anything.
        """
        with self._db.read() as connection:
            store = ResourceStore(connection)
            found = store.get(release.resource_id)
            return None if found is None else _with_then(store, found, replace(release, table_version=table_version))

    def candidate(self, table: str) -> Release | None:
        """Return what would be released of a table if its entry were published, or its readers moved on, now."""
        found = self.resource_for_table(table)
        return None if found is None else self._candidate(found)

    def _candidate(self, found: Resource) -> Release | None:
        """Return the release that a publication would make; of a published entry the same release with the newest version."""
        if found.table is None or not found.facts.version:
            return None
        if found.state is State.PUBLISHED:
            release = self.released(found.table)
            return None if release is None else replace(release, table_version=found.facts.version)
        return _offer(found.table, found, found.entry, found.versions + 1, found.facts.version, self._clock.now())

    def resource_for_table(self, table: str) -> Resource | None:
        """Return the resource that describes a table, in whatever state it is."""
        with self._db.read() as connection:
            return ResourceStore(connection).of_table(table)

    def cycle_of(self, table: str) -> str | None:
        """Return the code of the update cycle that a table's entry promises, if it says one."""
        found = self.resource_for_table(table)
        return None if found is None else found.entry.update_cycle or None

    def advance_release(self, table: str, version: int) -> bool:
        """Move readers of a published entry on to a newer version of its table; tell whether they were moved.

        Called by protection once columns and grades of that version are known to be no stricter. It never goes back,
        and does nothing for what is not published, or for a version that is kept back.
        """
        release = self.last_release(table)
        if release is None or self._kept_back(replace(release, table_version=version)) is not None:
            return False
        with self._db.begin() as tx:
            store = ResourceStore(tx.connection)
            found = store.of_table(table)
            if found is None or found.version is None or version > found.facts.version:
                return False
            if found.released_table_version is not None and version <= found.released_table_version:
                return False
            store.add_release(found.id, found.version, version, self._clock.now(), SYSTEM.id)
            saved = self._save(tx, found, replace(found, released_table_version=version))
            self._record(tx, SYSTEM, "advance_release", saved, table_version=version, version=saved.version)
            return True

    def releases(self, resource_id: str) -> list[int]:
        """Return the versions of its table that readers ever had, newest first."""
        with self._db.read() as connection:
            return ResourceStore(connection).releases(resource_id)

    def move_readers(self, tx: UnitOfWork, actor: Actor, resource_id: str, version: int | None) -> None:
        """Give readers an older version of the table, or none until the next one; part of a recall.

        Raises:
            NotFound: no such resource.

        """
        store = ResourceStore(tx.connection)
        found = store.get(resource_id)
        if found is None:
            raise NotFound("没有这个资源。", "There is no such resource.", code="resource_not_found")
        self._access.require(actor, Permission.EXCHANGE_GRANT_MANAGE, found.provider_id)
        if found.released_table_version == version:
            return
        if version is not None:
            store.add_release(found.id, found.version or 0, version, self._clock.now(), actor.id)
        saved = self._save(tx, found, replace(found, released_table_version=version))
        self._record(tx, actor, "move_readers", saved, table_version=version, version=saved.version)

    def last_release(self, table: str) -> Release | None:
        """Return what readers have of a table, or had until a recall left them with nothing."""
        release = self.released(table)
        if release is not None:
            return release
        with self._db.read() as connection:
            store = ResourceStore(connection)
            found = store.of_table(table)
            version = None if found is None or found.version is None else store.version(found.id, found.version)
            had = [] if found is None else store.releases(found.id)
        if found is None or version is None or not version.intact or not had:
            return None
        return _offer(table, found, version.entry, version.number, had[0], version.published_at)


def _released(store: ResourceStore, table: str) -> Release | None:
    found = store.of_table(table)
    version = None if found is None or found.version is None else store.version(found.id, found.version)
    release = None if found is None or version is None else _release(table, found, version)
    return None if release is None or found is None else _with_then(store, found, release)


def _release(table: str, found: Resource, version: Version) -> Release | None:
    """Return what a published version offers, None when its text was tampered with or readers have no table version."""
    if found.released_table_version is None or not version.intact:
        return None
    return _offer(table, found, version.entry, version.number, found.released_table_version, version.published_at)


def _with_then(store: ResourceStore, found: Resource, release: Release) -> Release | None:
    """Add what was offered with the version when it was the newest; None when that cannot be told."""
    then = store.offered_under(found.id, release.table_version)
    version = None if then is None else store.version(found.id, then[0])
    if then is None or version is None or not version.intact:
        return None
    number, until = then
    if number == release.version_no and until is None:
        return release
    before = _offer(release.table, found, version.entry, number, release.table_version, version.published_at)
    return replace(release, then=replace(before, until=until))


def _offer(
    table: str, found: Resource, entry: Entry, number: int, table_version: int, published_at: datetime
) -> Release:
    closed = _closed(found)
    level = max((g.level for c, g in found.grades.items() if entry.item(c)), default=entry.level)
    return Release(
        resource_id=found.id,
        version_no=number,
        table=table,
        table_version=table_version,
        open_type=entry.open_type or OpenType.NOT_OPEN,
        open_items=entry.open_items - closed,
        level=level,
        share_type=entry.share_type or ShareType.NOT_SHARED,
        shared_items=entry.shared_items,
        provider_id=entry.provider_id,
        licence=entry.licence,
        items=frozenset(item.column for item in entry.items),
        grades={item.column: (str(item.level), item.kind or "plain") for item in entry.items if item.level},
        published_at=published_at,
        refused_items=entry.refused_items,
        conditional_items=entry.conditional_items - closed,
    )


def _closed(found: Resource) -> frozenset[str]:
    """Return the columns that grew too sensitive since the version was published."""
    return frozenset(
        column
        for column, grade in found.grades.items()
        if grade.level in TOO_SENSITIVE or grade.personal is Personal.SENSITIVE
    )


__all__ = ["Serving"]
